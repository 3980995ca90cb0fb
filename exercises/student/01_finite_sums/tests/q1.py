from otter.test_files import test_case

OK_FORMAT = False

name = "q1"
points = None

@test_case(points=1, hidden=False)
def test_full_gradient(full_gradient):
    from adaopt.grading import check, finite_sums
    check(finite_sums.FULL_GRADIENT, full_gradient)


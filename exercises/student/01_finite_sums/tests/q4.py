from otter.test_files import test_case

OK_FORMAT = False

name = "q4"
points = None

@test_case(points=1, hidden=False)
def test_weighted_gradient(weighted_gradient):
    from adaopt.grading import check, finite_sums
    check(finite_sums.WEIGHTED_GRADIENT, weighted_gradient)


from otter.test_files import test_case

OK_FORMAT = False

name = "q3"
points = None

@test_case(points=1, hidden=False)
def test_sgd(sgd):
    from adaopt.grading import check, finite_sums
    check(finite_sums.SGD_PATH, sgd)


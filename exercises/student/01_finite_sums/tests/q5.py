from otter.test_files import test_case

OK_FORMAT = False

name = "q5"
points = None

@test_case(points=1, hidden=False)
def test_minibatch_variance(minibatch_variance):
    from adaopt.grading import check, finite_sums
    check(finite_sums.MINIBATCH_VARIANCE, minibatch_variance)


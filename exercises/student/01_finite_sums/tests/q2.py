from otter.test_files import test_case

OK_FORMAT = False

name = "q2"
points = None

@test_case(points=1, hidden=False)
def test_largest_step(largest_step):
    from adaopt.grading import check, finite_sums
    check(finite_sums.LARGEST_STEP, largest_step)


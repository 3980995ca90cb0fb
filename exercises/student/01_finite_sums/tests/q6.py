from otter.test_files import test_case

OK_FORMAT = False

name = "q6"
points = None

@test_case(points=1, hidden=False)
def test_noise_floor(noise_floor):
    from adaopt.grading import check, finite_sums
    check(finite_sums.NOISE_FLOOR, noise_floor)


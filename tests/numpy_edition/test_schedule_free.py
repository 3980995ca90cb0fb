"""Schedule-Free methods in NumPy: the two ends of beta, and what x, z and the point are."""

import numpy as np
import pytest

from adaopt.numpy import ScheduleFreeAdamW, ScheduleFreeProdigy, ScheduleFreeSGD

CENTER = np.array([3.0, -1.0])


def gradient(y):
    return np.array([1.0, 4.0]) * (y - CENTER)


def run(optimizer, steps):
    """The points where the gradients were taken, the states z and the iterates x."""
    x, points, zs, xs = np.zeros(2), [], [], []
    for _ in range(steps):
        points.append(optimizer.point(x))
        x = optimizer.step(x, gradient(points[-1]))
        zs.append(optimizer.state.z)
        xs.append(x)
    return map(np.array, (points, zs, xs))


def test_beta_zero_is_sgd_with_the_mean_of_its_iterates():
    points, zs, xs = run(ScheduleFreeSGD(lr=0.2, momentum=0.0), 12)
    z, expected = np.zeros(2), []
    for _ in range(12):
        z = z - 0.2 * gradient(z)
        expected.append(z)
    np.testing.assert_allclose(zs, expected, rtol=1e-14)
    np.testing.assert_allclose(points[1:], zs[:-1], rtol=1e-14)
    np.testing.assert_allclose(xs, np.cumsum(expected, 0) / np.arange(1, 13)[:, None], rtol=1e-13)


def test_beta_one_takes_the_gradients_at_the_mean():
    points, zs, xs = run(ScheduleFreeSGD(lr=0.2, momentum=1.0), 12)
    np.testing.assert_array_equal(points[1:], xs[:-1])
    np.testing.assert_allclose(xs, np.cumsum(zs, 0) / np.arange(1, 13)[:, None], rtol=1e-13)
    np.testing.assert_allclose(np.diff(zs, axis=0), -0.2 * gradient(xs[:-1]), rtol=1e-12)


def test_warm_up_and_weights_by_hand():
    optimizer = ScheduleFreeSGD(lr=0.4, warmup_steps=4, r=2.0, weight_lr_power=1.0)
    points, zs, xs = run(optimizer, 6)
    rates = 0.4 * np.minimum(1, np.arange(1, 7) / 4)
    np.testing.assert_allclose(
        zs, -np.cumsum(rates[:, None] * gradient(points), axis=0), rtol=1e-13
    )
    weights = np.arange(1, 7) ** 2 * rates
    np.testing.assert_allclose(xs[-1], weights @ zs / weights.sum(), rtol=1e-13)
    np.testing.assert_allclose(points[1:], 0.1 * zs[:-1] + 0.9 * xs[:-1], rtol=1e-13)


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_all_three_find_the_minimum(beta):
    for optimizer in (
        ScheduleFreeSGD(lr=0.3, momentum=beta),
        ScheduleFreeAdamW(lr=0.3, betas=(beta, 0.99)),
        ScheduleFreeProdigy(betas=(beta, 0.9955)),
    ):
        *_, xs = run(optimizer, 2000)
        assert np.abs(xs[-1] - CENTER).max() < 0.05


def test_the_ends_of_the_second_beta_are_torchs():
    for method in (ScheduleFreeAdamW, ScheduleFreeProdigy):
        with pytest.raises(ValueError, match=r"Invalid beta parameter at index 1: 1\.0"):
            method(betas=(0.9, 1.0))
        optimizer = method()
        with pytest.raises(ValueError, match=r"Invalid beta parameter at index 1: 1\.0"):
            optimizer.betas = (0.9, 1.0)
        assert optimizer.betas[1] < 1

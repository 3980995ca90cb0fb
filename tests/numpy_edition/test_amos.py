"""Amos by hand, and what it is for."""

import numpy as np
import pytest

from adaopt.numpy import Amos


def test_the_first_step_by_hand():
    """v_hat is the mean square itself, so gamma = xi^2: x - xi eta g / rms(g) - xi^2 x / 2."""
    x, g = np.array([3.0, -4.0]), np.array([7.0, 1.0])  # rms(g) = 5
    new = Amos(lr=0.5, scale=0.2).step(x, g)
    assert new == pytest.approx(x - 0.1 * g / 5 - 0.125 * x)


def test_step_and_decay_of_the_weights_fall_and_the_scale_of_gradients_does_not_matter():
    rng = np.random.default_rng(0)
    rule, scaled = Amos(lr=0.3), Amos(lr=0.3)
    x = y = 4.0 * np.ones(100)
    steps = []
    for _ in range(400):
        g = rng.normal(size=100)
        new = rule.step(x, g)
        steps.append(np.abs(new - x).mean())
        x, y = new, scaled.step(y, 2.0**-7 * g)
    assert np.array_equal(x, y)
    assert np.mean(steps[-50:]) < 0.2 * np.mean(steps[:50])
    # pulled from 4 to the size of the scale, 1, by gradients that say nothing
    assert 0.5 < np.sqrt(np.mean(x**2)) < 2


def test_zero_gradients_move_nothing_and_do_not_divide():
    x = np.array([1.0, 2.0])
    rule = Amos(lr=0.5)
    assert np.array_equal(rule.step(x, np.zeros(2)), x)
    assert np.isfinite(rule.step(x, np.ones(2))).all()


def test_an_empty_array_is_stepped():
    assert Amos().step(np.zeros((0, 3)), np.zeros((0, 3))).shape == (0, 3)

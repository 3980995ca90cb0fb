"""Surfaces of two variables: values by hand, derivatives, minimizers, the training loop."""

import numpy as np
import pytest

from adaopt import problems
from adaopt.numpy import SGD, Adam
from adaopt.training import DivergenceError, minimize

SURFACES = [
    problems.Quadratic(),
    problems.Quadratic(condition=100, angle=30),
    problems.Rosenbrock(),
    problems.Beale(),
    problems.Himmelblau(),
]
EACH = pytest.mark.parametrize("surface", SURFACES, ids=repr)
POINTS = np.random.default_rng(0).uniform(-2, 2, size=(20, 2))


@pytest.mark.parametrize(
    ("surface", "x", "value", "gradient"),
    [
        (problems.Quadratic(4), (2, 3), 0.25 * 4 / 2 + 9 / 2, (0.5, 3)),
        (problems.Rosenbrock(), (0, 2), 1 + 400, (-2, 400)),
        (problems.Beale(), (0, 2), 1.5**2 + 2.25**2 + 2.625**2, (53.25, 0)),
        (problems.Himmelblau(), (0, 0), 121 + 49, (-14, -22)),
    ],
    ids=lambda value: repr(value) if isinstance(value, problems.Surface) else "",
)
def test_by_hand(surface, x, value, gradient):
    x = np.array(x, dtype=float)
    assert surface.f(x) == pytest.approx(value, rel=1e-15)
    np.testing.assert_allclose(surface.grad(x), gradient, rtol=1e-14)


@EACH
def test_derivatives_are_finite_differences(surface):
    h = 1e-5
    for x in POINTS:
        for j, e in enumerate(h * np.eye(2)):
            slope = (surface.f(x + e) - surface.f(x - e)) / (2 * h)
            assert slope == pytest.approx(surface.grad(x)[j], rel=1e-6, abs=1e-6)
            column = (surface.grad(x + e) - surface.grad(x - e)) / (2 * h)
            np.testing.assert_allclose(column, surface.hessian(x)[:, j], rtol=1e-6, atol=1e-6)


@EACH
def test_minimizers(surface):
    for x in surface.minimizers:
        assert abs(surface.f(x) - surface.minimum) < 1e-25
        assert np.abs(surface.grad(x)).max() < 1e-12
        assert np.linalg.eigvalsh(surface.hessian(x)).min() > 0
    assert (surface.f(POINTS.T) > surface.minimum).all()
    assert surface.minimizer is not None
    assert surface.f(surface.start) > 0.1
    for points in (surface.minimizers, [surface.start]):
        low, high = np.transpose(surface.window)
        assert np.all((low < points) & (points < high))


@EACH
def test_many_points_at_once(surface):
    grid = np.moveaxis(POINTS.reshape(4, 5, 2), -1, 0)
    values = surface.f(grid)
    assert values.shape == (4, 5)
    expected = [surface.f(x) for x in POINTS]
    np.testing.assert_allclose(values.ravel(), expected, rtol=1e-13)


@pytest.mark.parametrize("angle", [0, 30, 45, 90, 135])
def test_the_quadratic_has_its_condition_and_turns(angle):
    surface = problems.Quadratic(50, angle)
    H = surface.hessian(surface.start)
    np.testing.assert_allclose(np.linalg.eigvalsh(H), [1 / 50, 1], rtol=1e-12)
    valley = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    np.testing.assert_allclose(H @ valley, valley / 50, rtol=0, atol=1e-15)
    assert surface.smoothness / surface.strong_convexity == pytest.approx(50)
    straight = problems.Quadratic(50)
    assert surface.f(surface.start) == pytest.approx(straight.f(straight.start), rel=1e-13)


def test_rotation_changes_adam_and_not_gd():
    values = {
        (rule, angle): minimize(surface, rule(lr=0.1), surface.start, 60).values
        for rule in (SGD, Adam)
        for angle in (0, 45)
        for surface in [problems.Quadratic(100, angle)]
    }
    np.testing.assert_allclose(values[SGD, 0], values[SGD, 45], rtol=1e-11)
    assert values[Adam, 45][-1] > 10 * values[Adam, 0][-1]


def test_gradient_descent_finds_a_hollow_and_diverges_above_the_limit():
    surface = problems.Himmelblau()
    end = minimize(surface, SGD(lr=0.01), surface.start, 500).x
    assert np.linalg.norm(surface.minimizers - end, axis=1).min() < 1e-6
    valley = problems.Rosenbrock()
    with pytest.raises(DivergenceError):
        minimize(valley, SGD(lr=0.003, momentum=0.9), valley.start, 50)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.5,), "condition must be a number >= 1, not 0.5"),
        ((float("nan"),), "condition must be a number >= 1, not nan"),
        ((2, float("inf")), "angle must be a number, not inf"),
    ],
)
def test_wrong_numbers_are_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        problems.Quadratic(*arguments)

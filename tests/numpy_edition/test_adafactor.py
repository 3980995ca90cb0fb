"""Adafactor: what is factored, and how large a step may be."""

import numpy as np
import pytest

from adaopt.numpy import Adafactor


def test_the_moment_of_a_product_is_kept_whole_by_its_rows_and_columns():
    rows, columns = np.array([[1.0], [4.0], [9.0]]), np.array([[2.0, 0.5]])
    g = np.sqrt(rows * columns)
    optimizer = Adafactor(lr=1.0, eps=(0.0, 1.0))
    x = optimizer.step(np.zeros_like(g), g)
    assert optimizer.state.r.shape == (3, 1)
    assert optimizer.state.c.shape == (1, 2)
    np.testing.assert_allclose(x, -np.ones_like(g))  # g / sqrt(v) is 1 everywhere


def test_of_more_dimensions_the_last_two_are_factored():
    optimizer = Adafactor()
    optimizer.step(np.ones((4, 3, 2)), np.ones((4, 3, 2)))
    assert optimizer.state.r.shape == (4, 3, 1)
    assert optimizer.state.c.shape == (4, 1, 2)
    optimizer = Adafactor()
    optimizer.step(np.ones(5), np.ones(5))
    assert vars(optimizer.state).keys() == {"v"}


def test_steps_are_relative_and_clipped():
    g = np.random.default_rng(0).standard_normal((6, 4))
    for size in (10.0, 0.1):
        x = np.full((6, 4), size)
        step = Adafactor(lr=0.01).step(x, g) - x
        assert np.sqrt((step**2).mean()) == pytest.approx(0.01 * size)
    # after small gradients a large one is divided by too little, but the step stays bounded
    optimizer, x = Adafactor(lr=0.01, beta2_decay=-2.0, d=1.5), np.ones((6, 4))
    for _ in range(9):
        x = optimizer.step(x, 1e-3 * g)
    step = optimizer.step(x, 1e3 * g) - x
    assert np.sqrt((step**2).mean()) == pytest.approx(1.5 * 0.01 * np.sqrt((x**2).mean()))


def test_complex_arrays_and_bad_values_are_refused():
    with pytest.raises(TypeError, match="Adafactor does not support complex"):
        Adafactor().step(np.ones((2, 2), complex), np.ones((2, 2), complex))
    with pytest.raises(ValueError, match=r"Invalid beta2_decay value: 0\.8"):
        Adafactor(beta2_decay=0.8)
    with pytest.raises(ValueError, match=r"Invalid d value: 0\.5"):
        Adafactor(d=0.5)
    with pytest.raises(ValueError, match="Invalid epsilon value at index 0: -1"):
        Adafactor(eps=(-1.0, 1e-3))

"""Softmax regression, and classes with the frequencies of words."""

import numpy as np
import pytest

from adaopt.problems import FiniteSum, Softmax, zipf_classes


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    return Softmax(rng.normal(size=(6, 3)), np.array([0, 2, 1, 2, 2, 0]))


def test_softmax_by_hand():
    p = Softmax(np.array([[1.0, 2.0]]), np.array([1]))
    x = np.array([0.0, 1.0, 1.0, 0.0])  # W = [[0, 1], [1, 0]], so the scores are 2 and 1
    probability = 1 / (1 + np.e)
    assert p.f(x) == pytest.approx(-np.log(probability), rel=1e-14)
    q = 1 - probability  # of class 0: rows of the gradient are a_j times (q, -q)
    np.testing.assert_allclose(p.grad(x), [q, -q, 2 * q, -2 * q], rtol=1e-14)


def test_gradients_agree_with_differences_and_with_each_other(problem):
    x = np.random.default_rng(1).normal(size=problem.dim)
    h = 1e-6 * np.eye(problem.dim)
    numeric = [(problem.f(x + e) - problem.f(x - e)) / 2e-6 for e in h]
    np.testing.assert_allclose(problem.grad(x), numeric, atol=1e-8)
    batch = np.array([4, 1, 1])
    mean = FiniteSum.grad_batch(problem, batch, x)
    np.testing.assert_allclose(problem.grad_batch(batch, x), mean, atol=1e-15)


def test_scores_of_any_size_stay_finite(problem):
    x = 1e4 * np.ones(problem.dim)
    x[0] = -3e5
    assert np.isfinite(problem.f(x)) and np.isfinite(problem.grad(x)).all()


def test_zero_weights_know_nothing(problem):
    assert problem.f(np.zeros(problem.dim)) == pytest.approx(np.log(3))


@pytest.mark.parametrize("y", [[0, 1], [0, -1, 1], [0.0, 1.0, 2.0]])
def test_classes_that_do_not_fit_are_refused(y):
    with pytest.raises(ValueError, match="y "):
        Softmax(np.ones((3, 2)), np.array(y))


def test_groups_have_equal_weight_and_halve_in_frequency():
    p = zipf_classes(np.random.default_rng(0), groups=4, features=5)
    counts = np.bincount(p.y)
    assert counts.tolist() == [8] + 2 * [4] + 4 * [2] + 8 * [1]
    group = np.log2(p.y + 1).astype(int)
    assert np.bincount(group).tolist() == [8, 8, 8, 8]
    assert p.A.shape == (32, 5) and p.A.min() >= 0 and p.A.max() <= 1


def test_balanced_and_centred():
    p = zipf_classes(np.random.default_rng(0), groups=4, balanced=True, centred=True)
    assert set(np.bincount(p.y)) == {2, 3} and p.classes == 15
    assert abs(p.A.mean()) < 0.05 and abs(p.A.std() - 1) < 0.05

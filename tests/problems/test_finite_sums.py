"""Finite sums: values, gradients, constants and minimizers, on small and on real data."""

import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaopt import problems
from adaopt.problems import FiniteSum, LeastSquares, Logistic
from adaopt.problems.datasets import standardize
from adaopt.problems.linear import sigmoid


def make(kind, n=9, dim=4, l2=0.0, seed=0):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(n, dim))
    if kind is Logistic:
        return Logistic(A, np.where(rng.random(n) < 0.5, -1, 1), l2)
    return LeastSquares(A, rng.normal(size=n), l2)


class Plain(FiniteSum):
    """Only what the base asks for: the same terms as another problem, through the base's means."""

    def __init__(self, other):
        self.other, self.n, self.dim, self.name = other, other.n, other.dim, "plain"

    def f_i(self, i, x):
        return self.other.f_i(i, x)

    def grad_i(self, i, x):
        return self.other.grad_i(i, x)


BOTH = pytest.mark.parametrize("kind", [LeastSquares, Logistic])
SEEDS = st.integers(0, 999)


def test_least_squares_by_hand():
    # rows (1, 2), (3, 0); targets 1, 2; at x = (1, 1) the residuals are 2 and 1
    p, x = LeastSquares([[1, 2], [3, 0]], [1, 2], l2=0.5), np.ones(2)
    assert p.f_i(0, x) == 4 / 2 + 0.25 * 2
    assert p.f(x) == (4 + 1) / 4 + 0.25 * 2
    assert p.grad_i(1, x).tolist() == [3 + 0.5, 0.5]
    assert p.grad(x).tolist() == [(2 + 3) / 2 + 0.5, (4 + 0) / 2 + 0.5]
    assert p.hessian(x).tolist() == [[5 + 0.5, 1], [1, 2 + 0.5]]


def test_logistic_by_hand():
    p, x = Logistic([[2.0, 0.0], [0.0, 4.0]], [1, -1], l2=1.0), np.array([0.5, 0.25])
    e = np.exp(1)
    values = [np.log(1 + 1 / e) + 0.15625, np.log(1 + e) + 0.15625]
    np.testing.assert_allclose(p.f_i(np.array([0, 1]), x), values, rtol=1e-15)
    np.testing.assert_allclose(p.f(x), np.mean(values), rtol=1e-15)
    np.testing.assert_allclose(p.grad_i(0, x), [-2 / (1 + e) + 0.5, 0.25], rtol=1e-15)
    np.testing.assert_allclose(p.grad_i(1, x), [0.5, 4 * e / (1 + e) + 0.25], rtol=1e-15)
    assert p.y is p.b


@BOTH
@given(seed=SEEDS, l2=st.sampled_from([0.0, 0.3]))
def test_mean_of_component_gradients_is_the_gradient(kind, seed, l2):
    p = make(kind, l2=l2, seed=seed)
    x = np.random.default_rng(seed).normal(size=p.dim)
    everything = np.arange(p.n)
    np.testing.assert_allclose(p.grad_i(everything, x).mean(0), p.grad(x), rtol=0, atol=1e-14)
    np.testing.assert_allclose(p.grad_batch(everything, x), p.grad(x), rtol=0, atol=1e-14)
    np.testing.assert_allclose(p.f_i(everything, x).mean(), p.f(x), rtol=1e-14)


@BOTH
@given(seed=SEEDS)
def test_gradients_are_finite_differences_of_values(kind, seed):
    p = make(kind, l2=0.1, seed=seed)
    x, h = np.random.default_rng(seed).normal(size=p.dim), 1e-6
    for j, e in enumerate(np.eye(p.dim)):
        slope = (p.f(x + h * e) - p.f(x - h * e)) / (2 * h)
        assert abs(slope - p.grad(x)[j]) < 1e-8
        slope = (p.f_i(3, x + h * e) - p.f_i(3, x - h * e)) / (2 * h)
        assert abs(slope - p.grad_i(3, x)[j]) < 1e-8
        column = (p.grad(x + h * e) - p.grad(x - h * e)) / (2 * h)
        np.testing.assert_allclose(column, p.hessian(x)[:, j], atol=1e-8)


@BOTH
def test_one_index_many_indices_and_repeats_agree(kind):
    p = make(kind, l2=0.2)
    x, batch = np.arange(4.0), np.array([5, 0, 5])
    np.testing.assert_allclose(p.f_i(batch, x), [p.f_i(int(i), x) for i in batch], rtol=1e-14)
    stack = np.array([p.grad_i(int(i), x) for i in batch])
    np.testing.assert_allclose(p.grad_i(batch, x), stack, rtol=1e-14)
    np.testing.assert_allclose(p.grad_batch(batch, x), stack.mean(0), rtol=0, atol=1e-14)
    assert np.shape(p.f_i(2, x)) == ()
    assert p.grad_i(2, x).shape == (4,)


@BOTH
def test_the_base_class_alone_gives_the_same_means(kind):
    p = make(kind, l2=0.2)
    x = np.arange(4.0)
    base = Plain(p)
    np.testing.assert_allclose(base.f(x), p.f(x), rtol=1e-14)
    np.testing.assert_allclose(base.grad(x), p.grad(x), atol=1e-14)
    np.testing.assert_allclose(
        base.grad_batch([1, 1, 2], x), p.grad_batch([1, 1, 2], x), atol=1e-14
    )
    assert base.smoothness is None
    assert repr(base) == "Plain(name='plain', n=9, dim=4)"


@BOTH
def test_every_batch_size_is_unbiased_over_all_subsets(kind):
    p = make(kind, n=6)
    x = np.ones(4)
    for size in range(1, p.n + 1):
        means = [p.grad_batch(list(s), x) for s in combinations(range(p.n), size)]
        np.testing.assert_allclose(np.mean(means, axis=0), p.grad(x), rtol=0, atol=1e-14)


@BOTH
def test_minibatch_variance_has_the_finite_population_factor(kind):
    p = make(kind, n=7)
    x, n = np.ones(4), p.n
    sigma2 = np.mean(np.sum((p.grad_i(np.arange(n), x) - p.grad(x)) ** 2, axis=1))
    for size in range(1, n + 1):
        means = [p.grad_batch(list(s), x) for s in combinations(range(n), size)]
        variance = np.mean(np.sum((np.array(means) - p.grad(x)) ** 2, axis=1))
        expected = sigma2 / size * (n - size) / (n - 1)
        assert abs(variance - expected) <= 1e-14 * sigma2


@pytest.mark.parametrize("shape", [(9, 4), (3, 4)])
@given(seed=SEEDS, l2=st.sampled_from([0.0, 0.3]))
def test_least_squares_constants_are_the_hessians_eigenvalues(shape, seed, l2):
    p = make(LeastSquares, *shape, l2=l2, seed=seed)
    eigenvalues = np.linalg.eigvalsh(p.hessian(np.zeros(4)))
    np.testing.assert_allclose(p.smoothness, eigenvalues[-1], rtol=1e-12)
    np.testing.assert_allclose(p.strong_convexity, eigenvalues[0], rtol=1e-9, atol=1e-14)
    ones = [make(LeastSquares, *shape, l2=l2, seed=seed)]
    largest = max(
        np.linalg.eigvalsh(LeastSquares(row[None], [0.0], l2).hessian(np.zeros(4)))[-1]
        for row in ones[0].A
    )
    np.testing.assert_allclose(p.component_smoothness, largest, rtol=1e-12)


@given(seed=SEEDS)
def test_logistic_smoothness_is_reached_at_zero_and_nowhere_exceeded(seed):
    p = make(Logistic, l2=0.1, seed=seed)
    x = np.random.default_rng(seed).normal(size=4)
    np.testing.assert_allclose(np.linalg.eigvalsh(p.hessian(0 * x))[-1], p.smoothness, rtol=1e-12)
    eigenvalues = np.linalg.eigvalsh(p.hessian(x))
    assert p.strong_convexity - 1e-15 <= eigenvalues[0]
    assert eigenvalues[-1] <= p.smoothness


@BOTH
@given(seed=SEEDS, scale=st.sampled_from([1e-2, 1.0, 1e2]))
def test_smoothness_and_strong_convexity_bound_f_from_both_sides(kind, seed, scale):
    p = make(kind, l2=0.05, seed=seed)
    x, y = scale * np.random.default_rng(seed).normal(size=(2, 4))
    gap = p.f(y) - p.f(x) - p.grad(x) @ (y - x)
    square = (y - x) @ (y - x) / 2
    rounding = 1e-13 * (1 + abs(p.f(x)) + abs(p.f(y)))
    assert p.strong_convexity * square - rounding <= gap <= p.smoothness * square + rounding
    change = p.grad_i(np.arange(p.n), x) - p.grad_i(np.arange(p.n), y)
    steepest = np.max(np.linalg.norm(change, axis=1))
    assert steepest <= p.component_smoothness * np.linalg.norm(x - y) * (1 + 1e-12)


@pytest.mark.parametrize(
    "p",
    [
        make(LeastSquares),
        make(LeastSquares, l2=0.2),
        make(LeastSquares, 3, 4),
        make(Logistic, l2=0.01),
    ],
    ids=["least squares", "ridge", "more unknowns than rows", "logistic"],
)
def test_minimizer(p):
    assert np.linalg.norm(p.grad(p.minimizer)) <= 1e-12
    assert p.minimum == p.f(p.minimizer)
    for x in p.minimizer + 0.1 * np.random.default_rng(0).normal(size=(20, p.dim)):
        assert p.f(x) > p.minimum - 1e-16


def test_least_squares_with_many_solutions_takes_the_shortest():
    p = make(LeastSquares, 3, 4)
    np.testing.assert_allclose(p.minimizer, np.linalg.pinv(p.A) @ p.b, rtol=1e-12)
    assert p.strong_convexity == 0


def test_logistic_without_a_minimizer_says_so():
    separable = Logistic([[1.0], [2.0], [-1.0]], [1, 1, -1])
    with pytest.raises(ValueError, match=r"no minimizer \(l2 = 0\): use l2 > 0"):
        _ = separable.minimizer
    overlapping = Logistic([[1.0], [2.0], [-1.0]], [1, -1, -1])
    assert abs(overlapping.grad(overlapping.minimizer)[0]) <= 1e-12


def test_logistic_survives_huge_margins_with_small_relative_error():
    p = Logistic([[1.0], [-1.0]], [1, 1])
    for x in (1e4, -1e4, 1e150):
        assert p.f(np.array([x])) == abs(x) / 2
        assert abs(p.grad(np.array([x]))[0]) == 0.5
    assert p.f_i(0, np.array([40.0])) == pytest.approx(np.exp(-40), rel=1e-15)
    assert p.grad_i(0, np.array([700.0]))[0] == pytest.approx(-np.exp(-700), rel=1e-13)
    z = np.linspace(-30, 30, 7)
    np.testing.assert_allclose(sigmoid(z), 1 / (1 + np.exp(-z)), rtol=1e-14)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[1.0, 2.0]], [1.0, 2.0]), r"b has shape \(2,\), expected \(1,\)"),
        (([1.0, 2.0], [1.0, 2.0]), r"A has shape \(2,\); expected 2 non-empty dimensions"),
        ((np.ones((0, 2)), []), r"A has shape \(0, 2\)"),
        (([[1.0, np.nan]], [1.0]), r"A is nan at index \(0, 1\)"),
        (([[1.0]], [np.inf]), r"b is inf at index \(0,\)"),
        (([[1.0]], [1.0], -0.1), "l2 must be a number >= 0, not -0.1"),
        (([[1.0]], [1.0], float("nan")), "l2 must be a number >= 0, not nan"),
    ],
)
def test_bad_data_is_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        LeastSquares(*arguments)


def test_labels_other_than_plus_and_minus_one_are_refused():
    with pytest.raises(ValueError, match=r"labels y must be -1 or \+1, not 0"):
        Logistic(np.ones((2, 1)), [0, 1])


@BOTH
@pytest.mark.parametrize("method", ["f_i", "grad_i", "grad_batch"])
@pytest.mark.parametrize(
    ("i", "error", "message"),
    [
        (9, IndexError, r"i runs from 0 to n - 1 = 8, not 9\.\.9"),
        (-1, IndexError, r"not -1\.\.-1"),
        (np.array([0, 12]), IndexError, r"not 0\.\.12"),
        (1.0, TypeError, "must be an integer or an array of integers, not float64"),
        (np.array([True] * 9), TypeError, "not bool"),
        (np.array([], int), ValueError, "i is empty"),
    ],
)
def test_wrong_indices_do_not_wrap_around(kind, method, i, error, message):
    with pytest.raises(error, match=message):
        getattr(make(kind), method)(i, np.zeros(4))


@BOTH
@pytest.mark.parametrize("method", ["f", "grad", "hessian"])
def test_wrong_length_of_x_is_refused(kind, method):
    with pytest.raises(ValueError, match=r"x has shape \(3,\), expected \(4,\)"):
        getattr(make(kind), method)(np.zeros(3))


def test_data_are_copied_and_cannot_be_changed():
    A = np.ones((2, 1))
    p = LeastSquares(A, [0, 0])
    A[:] = 7
    assert p.A.tolist() == [[1], [1]]
    with pytest.raises(ValueError, match="read-only"):
        p.A[0] = 3


@pytest.mark.parametrize(
    ("name", "kind", "n", "dim", "smoothness", "minimum"),
    [
        ("diabetes", LeastSquares, 442, 10, 4.02421075, 0.24112579),
        ("breast_cancer", Logistic, 569, 30, 3.32140192, 0.05983977),
        ("digits", Logistic, 1797, 64, 1.83617220, 0.17716573),
        ("plane", LeastSquares, 12, 2, 0.95974367, 0.03730244),
    ],
)
def test_datasets(name, kind, n, dim, smoothness, minimum):
    p = getattr(problems, name)()
    assert (type(p), p.name, p.n, p.dim, p.A.shape) == (kind, name, n, dim, (n, dim))
    assert p.smoothness == pytest.approx(smoothness, rel=1e-8)
    assert p.minimum == pytest.approx(minimum, rel=1e-7)
    assert np.linalg.norm(p.grad(p.minimizer)) <= 1e-12
    assert p.component_smoothness >= p.smoothness
    again = getattr(problems, name)()
    np.testing.assert_array_equal(again.A, p.A)
    if name != "plane":
        np.testing.assert_allclose(p.A.mean(axis=0), 0, atol=1e-12)
        deviation = p.A.std(axis=0)
        np.testing.assert_allclose(deviation[deviation > 0], 1, rtol=1e-12)
        assert np.sum(deviation == 0) == (3 if name == "digits" else 0)


def test_labels_mean_what_the_docstrings_say():
    assert np.mean(problems.breast_cancer().y == 1) == 357 / 569  # benign
    assert set(problems.digits().y) == {-1, 1}
    assert problems.digits(l2=0.5).l2 == 0.5


def test_plane_is_printed_exactly_by_two_decimals_and_leaves_noise_at_the_minimum():
    p = problems.plane(n=20, seed=3)
    np.testing.assert_array_equal(p.A, np.round(p.A, 2))
    np.testing.assert_array_equal(p.b, np.round(p.b, 2))
    assert np.min(np.linalg.norm(problems.plane().grad_i(np.arange(12), p.minimizer), axis=1)) > 0
    assert not np.array_equal(problems.plane(seed=1).A, problems.plane(seed=0).A)
    with pytest.raises(ValueError, match="n must be at least 2, not 1"):
        problems.plane(n=1)


def test_standardize_leaves_a_constant_column_at_zero():
    np.testing.assert_array_equal(standardize(np.array([[1.0, 5], [3, 5]])), [[-1, 0], [1, 0]])


def test_importing_is_light():
    heavy = "{'sklearn', 'torch', 'scipy'}"
    code = f"import sys, adaopt.problems; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@BOTH
def test_the_minimizer_cannot_be_changed_by_its_reader(kind):
    with pytest.raises(ValueError, match="read-only"):
        make(kind, l2=0.1).minimizer[0] = 1.0

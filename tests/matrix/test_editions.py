"""The two editions of the matrix functions agree, and refuse the same."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import adaopt.linalg as plain
import adaopt.torch.matrix as working
from adaopt.linalg import odd_polynomials

ROOTS = ["inverse_root_eigh", "inverse_root_newton", "inverse_root_newton_schulz"]
POLAR = ["polar_svd", "polar_cubic", "polar_quintic", "polar_express"]
SEEDS = st.integers(0, 999)


def stack(seed: int, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape)
    return x + 1j * rng.normal(size=shape) if dtype == "complex128" else x


def agree(
    name: str, x: np.ndarray, *args: object, tolerance: float = 1e-12, **kwargs: object
) -> None:
    ours = getattr(plain, name)(x, *args, **kwargs)
    theirs = getattr(working, name)(torch.from_numpy(x), *args, **kwargs).numpy()
    assert ours.dtype == theirs.dtype == x.dtype
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * np.abs(theirs).max(initial=1))


@settings(max_examples=40)
@given(seed=SEEDS, n=st.integers(1, 8), p=st.sampled_from([2, 4, 8]))
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("name", ROOTS)
def test_inverse_roots(name, dtype, seed, n, p):
    g = stack(seed, (2, 3, n, n + 1), dtype)
    a = g @ g.conj().swapaxes(-1, -2)
    agree(name, a, p, damping=0.1, relative=False)
    if name == "inverse_root_eigh":
        agree(name, a, p, damping=1e-3)
        agree(name, a, p, damping=0, rank_deficient="pinv", tolerance=1e-9)
    else:  # with the working edition's estimate of the largest eigenvalue
        agree(name, a, p, damping=1e-3, tolerance=np.log(n + 1) / (1024 * p))


@pytest.mark.parametrize("name", ROOTS[1:])
def test_a_damping_below_rounding_is_raised(name):
    """For a matrix of float32 and rank one: to four eps of its largest eigenvalue."""
    a, eps = np.ones((5, 5), np.float32), 4 * np.finfo(np.float32).eps
    ours = getattr(plain, name)(a, 2, damping=1e-30, relative=False)
    theirs = getattr(working, name)(
        torch.from_numpy(a), 2, damping=1e-30, relative=False, dtype=torch.float64
    )
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-3 * np.abs(ours).max())
    assert np.linalg.eigvalsh(ours).max() == pytest.approx((5 * eps) ** -0.5, rel=1e-5)
    with pytest.raises(ValueError, match=r"^Invalid damping: "):
        getattr(plain, name)(a, 2, damping=0.9 * eps)


@settings(max_examples=40)
@given(seed=SEEDS, m=st.integers(1, 8), n=st.integers(1, 8), steps=st.integers(1, 12))
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("name", POLAR)
def test_polar_factors(name, dtype, seed, m, n, steps):
    x = stack(seed, (3, m, n), dtype)
    if name == "polar_svd":
        agree(name, x)
    else:
        agree(name, x, tolerance=1e-10)
        agree(name, x, steps, tolerance=1e-10)


@pytest.mark.parametrize("safety", [1.0, 1.05])
def test_the_safety_of_polar_express(safety):
    agree("polar_express", stack(0, (5, 7), "float64"), 9, safety=safety, tolerance=1e-10)


@pytest.mark.parametrize("name", [*ROOTS, *POLAR])
@pytest.mark.parametrize("shape", [(3, 3), (1, 1), (2, 3, 3), (0, 3, 3), (2, 0, 0)])
def test_zero_and_empty(name, shape):
    args = (4,) if name in ROOTS else ()
    zero = np.zeros(shape)
    np.testing.assert_array_equal(getattr(plain, name)(zero, *args), zero)
    agree(name, zero, *args)


@pytest.mark.parametrize("name", ["inverse_root_eigh", "polar_svd"])
def test_noise_of_float32_is_not_inverted(name):
    rng = np.random.default_rng(0)
    g = rng.normal(size=(20, 4)).astype(np.float32)
    args, kwargs = ((4,), {"damping": 0, "rank_deficient": "pinv"}) if "root" in name else ((), {})
    x = g @ g.T
    agree(name, x, *args, tolerance=1e-5, **kwargs)
    assert np.linalg.matrix_rank(getattr(plain, name)(x, *args, **kwargs), tol=0.1) == 4


def test_eigenvalues_that_rounding_made_negative_count_as_zero():
    a = np.diag([1.0, 1.0, -1e-6])
    x = plain.inverse_root_eigh(a, 2, damping=1e-4)
    np.testing.assert_allclose(np.diag(x), np.array([1.0001, 1.0001, 0.0001]) ** -0.5, rtol=1e-12)


def test_integers_become_float64_and_lists_arrays():
    x = plain.polar_svd([[2, 0], [0, -3]])
    assert x.dtype == np.float64
    np.testing.assert_array_equal(x, [[1, 0], [0, -1]])
    np.testing.assert_allclose(odd_polynomials(np.array([[2]]), [(1, 2, 3)]), [[6]])


@pytest.mark.parametrize("name", [*ROOTS, *POLAR])
def test_the_same_is_refused(name):
    function = getattr(plain, name)
    args = (2,) if name in ROOTS else ()
    letter = "a" if name in ROOTS else "x"
    bad = [np.ones(3), np.array([[np.nan]])]
    if name in ROOTS:
        bad += [np.ones((2, 3)), np.array([[1.0, 0.5], [0.0, 1.0]])]
        for damping in (-1.0, 0.0):
            with pytest.raises(ValueError, match=r"^Invalid damping: "):
                function(np.eye(2), 2, damping=damping)
    for x in bad:
        with pytest.raises(ValueError, match=rf"^Invalid {letter}: "):
            function(x, *args)
    if name == "inverse_root_newton_schulz":
        with pytest.raises(ValueError, match=r"^Invalid p: 3"):
            function(np.eye(2), 3)

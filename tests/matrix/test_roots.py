"""Inverse p-th roots: accuracy as documented, invariances, deficient and degenerate matrices."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from known_matrices import (
    SPECTRA,
    embedded,
    error,
    generator,
    orthogonal,
    root_by_mpmath,
    root_by_numpy,
    semidefinite,
)

from adaopt.torch.matrix import (
    INVERSE_ROOTS,
    inverse_root_eigh,
    inverse_root_newton,
    inverse_root_newton_schulz,
)
from adaopt.torch.matrix.scaling import largest_eigenvalue, newton_steps

FLOAT32, FLOAT64 = torch.float32, torch.float64
METHODS = list(INVERSE_ROOTS)
ITERATED = ["newton", "newton_schulz"]


# Accuracy. The bounds are those of the docstrings.


@pytest.mark.parametrize(
    "method, dtype, damping, bound",
    [
        ("eigh", None, 1e-3, 1e-7),
        ("eigh", None, 1e-6, 1e-7),
        ("eigh", FLOAT32, 1e-3, 5e-4),
        ("eigh", FLOAT32, 1e-6, 0.5),
        ("newton", None, 1e-3, 1e-4),
        ("newton", None, 1e-6, 0.1),
        ("newton", FLOAT64, 1e-3, 2e-5),
        ("newton", FLOAT64, 1e-6, 2e-2),
        ("newton_schulz", None, 1e-3, 2e-4),
        ("newton_schulz", None, 1e-6, 0.5),
        ("newton_schulz", FLOAT64, 1e-3, 2e-5),
        ("newton_schulz", FLOAT64, 1e-6, 2e-2),
    ],
)
@pytest.mark.parametrize("p", [2, 4])
def test_accuracy_of_float32_matrices(method, dtype, damping, bound, p):
    """Half of the documented error at p = 4."""
    worst = 0.0
    for spectrum in SPECTRA:
        for n in (2, 5, 32, 200):
            a = semidefinite(spectrum, n, damping, seed=n).float()
            x = INVERSE_ROOTS[method](a, p, damping=damping, dtype=dtype)
            assert x.dtype == FLOAT32
            worst = max(worst, error(x, root_by_numpy(a, p, damping)))
    assert worst <= max(bound * 2 / p, 1e-7)


@pytest.mark.parametrize("damping, bound", [(1e-3, 1e-12), (1e-6, 1e-9)])
@pytest.mark.parametrize("p", [2, 4])
@pytest.mark.parametrize("method", METHODS)
def test_accuracy_of_float64_matrices_against_fifty_digits(method, damping, bound, p):
    for spectrum in SPECTRA:
        for n in (2, 5, 16):
            a = semidefinite(spectrum, n, damping, seed=n)
            x = INVERSE_ROOTS[method](a, p, damping=damping)
            assert error(x, root_by_mpmath(a, p, damping)) <= bound * 2 / p


@pytest.mark.parametrize("p", [2, 4])
def test_stiff_matrices_are_why_eigenvalues_are_taken_in_float64(p):
    a = semidefinite("cliff", 100, 1e-6).float()
    exact = root_by_numpy(a, p, 1e-6)
    assert error(inverse_root_eigh(a, p, dtype=FLOAT32), exact) > 1e-3
    assert error(inverse_root_eigh(a, p), exact) < 1e-7


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("p", [2, 4, 8])
def test_the_power_of_the_root_inverts_the_damped_matrix(method, p):
    a, eye = semidefinite("log", 12, 1e-2), torch.eye(12, dtype=FLOAT64)
    x = INVERSE_ROOTS[method](a, p, damping=0.05, relative=False)
    torch.testing.assert_close(
        torch.linalg.matrix_power(x, p) @ (a + 0.05 * eye), eye, atol=1e-12, rtol=0
    )


@pytest.mark.parametrize("p", [1, 3, 5, 6])
def test_newton_takes_every_whole_root(p):
    a = semidefinite("log", 9, 1e-3)
    assert error(inverse_root_newton(a, p, damping=1e-3), root_by_numpy(a, p, 1e-3)) < 1e-12


@pytest.mark.parametrize("p", [0.5, 1, 1.82, 3.64, 100])
def test_eigenvalues_take_every_root(p):
    a = semidefinite("log", 9, 1e-3)
    assert error(inverse_root_eigh(a, p, damping=1e-3), root_by_numpy(a, p, 1e-3)) < 1e-11


@pytest.mark.parametrize("method", ITERATED)
@pytest.mark.parametrize("p", [2, 4])
@pytest.mark.parametrize("damping", [1e-2, 1e-4, 1e-6, 1e-9])
def test_the_default_steps_suffice_and_fewer_do_not(method, p, damping):
    a = semidefinite("deficient", 20)
    exact = root_by_numpy(a, p, damping)
    enough, root = newton_steps(p, damping), INVERSE_ROOTS[method]
    many = error(root(a, p, damping=damping, steps=enough + 30), exact)
    assert error(root(a, p, damping=damping), exact) <= max(3 * many, 1e-8)
    assert error(root(a, p, damping=damping, steps=enough - 6), exact) > 1e-3


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("damping", [0.5, 10.0, 1e6])
@pytest.mark.parametrize("relative", [True, False])
def test_a_large_damping_is_as_good(method, damping, relative):
    a, p = 3 * semidefinite("gram", 8), 4
    x = INVERSE_ROOTS[method](a, p, damping=damping, relative=relative)
    share = damping if relative else damping / float(torch.linalg.eigvalsh(a)[-1])
    assert error(x, root_by_numpy(a, p, share)) < 1e-3
    few = torch.linalg.eigvalsh(torch.linalg.matrix_power(x, p) @ a)
    assert few.max() < 1


# Invariances.


@given(seed=st.integers(0, 999), n=st.integers(1, 12), p=st.sampled_from([2, 4]))
@pytest.mark.parametrize("method", METHODS)
def test_a_rotation_of_the_matrix_rotates_its_root(method, seed, n, p):
    a, q = semidefinite("log", n, 1e-2, seed), orthogonal(n, seed + 1)
    root = INVERSE_ROOTS[method]
    rotated = q @ a @ q.mT
    x = root((rotated + rotated.mT) / 2, p, damping=1e-3)
    torch.testing.assert_close(x, q @ root(a, p, damping=1e-3) @ q.mT, rtol=0, atol=1e-11)


@given(power=st.integers(-28, 28), p=st.sampled_from([2, 4]))
@pytest.mark.parametrize("method", METHODS)
def test_relative_damping_follows_the_scale(method, power, p):
    """In float32, far from overflow of the matrix but not of its square."""
    a, root, c = (
        semidefinite("log", 6, 1e-2).float(),
        INVERSE_ROOTS[method],
        2.0**power * 8.0**power,
    )
    x = root(c * a, p, damping=1e-3)
    torch.testing.assert_close(x, c ** (-1 / p) * root(a, p, damping=1e-3), rtol=2e-5, atol=0)


@given(seed=st.integers(0, 999), n=st.integers(1, 10), p=st.sampled_from([2, 4, 8]))
@pytest.mark.parametrize("method", METHODS)
def test_roots_are_symmetric_positive_and_commute_with_the_matrix(method, seed, n, p):
    a = semidefinite("gram", n, seed=seed)
    x = INVERSE_ROOTS[method](a, p, damping=1e-2)
    assert torch.linalg.eigvalsh((x + x.mT) / 2).min() > 0
    torch.testing.assert_close(x, x.mT, rtol=0, atol=1e-11 * float(x.abs().max()))
    size = float(x.abs().max() * a.abs().max())
    torch.testing.assert_close(x @ a, a @ x, rtol=0, atol=1e-11 * size)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("p", [2, 4])
def test_complex_matrices_by_their_real_embedding(method, p):
    g = torch.randn(3, 6, 8, generator=generator(0), dtype=torch.complex128)
    a = g @ g.mH
    root = INVERSE_ROOTS[method]
    x = root(a, p, damping=1e-3, relative=False)
    assert x.dtype == torch.complex128
    real = root(embedded(a), p, damping=1e-3, relative=False)
    torch.testing.assert_close(embedded(x), real, rtol=0, atol=1e-11)
    assert root(a.to(torch.complex64), p).dtype == torch.complex64


# Matrices that are not of full rank.


@pytest.mark.parametrize("p", [2, 4])
@pytest.mark.parametrize("dtype", [torch.bfloat16, FLOAT32, FLOAT64])
@pytest.mark.parametrize("n, rank", [(8, 3), (64, 10), (200, 150)])
def test_pinv_inverts_the_range_and_nothing_else(p, dtype, n, rank):
    """Also where rounding gave every null direction an eigenvalue of its own."""
    g = orthogonal(n, seed=rank)[:, :rank]  # singular values are 1
    a = (g @ g.mT).to(dtype)
    x = inverse_root_eigh(a, p, damping=0, rank_deficient="pinv")
    assert x.dtype == dtype
    torch.testing.assert_close(x.double(), g @ g.mT, rtol=0, atol=20 * torch.finfo(dtype).eps)


def test_noise_is_told_by_the_dtype_of_the_matrix_not_of_the_computation():
    g = orthogonal(64)[:, :10].float()
    a = g @ g.mT
    assert inverse_root_eigh(a, 2, damping=0, rank_deficient="pinv").norm(2) < 4
    inverted = inverse_root_eigh(
        a, 2, damping=0, rank_deficient="pinv", rtol=64 * torch.finfo(FLOAT64).eps
    )
    assert inverted.norm(2) > 1e3


@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize("method", METHODS)
def test_eps_gives_null_directions_their_share(method, relative):
    """(0 + eps)^(-1/p) along them, with eps a part of the largest eigenvalue, 9, or by itself."""
    a = 9 * semidefinite("deficient", 10)
    x = INVERSE_ROOTS[method](a, 2, damping=1e-4, relative=relative)
    eps = 9e-4 if relative else 1e-4
    expected = torch.tensor([(9 + eps) ** -0.5] * 5 + [eps**-0.5] * 5, dtype=FLOAT64)
    torch.testing.assert_close(torch.linalg.eigvalsh(x), expected, rtol=1e-9, atol=0)


def test_pinv_may_be_damped_too():
    a = semidefinite("deficient", 6)
    x = inverse_root_eigh(a, 2, damping=0.21, rank_deficient="pinv")
    expected = torch.tensor([0.0] * 3 + [1.21**-0.5] * 3, dtype=FLOAT64)
    torch.testing.assert_close(torch.linalg.eigvalsh(x), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape, rank", [((6, 6), 6), ((4, 9), 4), ((9, 4), 4), ((7, 8), 2)])
def test_two_fourth_roots_make_the_polar_factor(shape, rank):
    """(G G')^(-1/4) G (G'G)^(-1/4) = U V', by the pseudo-inverse where there is no inverse."""
    m, n = shape
    u, v = orthogonal(m)[:, :rank], orthogonal(n, 1)[:, :rank]
    g = u * torch.linspace(1, 3, rank, dtype=FLOAT64) @ v.mT
    left, right = (
        inverse_root_eigh(a, 4, damping=0, rank_deficient="pinv") for a in (g @ g.mT, g.mT @ g)
    )
    torch.testing.assert_close(left @ g @ right, u @ v.mT, rtol=0, atol=1e-13)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [1, 2, 7])
def test_the_root_of_zero(method, n):
    """Zero with relative damping, which has nothing to be relative to; else eps^(-1/p)."""
    zero, eye, root = torch.zeros(n, n), torch.eye(n), INVERSE_ROOTS[method]
    assert torch.equal(root(zero, 2), zero)
    torch.testing.assert_close(root(zero, 2, damping=0.25, relative=False), 2 * eye)
    stack = torch.stack([zero, eye])
    torch.testing.assert_close(root(stack, 4, damping=1e-3)[1], eye * 1.001**-0.25)
    assert torch.equal(root(stack, 4, damping=1e-3)[0], zero)


def test_the_pseudo_inverse_root_of_zero_is_zero():
    zero = torch.zeros(3, 3)
    for relative in (True, False):
        x = inverse_root_eigh(zero, 2, damping=0.1, relative=relative, rank_deficient="pinv")
        assert torch.equal(x, zero)


@pytest.mark.parametrize("method", METHODS)
def test_one_by_one_is_a_number(method):
    x = INVERSE_ROOTS[method](torch.tensor([[16.0]]), 4, damping=1.0, relative=False)
    torch.testing.assert_close(x, torch.tensor([[17.0**-0.25]]))


# The largest eigenvalue.


@given(seed=st.integers(0, 999), n=st.integers(1, 40), width=st.floats(0, 1))
def test_the_largest_eigenvalue_is_found_from_below(seed, n, width):
    lam = 1 - width * torch.rand(n, generator=generator(seed), dtype=FLOAT64)
    q = orthogonal(n, seed)
    found = float(largest_eigenvalue(((q * lam) @ q.mT)[None]))
    top = float(lam.max())
    assert top * (1 - math.log(n) / 1024 - 1e-12) <= found <= top * (1 + 1e-12)


@pytest.mark.parametrize("p", [2, 4])
def test_a_dense_spectrum_costs_the_documented_digits_and_no_more(p):
    """All but one eigenvalue where the estimate errs most, and half of the others at zero."""
    n = 300
    lam = torch.full((n,), 1 - 5.0 / 1024, dtype=FLOAT64)
    lam[0], lam[n // 2 :] = 1, 0
    q = orthogonal(n)
    a = (q * lam) @ q.mT
    a = (a + a.mT) / 2
    wrong = error(inverse_root_newton(a, p, damping=1e-6), root_by_numpy(a, p, 1e-6))
    assert 1e-4 < wrong <= math.log(n) / (1024 * p)
    eps = float(1e-6 * torch.linalg.eigvalsh(a)[-1])
    right = inverse_root_newton(a, p, damping=eps, relative=False)
    assert error(right, root_by_numpy(a, p, 1e-6)) < 1e-8


def test_the_table_names_the_functions():
    assert INVERSE_ROOTS == {
        "eigh": inverse_root_eigh,
        "newton": inverse_root_newton,
        "newton_schulz": inverse_root_newton_schulz,
    }

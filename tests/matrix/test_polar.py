"""Polar factors: orthogonality, what every iteration does to singular values, rank, scale."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from known_matrices import embedded, generator, orthogonal

from adaopt.linalg import best_quintics
from adaopt.torch.matrix import (
    INVERSE_ROOTS,
    POLAR_FACTORS,
    odd_polynomials,
    polar_cubic,
    polar_express,
    polar_quintic,
    polar_svd,
)
from adaopt.torch.matrix.polar import POLAR_EXPRESS, QUINTIC
from adaopt.torch.matrix.scaling import frobenius

METHODS = list(POLAR_FACTORS)
ITERATED = ["cubic", "quintic", "express"]
SHAPES = [(6, 6), (5, 9), (9, 5), (1, 7), (7, 1), (1, 1)]
FLOAT64 = torch.float64


def with_singular_values(sigma: torch.Tensor, m: int, n: int, seed: int = 0) -> torch.Tensor:
    k = len(sigma)
    return orthogonal(m, seed)[:, :k] * sigma @ orthogonal(n, seed + 1)[:, :k].mT


def factor(m: int, n: int, seed: int = 0, rank: int | None = None) -> torch.Tensor:
    """The exact polar factor of what ``with_singular_values`` makes."""
    return with_singular_values(torch.ones(rank or min(m, n), dtype=FLOAT64), m, n, seed)


def mapped(s: np.ndarray, method: str, steps: int, safety: float = 1.01) -> np.ndarray:
    """What the formulas say of singular values ``s``: NumPy on plain numbers."""
    for k in range(steps):
        if method == "cubic":
            s = 1.5 * s - 0.5 * s**3
        if method == "quintic":
            s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
        if method == "express":
            a, b, c = POLAR_EXPRESS[min(k, 7)]
            t = s / safety if k < 7 else s
            s = a * t + b * t**3 + c * t**5
    return s


# By singular values.


@pytest.mark.parametrize("dtype, bound", [(FLOAT64, 1e-14), (torch.float32, 2e-7)])
@pytest.mark.parametrize("m, n", [*SHAPES, (100, 100), (64, 200), (200, 64)])
def test_by_singular_values_it_is_orthogonal_and_nearest(m, n, dtype, bound):
    x = torch.randn(m, n, generator=generator(m), dtype=FLOAT64).to(dtype)
    y = polar_svd(x)
    assert y.dtype == dtype
    y, x, k = y.double(), x.double(), min(m, n)
    gram = y @ y.mT if m <= n else y.mT @ y
    assert (gram - torch.eye(k, dtype=FLOAT64)).abs().max() < bound
    h = y.mT @ x  # the other factor is symmetric positive semi-definite
    size = float(x.norm())
    torch.testing.assert_close(h, h.mT, rtol=0, atol=10 * bound * size)
    assert torch.linalg.eigvalsh((h + h.mT) / 2).min() > -10 * bound * size


@pytest.mark.parametrize("damping", [1e-3, 1e-6])
@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize("m, n, rank", [(6, 6, 6), (5, 8, 3), (8, 5, 5)])
def test_damped_it_is_an_inverse_root_times_the_matrix(damping, relative, m, n, rank):
    x = with_singular_values(torch.linspace(0.5, 3, rank, dtype=FLOAT64), m, n)
    y = polar_svd(x, damping=damping, relative=relative, rank_deficient="eps")
    root = INVERSE_ROOTS["eigh"](x @ x.mT, 2, damping=damping, relative=relative)
    torch.testing.assert_close(y, root @ x, rtol=0, atol=1e-11)


# The iterations on singular values.


@given(
    seed=st.integers(0, 999),
    shape=st.sampled_from(SHAPES),
    steps=st.integers(1, 10),
    low=st.floats(-4, 0),
)
@pytest.mark.parametrize("method", ITERATED)
def test_an_iteration_is_its_polynomial_on_singular_values(method, seed, shape, steps, low):
    """The singular vectors stay, and signs too."""
    m, n = shape
    sigma = torch.logspace(0, low, min(m, n), dtype=FLOAT64)
    x = with_singular_values(3.7 * sigma, m, n, seed)
    s = mapped((sigma / sigma.norm()).numpy(), method, steps)
    expected = with_singular_values(torch.from_numpy(s), m, n, seed)
    y = POLAR_FACTORS[method](x, steps)
    torch.testing.assert_close(y, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    "method, steps, least, low, high",
    [
        ("cubic", 20, 1e-2, 1 - 2e-15, 1 + 2e-15),
        ("cubic", 20, 1e-3, 1 - 7e-5, 1 + 2e-15),
        ("quintic", 5, 1e-2, 0.68, 1.14),
        ("quintic", 5, 3e-3, 0.68, 1.21),
        ("quintic", 5, 0, 0, 1.21),
        ("quintic", 50, 1e-2, 0.68, 1.14),
        ("express", 5, 1e-3, 1 - 0.16, 1 + 0.16),
        ("express", 6, 1e-3, 1 - 6e-3, 1 + 6e-3),
        ("express", 7, 1e-3, 1 - 1e-5, 1 + 1e-5),
        ("express", 8, 1e-3, 1 - 2e-15, 1 + 2e-15),
        ("express", 30, 1e-3, 1 - 2e-15, 1 + 2e-15),
    ],
)
def test_documented_intervals(method, steps, least, low, high):
    """One number is a matrix of one row that is divided by its norm: so many rows, one long."""
    s = np.concatenate([np.linspace(least, 1, 20_001), np.geomspace(max(least, 1e-9), 1, 20_001)])
    s = mapped(s, method, steps)
    assert low <= s.min()
    assert s.max() <= high


def test_documented_intervals_are_tight():
    s = np.geomspace(1e-3, 1, 20_001)
    assert abs(mapped(s, "express", 5) - 1).max() > 0.15
    assert abs(mapped(s, "express", 6) - 1).max() > 5e-3
    assert abs(mapped(s, "express", 5, safety=1) - 1).max() == pytest.approx(0.1236, abs=1e-4)
    assert abs(mapped(s, "express", 6, safety=1) - 1).max() < 2e-3
    assert abs(mapped(s, "express", 7, safety=1) - 1).max() < 2e-9
    assert mapped(s, "quintic", 5).max() > 1.2
    assert mapped(np.array([1.0]), "cubic", 25) == 1
    assert mapped(np.array([1e-4]), "cubic", 25) < 1 - 2e-3


@pytest.mark.parametrize(
    "method, steps, dtype, bound",
    [
        ("cubic", 20, FLOAT64, 1e-13),
        ("cubic", 20, torch.float32, 1e-5),
        ("cubic", 20, torch.bfloat16, 3e-2),
        ("express", 8, FLOAT64, 1e-13),
        ("express", 8, torch.float32, 1e-5),
        ("express", 8, torch.bfloat16, 3e-2),
    ],
)
@pytest.mark.parametrize("m, n", [(32, 32), (64, 200), (200, 64)])
def test_iterations_that_converge_reach_the_polar_factor(method, steps, dtype, bound, m, n):
    x = with_singular_values(torch.linspace(0.1, 1, min(m, n), dtype=FLOAT64), m, n)
    y = POLAR_FACTORS[method](x.to(dtype), steps)
    assert y.dtype == dtype
    assert torch.linalg.matrix_norm(y.double() - factor(m, n), 2) < bound


@pytest.mark.parametrize("steps", [5, 10, 20, 40])
def test_muons_quintic_stops_near_the_factor_and_not_at_it(steps):
    x = with_singular_values(torch.linspace(0.1, 1, 20, dtype=FLOAT64), 20, 30)
    sigma = torch.linalg.svdvals(polar_quintic(x, steps))
    assert 0.1 < (sigma - 1).abs().max() < 0.33


# Polar Express.


def test_the_table_is_what_the_optimum_gives():
    np.testing.assert_allclose(best_quintics(8), POLAR_EXPRESS, rtol=0, atol=1e-9)
    np.testing.assert_allclose(best_quintics(12)[8:], [POLAR_EXPRESS[-1]] * 4, rtol=0, atol=1e-15)


@pytest.mark.parametrize("lower", [1e-3, 0.03, 0.5])
def test_every_quintic_is_nearest_to_one_on_what_the_last_left(lower):
    """Without cushion: its error alternates four times and no other quintic's is less."""
    low, high, rng = lower, 1.0, np.random.default_rng(0)
    for a, b, c in best_quintics(5, lower, cushion=0):
        if high - low < 1e-2:
            break
        s = np.linspace(low, high, 100_001)
        e = 1 - (a * s + b * s**3 + c * s**5)
        inner = np.sqrt(np.sort(np.roots([5 * c, 3 * b, a])))
        inner = (inner - low) / (high - low) * 100_000
        e4 = e[[0, *np.round(inner).astype(int), -1]]
        np.testing.assert_allclose(e4 * [1, -1, 1, -1], abs(e).max(), rtol=1e-6)
        for _ in range(50):
            a2, b2, c2 = np.array([a, b, c]) * (1 + rng.normal(size=3) * 10 ** rng.uniform(-5, 0))
            assert abs(1 - (a2 * s + b2 * s**3 + c2 * s**5)).max() > abs(e).max()
        low, high = 1 - abs(e).max(), 1 + abs(e).max()


def test_bfloat16_needs_the_safety():
    """Rounding lifts a singular value above the interval, and the next quintics carry it away."""
    x = torch.randn(16, 64, 256, generator=generator(0))
    calm = polar_express(x, 12, dtype=torch.bfloat16)
    assert torch.linalg.svdvals(calm.double()).max() < 1.02
    wild = polar_express(x, 12, safety=1.0, dtype=torch.bfloat16)
    assert not torch.linalg.matrix_norm(wild).max() < 1e3
    exact = polar_express(x, 12, safety=1.0)
    assert torch.linalg.svdvals(exact).max() < 1 + 1e-5


def test_steps_without_coefficients_only_divide_by_the_norm():
    x = torch.randn(4, 3, generator=generator(0), dtype=FLOAT64)
    torch.testing.assert_close(odd_polynomials(x, []), x / x.norm())


def test_torchs_muon_takes_the_same_step():
    x = torch.nn.Parameter(torch.zeros(24, 40))
    x.grad = torch.randn(24, 40, generator=generator(0))
    torch.optim.Muon([x], lr=1.0, momentum=0.0, nesterov=False, weight_decay=0.0).step()
    ours, exact = polar_quintic(x.grad, dtype=torch.bfloat16), polar_quintic(x.grad)
    assert (ours + x.detach()).norm() < 0.03 * exact.norm()
    assert (ours - exact).norm() < 0.03 * exact.norm()
    assert QUINTIC == (3.4445, -4.7750, 2.0315)


# Invariances.


@given(seed=st.integers(0, 999), shape=st.sampled_from(SHAPES))
@pytest.mark.parametrize("method", METHODS)
def test_rotations_of_rows_and_columns_pass_through(method, seed, shape):
    m, n = shape
    x = with_singular_values(torch.linspace(0.2, 1, min(m, n), dtype=FLOAT64), m, n, seed)
    p, q, f = orthogonal(m, seed + 2), orthogonal(n, seed + 3), POLAR_FACTORS[method]
    torch.testing.assert_close(f(p @ x @ q), p @ f(x) @ q, rtol=0, atol=1e-12)
    torch.testing.assert_close(f(x.mT), f(x).mT, rtol=0, atol=1e-12)
    torch.testing.assert_close(f(-x), -f(x), rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", [2.0**-120, 2.0**-60, 2.0**60, 2.0**120])
@pytest.mark.parametrize("method", METHODS)
def test_the_scale_does_not_matter(method, scale):
    x = torch.randn(8, 12, generator=generator(0))
    torch.testing.assert_close(POLAR_FACTORS[method](scale * x), POLAR_FACTORS[method](x))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_norms_of_half_precision_are_not_rounded_to_it(dtype):
    """Else singular values start up to half an eps above 1."""
    x = torch.randn(9, 20, 30, generator=generator(0)).to(dtype)
    norms = x.double().flatten(1).norm(dim=1)
    torch.testing.assert_close(frobenius(x).flatten().double(), norms, rtol=1e-6, atol=0)
    half = x.flatten(1).norm(dim=1).double()
    assert (half / norms).min() < 1 - 1e-4


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("method", ITERATED)
def test_large_values_do_not_overflow_half_precision(method, dtype):
    x = torch.randn(20, 20, generator=generator(0))
    exact = POLAR_FACTORS[method](x)
    error = (POLAR_FACTORS[method](1e6 * x, dtype=dtype) - exact).norm() / exact.norm()
    assert error < 0.1


@pytest.mark.parametrize("method", METHODS)
def test_complex_matrices_by_their_real_embedding(method):
    """The norm of the embedding is larger by the square root of 2: only converged ones agree."""
    x = torch.randn(2, 4, 6, generator=generator(0), dtype=torch.complex128)
    f = {"cubic": lambda x: polar_cubic(x, 30), "express": lambda x: polar_express(x, 12)}
    f = f.get(method, POLAR_FACTORS[method])
    y = f(x)
    assert y.dtype == torch.complex128
    if method == "quintic":
        u, s, vh = torch.linalg.svd(x / x.norm(dim=(1, 2), keepdim=True), full_matrices=False)
        s = torch.from_numpy(mapped(s.numpy(), "quintic", 5))
        torch.testing.assert_close(y, (u * s[:, None, :]) @ vh, rtol=0, atol=1e-12)
    else:
        torch.testing.assert_close(embedded(y), f(embedded(x)), rtol=0, atol=1e-12)


# Rank.


@pytest.mark.parametrize("dtype", [FLOAT64, torch.float32])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("m, n, rank", [(8, 8, 3), (6, 20, 5), (20, 6, 1), (64, 64, 5)])
def test_the_rank_of_the_factor_is_that_of_the_matrix(method, m, n, rank, dtype):
    """Up to rounding, which grows along the other directions by ``a`` in every step."""
    growth = {"svd": math.sqrt(max(m, n)), "cubic": 1.5**20, "quintic": 3.4445**5}
    growth["express"] = math.prod(a for a, _, _ in POLAR_EXPRESS[:5])
    bound = torch.finfo(dtype).eps * growth[method]
    x = with_singular_values(torch.linspace(0.5, 1, rank, dtype=FLOAT64), m, n)
    y = POLAR_FACTORS[method](x.to(dtype)).double()
    sigma = torch.linalg.svdvals(y)
    assert sigma[rank:].max() < 2 * bound
    assert sigma[:rank].min() > 0.5
    if method in ("svd", "cubic"):
        assert torch.linalg.matrix_norm(y - factor(m, n, rank=rank), 2) < 10 * bound


def test_in_bfloat16_rounding_becomes_a_direction():
    x = with_singular_values(torch.linspace(0.5, 1, 3, dtype=FLOAT64), 30, 40).bfloat16()
    assert torch.linalg.svdvals(polar_express(x, 8).double())[3] > 0.1
    assert torch.linalg.svdvals(polar_svd(x).double())[3] < 0.05


def test_noise_of_float32_is_not_a_direction():
    x = with_singular_values(torch.linspace(0.5, 1, 3, dtype=FLOAT64), 30, 40).float()
    assert torch.linalg.matrix_rank(polar_svd(x), tol=0.5) == 3
    assert torch.linalg.matrix_rank(polar_svd(x, rtol=1e-12), tol=0.5) == 30


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(3, 3), (1, 4), (5, 2), (2, 3, 4)])
def test_zero_stays_zero_and_spares_the_others(method, shape):
    f, zero = POLAR_FACTORS[method], torch.zeros(shape)
    assert torch.equal(f(zero), zero)
    x = torch.randn(shape, generator=generator(0))
    stack = torch.stack([zero, x])
    torch.testing.assert_close(f(stack), torch.stack([zero, f(x)]))
    assert f(stack)[1].norm() > 0.5 * math.sqrt(min(shape[-2:]))


def test_one_by_one_is_the_sign():
    x = torch.tensor([[[-3.0]], [[0.0]], [[1e-30]]])
    for f in (polar_svd, polar_cubic):
        assert torch.equal(f(x).flatten(), torch.tensor([-1.0, 0.0, 1.0]))


def test_damping_smooths_the_sign():
    x = torch.tensor([[[-3.0]], [[0.0]], [[4.0]]])
    y = polar_svd(x, damping=16.0, relative=False, rank_deficient="eps").flatten()
    torch.testing.assert_close(y, torch.tensor([-0.6, 0.0, 0.5**0.5]))


def test_the_table_names_the_functions():
    assert POLAR_FACTORS == {
        "svd": polar_svd,
        "cubic": polar_cubic,
        "quintic": polar_quintic,
        "express": polar_express,
    }

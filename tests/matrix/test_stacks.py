"""Stacks, dtypes, devices, and what is refused: the same for every matrix function."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from known_matrices import generator
from torch.utils._python_dispatch import TorchDispatchMode

from adaopt.torch.matrix import INVERSE_ROOTS, POLAR_FACTORS, odd_polynomials, polar_express

FLOAT32, FLOAT64 = torch.float32, torch.float64
ROOTS = {f"root_{name}": lambda a, f=f, **k: f(a, 4, **k) for name, f in INVERSE_ROOTS.items()}
POLAR = {f"polar_{name}": f for name, f in POLAR_FACTORS.items()}
FUNCTIONS = {**ROOTS, **POLAR}
ITERATED = [name for name in FUNCTIONS if name not in ("root_eigh", "polar_svd")]


def stack_of(name: str, shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    """Symmetric matrices for roots, any for polar factors."""
    g = torch.randn(shape, generator=generator(seed), dtype=FLOAT64)
    return g @ g.mT if name in ROOTS else g


# Stacks.


@settings(max_examples=30)
@given(seed=st.integers(0, 999), batch=st.integers(1, 4), n=st.integers(1, 8))
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_stack_is_its_matrices(name, seed, batch, n):
    f, x = FUNCTIONS[name], stack_of(name, (2, batch, n, n), seed)
    x = x * 10.0 ** torch.arange(2 * batch).reshape(2, batch, 1, 1)
    y = f(x)
    assert y.shape == x.shape
    for i in range(2):
        for j in range(batch):
            one = f(x[i, j])
            size = float(one.abs().max())
            torch.testing.assert_close(y[i, j], one, rtol=0, atol=1e-9 * size)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("shape", [(0, 3, 3), (2, 0, 3, 3), (0, 0), (4, 0, 0)])
def test_empty_stacks_come_back(name, shape):
    y = FUNCTIONS[name](torch.zeros(shape, dtype=FLOAT64))
    assert y.shape == shape
    assert y.dtype == FLOAT64


@pytest.mark.parametrize("name", POLAR)
@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (3, 2, 0)])
def test_empty_matrices_come_back(name, shape):
    assert POLAR[name](torch.zeros(shape)).shape == shape


@pytest.mark.parametrize("name", FUNCTIONS)
def test_any_strides_and_the_input_stays(name):
    x = stack_of(name, (5, 5, 3, 5, 5))[:, 2, 1].transpose(-1, -2)
    x = x if name in POLAR else (x + x.mT) / 2
    before = x.clone()
    y = FUNCTIONS[name](x)
    assert torch.equal(x, before)
    torch.testing.assert_close(y, FUNCTIONS[name](x.contiguous()), rtol=0, atol=1e-12)
    empty = x[:0]
    assert FUNCTIONS[name](empty) is not empty


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, FLOAT32, FLOAT64, torch.complex64, torch.complex128]
)
def test_the_dtype_is_kept(name, dtype):
    x = torch.eye(4, dtype=dtype)
    y = FUNCTIONS[name](x, damping=0.1) if name in ROOTS else FUNCTIONS[name](x)
    assert y.dtype == dtype
    assert torch.isfinite(y).all()


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("stored", [FLOAT32, torch.complex64])
def test_a_wider_precision_is_used_where_asked(name, stored):
    x = stack_of(name, (3, 6, 6)).to(stored)
    wide = FUNCTIONS[name](x.to(torch.promote_types(stored, FLOAT64)))
    narrow = FUNCTIONS[name](x, dtype=FLOAT64)
    assert narrow.dtype == stored
    torch.testing.assert_close(
        narrow, wide.to(stored), rtol=1e-5, atol=1e-6 * float(wide.abs().max())
    )


# The host.


class NoReading(TorchDispatchMode):
    """Fails when the program reads a value: what would make it wait for a device."""

    READING = ("_local_scalar_dense", "nonzero", "item", "is_nonzero", "equal", "_to_copy.cpu")

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        assert not func.__name__.startswith(self.READING), f"{func} reads a value"
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_unchecked_no_value_is_read(name):
    x = stack_of(name, (3, 6, 6))
    with NoReading():
        y = FUNCTIONS[name](x, check=False)
    assert torch.equal(y, FUNCTIONS[name](x))
    with NoReading(), pytest.raises(AssertionError, match="reads a value"):
        FUNCTIONS[name](x)


@pytest.mark.parametrize("name", ITERATED)
def test_no_value_is_read_where_there_is_none(name):
    """On the meta device a tensor has a shape and no values."""
    x = torch.empty(2, 6, 6, device="meta")
    y = FUNCTIONS[name](x)
    assert y.shape == x.shape
    assert y.device == x.device


@pytest.mark.gpu
@pytest.mark.parametrize("name", FUNCTIONS)
def test_cuda_agrees_and_its_iterations_wait_for_nothing(name):
    x = stack_of(name, (3, 20, 20))
    there = x.cuda()
    FUNCTIONS[name](there)
    if name in ITERATED:
        torch.cuda.set_sync_debug_mode("error")
    try:
        y = FUNCTIONS[name](there)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert y.device == there.device
    here = FUNCTIONS[name](x)
    torch.testing.assert_close(y.cpu(), here, rtol=0, atol=1e-9 * float(here.abs().max()))
    with pytest.raises(ValueError, match="is not finite"):
        FUNCTIONS[name](there * math.nan, check=True)


# What is refused.


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused_by_place(name, value):
    x = stack_of(name, (2, 3, 4, 4))
    x[1, 0, 2, 2] = value
    letter = "a" if name in ROOTS else "x"
    with pytest.raises(ValueError, match=rf"^Invalid {letter}: matrix 3 of 6 is not finite$"):
        FUNCTIONS[name](x)


@pytest.mark.parametrize("name", ITERATED)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_unchecked_it_spares_the_other_matrices(name, value):
    x = stack_of(name, (3, 4, 4))
    clean = FUNCTIONS[name](x)
    x[1, 2, 2] = value
    y = FUNCTIONS[name](x, check=False)
    assert torch.equal(y[[0, 2]], clean[[0, 2]])
    assert not y[1].isfinite().all()


@pytest.mark.parametrize("name", ROOTS)
def test_roots_refuse_what_is_not_symmetric(name):
    a = torch.eye(4).repeat(3, 1, 1)
    a[2, 0, 1] = 0.1
    with pytest.raises(ValueError, match=r"^Invalid a: matrix 2 of 3 is not symmetric"):
        FUNCTIONS[name](a)
    z = torch.eye(2, dtype=torch.complex64)
    z[0, 1] = z[1, 0] = 0.1j
    with pytest.raises(ValueError, match="or Hermitian"):
        FUNCTIONS[name](z)


def test_rounding_is_not_asymmetry():
    """The sides of float32 products differ in the last digits."""
    g = torch.randn(50, 30, generator=generator(0))
    a = g @ g.mT
    a[1, 2] *= 1 + 1e-5
    for f in ROOTS.values():
        assert f(a).isfinite().all()


def test_eigenvalues_refuse_an_indefinite_matrix_and_take_rounding():
    eigh = ROOTS["root_eigh"]
    with pytest.raises(
        ValueError, match=r"^Invalid a: matrix 1 of 2 is not positive semi-definite"
    ):
        eigh(torch.stack([torch.eye(3), torch.diag(torch.tensor([1.0, 1.0, -0.5]))]))
    with pytest.raises(ValueError, match="semi-definite"):
        eigh(-torch.eye(3))
    y = eigh(torch.diag(torch.tensor([1.0, 1.0, -1e-6])), damping=1e-3)
    torch.testing.assert_close(y.diagonal(), torch.tensor([1.001, 1.001, 0.001]) ** -0.25)


@pytest.mark.parametrize("name", ROOTS)
@pytest.mark.parametrize("shape", [(3,), (2, 3), (4, 2, 3)])
def test_roots_refuse_shapes(name, shape):
    with pytest.raises(ValueError, match=r"^Invalid a: shape .* \(expected square matrices"):
        FUNCTIONS[name](torch.ones(shape))


@pytest.mark.parametrize("name", POLAR)
def test_factors_of_tall_matrices_are_contiguous(name):
    assert POLAR[name](torch.randn(2, 7, 3, generator=generator(0))).is_contiguous()


@pytest.mark.parametrize("name", POLAR)
@pytest.mark.parametrize("shape", [(), (3,)])
def test_polar_factors_refuse_shapes(name, shape):
    with pytest.raises(ValueError, match=r"^Invalid x: shape .* \(expected matrices"):
        FUNCTIONS[name](torch.ones(shape))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("x", [[[1.0]], np.eye(2), torch.eye(2).long(), torch.eye(2).to_sparse()])
def test_other_things_than_dense_tensors_of_numbers_are_refused(name, x):
    with pytest.raises(TypeError, match=r"^Invalid [ax]: .* \(expected a dense tensor"):
        FUNCTIONS[name](x)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_other_dtypes_to_compute_in_are_refused(name):
    for dtype in (torch.int32, torch.complex64, "float32"):
        with pytest.raises(TypeError, match=r"^Invalid dtype: "):
            FUNCTIONS[name](torch.eye(2), dtype=dtype)
    with pytest.raises(TypeError, match="no complex matrices in it"):
        FUNCTIONS[name](torch.eye(2, dtype=torch.complex64), dtype=torch.bfloat16)


@pytest.mark.parametrize("name", [*ROOTS, "polar_svd"])
def test_damping_is_checked(name):
    f, x = FUNCTIONS[name], torch.eye(3)
    for bad in (-1e-3, math.nan, math.inf):
        with pytest.raises(ValueError, match=r"^Invalid damping: "):
            f(x, damping=bad)
    with pytest.raises(TypeError, match=r"^Invalid damping: 'much'"):
        f(x, damping="much")
    with pytest.raises(TypeError, match=r"^Invalid relative: 1"):
        f(x, damping=1e-3, relative=1)
    zero = {"rank_deficient": "eps"} if name == "polar_svd" else {}
    with pytest.raises(ValueError, match=r"^Invalid damping: 0 .*pinv"):
        f(x, damping=0, **zero)


@pytest.mark.parametrize("name", ["root_eigh", "polar_svd"])
def test_rank_deficient_is_one_of_two_words(name):
    with pytest.raises(ValueError, match=r"^Invalid rank_deficient: 'drop'"):
        FUNCTIONS[name](torch.eye(3), rank_deficient="drop")


@pytest.mark.parametrize("name", ["root_newton", "root_newton_schulz"])
@pytest.mark.parametrize("dtype, damping", [(FLOAT32, 4e-7), (torch.bfloat16, 0.03)])
def test_iterations_refuse_a_damping_below_rounding(name, dtype, damping):
    g = torch.randn(100, 40, generator=generator(0)).to(dtype)
    a = g @ g.mT
    with pytest.raises(ValueError, match=r"^Invalid damping: .* on torch\..* want .* at least"):
        FUNCTIONS[name](a, damping=damping)
    assert ROOTS["root_eigh"](a, damping=damping).isfinite().all()
    floor = 4 * torch.finfo(dtype).eps
    least = FUNCTIONS[name](a, damping=floor)
    absolute = FUNCTIONS[name](a, damping=1e-30, relative=False)  # raised to the same
    assert least.isfinite().all()
    torch.testing.assert_close(absolute, least)


@pytest.mark.parametrize("name", ITERATED)
def test_steps_are_checked(name):
    for bad in (0, -1):
        with pytest.raises(ValueError, match=rf"^Invalid steps: {bad}$"):
            FUNCTIONS[name](torch.eye(2), steps=bad)
    for bad in (2.0, True, "5"):
        with pytest.raises(TypeError, match=r"^Invalid steps: "):
            FUNCTIONS[name](torch.eye(2), steps=bad)


def test_roots_are_checked():
    a = torch.eye(2)
    for f in INVERSE_ROOTS.values():
        for bad in (0, -2, math.inf, math.nan):
            with pytest.raises((ValueError, TypeError), match=r"^Invalid p: "):
                f(a, bad)
        for bad in ("2", True, None):
            with pytest.raises(TypeError, match=r"^Invalid p: "):
                f(a, bad)
    with pytest.raises(TypeError, match=r"^Invalid p: 2.5 \(expected a whole number\)"):
        INVERSE_ROOTS["newton"](a, 2.5)
    for bad in (1, 3, 6, 12):
        with pytest.raises(ValueError, match=rf"^Invalid p: {bad} \(expected a power of two\)"):
            INVERSE_ROOTS["newton_schulz"](a, bad)


def test_safety_and_rtol_are_checked():
    for bad in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match=r"^Invalid safety: "):
            polar_express(torch.eye(2), safety=bad)
    for name in ("root_eigh", "polar_svd"):
        with pytest.raises(ValueError, match=r"^Invalid rtol: -1$"):
            FUNCTIONS[name](torch.eye(2), rtol=-1)
        with pytest.raises(TypeError, match=r"^Invalid rtol: 'tiny' "):
            FUNCTIONS[name](torch.eye(2), rtol="tiny")


def test_any_odd_polynomials_may_be_given():
    """A tall matrix, one step of each of two, against the formula on diagonal matrices."""
    x = torch.diag(torch.tensor([0.6, 0.8]))[:, :2]
    x = torch.cat([x, torch.zeros(1, 2)])
    y = odd_polynomials(x, [(1.0, 2.0, 3.0), (0.5, 0.0, 0.0)])
    s = torch.tensor([0.6, 0.8])
    expected = 0.5 * (s + 2 * s**3 + 3 * s**5)
    torch.testing.assert_close(y[:2], torch.diag(expected))
    assert torch.equal(y[2], torch.zeros(2))

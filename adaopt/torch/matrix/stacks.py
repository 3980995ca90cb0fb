"""Stacks of matrices: what is refused, in which precision one computes, how the result returns."""

import math
from numbers import Real

import torch
from torch import Tensor


class Stack:
    """The matrices of ``x`` (..., m, n) as one stack ``matrices`` (b, m, n), as they are.

    ``dtype`` is the one to compute in: that of ``x`` unless another is named; ``hermitian`` asks
    for float32 at least, ``factored`` for float64 on the CPU, where a factorization costs little
    more in it. An empty ``x`` is computed as one zero and comes back empty.

    Values are looked at on the CPU; elsewhere only if ``check`` is True, which waits for the
    device, and not even on the CPU if it is False. They must be finite and, if ``hermitian``,
    equal their conjugate transpose to half the digits of the dtype.

    Raises:
        TypeError: not a dense tensor of floating-point or complex numbers; no such ``dtype``.
        ValueError: not (square) matrices, not finite, not Hermitian.
    """

    def __init__(
        self,
        name: str,
        x: Tensor,
        dtype: torch.dtype | None,
        check: bool | None,
        hermitian: bool = False,
        factored: bool = False,
    ) -> None:
        numbers = isinstance(x, Tensor) and (x.is_floating_point() or x.is_complex())
        if not numbers or x.layout != torch.strided:
            found = f"{x.layout}, {x.dtype}" if isinstance(x, Tensor) else type(x).__name__
            raise TypeError(f"Invalid {name}: {found} (expected a dense tensor of real or complex)")
        if x.ndim < 2 or (hermitian and x.shape[-1] != x.shape[-2]):
            expected = "square matrices (..., n, n)" if hermitian else "matrices (..., m, n)"
            raise ValueError(f"Invalid {name}: shape {tuple(x.shape)} (expected {expected})")
        self.name, self.x, self.eps = name, x, torch.finfo(x.dtype).eps
        self.check = x.device.type == "cpu" if check is None else check
        self.matrices = x.reshape(-1, *x.shape[-2:]) if x.numel() else x.new_zeros(1, 1, 1)
        self.dtype = self._dtype(dtype, hermitian, factored)
        if self.check:
            self._look(hermitian)

    def back(self, y: Tensor) -> Tensor:
        """The result with the shape and the dtype of ``x``."""
        if self.x.numel() == 0:
            return self.x.clone()
        return y.resolve_conj().reshape(self.x.shape).to(self.x.dtype).contiguous()

    def refuse(self, bad: Tensor, reason: str) -> None:
        """Raises ValueError with the first matrix for which ``bad`` (b,) is true."""
        if bad.any():
            where = f"matrix {int(bad.nonzero()[0])} of {len(bad)}"
            raise ValueError(f"Invalid {self.name}: {where} {reason}")

    def _dtype(self, dtype: torch.dtype | None, hermitian: bool, factored: bool) -> torch.dtype:
        x = self.x
        if dtype is None:
            double = factored and x.device.type == "cpu"
            least = torch.float64 if double else torch.float32
            return torch.promote_types(x.dtype, least) if hermitian or factored else x.dtype
        if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
            raise TypeError(f"Invalid dtype: {dtype} (expected a floating-point dtype)")
        if x.is_complex() and torch.finfo(dtype).bits < 32:
            raise TypeError(f"Invalid dtype: {dtype} (no complex matrices in it)")
        return dtype.to_complex() if x.is_complex() else dtype

    def _look(self, hermitian: bool) -> None:
        a = self.matrices
        self.refuse(~a.isfinite().flatten(1).all(1), "is not finite")
        if hermitian:
            gap, size = ((a - a.mH).abs().amax((1, 2)), a.abs().amax((1, 2)))
            self.refuse(gap > math.sqrt(self.eps) * size, "is not symmetric (or Hermitian)")


def check_damping(damping: float, relative: bool, rank_deficient: str = "eps") -> None:
    """Refuses a negative or not finite damping, and zero where one would divide by it."""
    check_number("damping", damping)
    if not isinstance(relative, bool):
        raise TypeError(f"Invalid relative: {relative!r} (expected a bool)")
    if rank_deficient not in ("eps", "pinv"):
        raise ValueError(f"Invalid rank_deficient: {rank_deficient!r} (expected 'eps' or 'pinv')")
    if rank_deficient == "eps" and damping == 0:
        raise ValueError("Invalid damping: 0 (only rank_deficient='pinv' goes without)")


def check_number(name: str, value: float, above_zero: bool = False) -> None:
    """Refuses what is not a finite number, zero at least (above zero)."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"Invalid {name}: {value!r} (expected a number)")
    if not 0 <= value < math.inf or (above_zero and value == 0):
        raise ValueError(f"Invalid {name}: {value}")


def check_whole(name: str, value: int) -> None:
    """Refuses what is not a whole number above zero."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"Invalid {name}: {value!r} (expected a whole number)")
    if value < 1:
        raise ValueError(f"Invalid {name}: {value}")

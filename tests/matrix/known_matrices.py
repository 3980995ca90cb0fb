"""Matrices with known spectra, and their functions by other means than the package's."""

from __future__ import annotations

import functools

import mpmath
import numpy as np
import torch
from torch import Tensor

SPECTRA = ("log", "cliff", "deficient", "gram", "identity")


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def orthogonal(n: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.linalg.qr(torch.randn(n, n, generator=generator(seed), dtype=dtype))[0]


def semidefinite(spectrum: str, n: int, least: float = 1e-6, seed: int = 0) -> Tensor:
    """A symmetric matrix in float64 with largest eigenvalue about 1 and least one ``least``."""
    if spectrum == "gram":
        g = torch.randn(n, max(1, n // 2), generator=generator(seed), dtype=torch.float64)
        return g @ g.mT
    lam = torch.ones(n, dtype=torch.float64)
    if spectrum == "log":
        lam = torch.logspace(0, np.log10(least), n, dtype=torch.float64)
    if spectrum in ("cliff", "deficient"):
        lam[n // 2 :] = least if spectrum == "cliff" else 0
    q = orthogonal(n, seed)
    a = (q * lam) @ q.mT
    return (a + a.mT) / 2


def root_by_numpy(a: Tensor, p: float, eps: float) -> Tensor:
    """(A + eps lambda_max I)^(-1/p) by NumPy's eigenvalues in double precision."""
    lam, v = np.linalg.eigh(a.to(torch.promote_types(a.dtype, torch.float64)).numpy())
    lam = np.maximum(lam, 0)
    return torch.from_numpy((v * (lam + eps * lam.max()) ** (-1 / p)) @ v.conj().T)


def root_by_mpmath(a: Tensor, p: int, eps: float) -> Tensor:
    """The same with 50 digits."""
    with mpmath.workdps(50):
        lam, v = _eigenvalues_by_mpmath(tuple(map(tuple, a.tolist())))
        top = max(lam)
        roots = [(max(x, 0) + eps * top) ** (-mpmath.mpf(1) / p) for x in lam]
        x = v * mpmath.diag(roots) * v.T
        rows = [[float(entry) for entry in x[i, :]] for i in range(len(a))]
    return torch.tensor(rows, dtype=torch.float64)


@functools.cache
def _eigenvalues_by_mpmath(rows: tuple[tuple[float, ...], ...]) -> tuple:
    return mpmath.eigsy(mpmath.matrix(rows))


def error(x: Tensor, exact: Tensor) -> float:
    """The spectral norm of the difference, relative to that of ``exact``."""
    x = x.to(exact.dtype)
    return float(torch.linalg.matrix_norm(x - exact, 2) / torch.linalg.matrix_norm(exact, 2))


def embedded(z: Tensor) -> Tensor:
    """The real matrix of twice the size that acts as a complex one: it commutes with functions."""
    return torch.cat([torch.cat([z.real, -z.imag], -1), torch.cat([z.imag, z.real], -1)], -2)

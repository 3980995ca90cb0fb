r"""Polar factors :math:`U V^\top` of :math:`X = U \Sigma V^\top`, plainly.

Every function takes one matrix or a stack (..., m, n), real or complex, computes in float64 and
returns the dtype that it was given. Zero stays zero. ValueError for what is no matrix or is not
finite. The working edition is :mod:`adaopt.torch.matrix`.
"""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy import ndarray as Array

from adaopt.linalg.quintics import best_quintics

QUINTIC = (3.4445, -4.7750, 2.0315)


def polar_svd(x: Array) -> Array:
    r"""Polar factor by singular values: 1 for all but those that are rounding, which become zero.

    Rounding is :math:`2 \sqrt{\max(m, n)}` eps of the largest. Source: Higham (2008), ch. 8.
    """
    given, x = checked("x", x)
    u, sigma, vh = np.linalg.svd(x, full_matrices=False)
    noise = 2 * np.sqrt(max(x.shape[-2:])) * np.finfo(given).eps * sigma[..., :1]
    return ((u * (sigma > noise)[..., None, :]) @ vh).astype(given)


def polar_cubic(x: Array, steps: int = 20) -> Array:
    r"""Newton-Schulz: :math:`\tfrac32 s - \tfrac12 s^3`. Source: Björck and Bowie (1971)."""
    return odd_polynomials(x, [(1.5, -0.5, 0.0)] * steps)


def polar_quintic(x: Array, steps: int = 5) -> Array:
    r"""Muon: :math:`3.4445 s - 4.7750 s^3 + 2.0315 s^5`. Source: Jordan et al. (2024)."""
    return odd_polynomials(x, [QUINTIC] * steps)


def polar_express(x: Array, steps: int = 5, safety: float = 1.01) -> Array:
    """Polar Express: in each step the best quintic. Source: Amsel et al. (2026)."""
    return odd_polynomials(x, express(steps, safety))


@cache
def express(steps: int, safety: float = 1.01) -> list[Array]:
    """The quintics of :func:`best_quintics`, all but the last at s / ``safety``.

    The eighth is the limit and repeats.
    """
    quintics = best_quintics(8)
    quintics[:-1] /= safety ** np.array([1, 3, 5])
    return [quintics[min(k, 7)] for k in range(steps)]


def odd_polynomials(
    x: Array, coefficients: Sequence[tuple[float, float, float]], eps: float = 0.0
) -> Array:
    r"""From :math:`X / \|X\|_F`, step after step: :math:`X \leftarrow (a I + b A + c A^2) X`.

    With :math:`A = X X^\top`: a singular value s becomes :math:`a s + b s^3 + c s^5`. A norm
    below ``eps`` counts as ``eps``.
    """
    given, x = checked("x", x)
    size = np.linalg.norm(x, axis=(-2, -1), keepdims=True)
    x = x / np.where(size > 0, np.maximum(size, eps), 1)
    for a, b, c in coefficients:
        A = x @ transpose(x)
        x = a * x + (b * A + c * A @ A) @ x
    return x.astype(given)


def as_matrix(a: Array) -> Array:
    """An array as the matrix (first dimension, all others); a vector is one column."""
    return a.reshape(*a.shape[:1] or (1,), math.prod(a.shape[1:]))


def transpose(x: Array) -> Array:
    """The conjugate transpose of every matrix."""
    return x.conj().swapaxes(-1, -2)


def checked(name: str, x: Array, hermitian: bool = False) -> tuple[np.dtype, Array]:
    """The dtype to return, and the matrices in double precision; refuses by name."""
    x = np.asarray(x)
    given = np.result_type(x, np.float16)
    if x.ndim < 2 or (hermitian and x.shape[-1] != x.shape[-2]):
        raise ValueError(
            f"Invalid {name}: shape {x.shape} (expected {'square ' * hermitian}matrices)"
        )
    if not np.isfinite(x).all():
        raise ValueError(f"Invalid {name}: not finite")
    if hermitian and not np.allclose(x, transpose(x), rtol=0, atol=1e-3 * np.abs(x).max(initial=0)):
        raise ValueError(f"Invalid {name}: not symmetric (or Hermitian)")
    return given, x.astype(complex if x.dtype.kind == "c" else float)

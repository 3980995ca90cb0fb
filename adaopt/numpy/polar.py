r"""Polar factors :math:`U V^\top` of :math:`X = U \Sigma V^\top`, plainly.

Every function takes one matrix or a stack (..., m, n), real or complex, computes in float64 and
returns the dtype that it was given. Zero stays zero. ValueError for what is no matrix or is not
finite. The working edition is :mod:`adaopt.torch.matrix`.
"""

import numpy as np
from numpy import ndarray as Array

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
    """Polar Express: the quintics of :func:`best_quintics`, all but the last at s / ``safety``.

    The eighth is the limit and repeats. Source: Amsel et al. (2026).
    """
    quintics = best_quintics(8)
    quintics[:-1] /= safety ** np.array([1, 3, 5])
    return odd_polynomials(x, [quintics[min(k, 7)] for k in range(steps)])


def odd_polynomials(x: Array, coefficients: list[tuple[float, float, float]]) -> Array:
    r"""From :math:`X / \|X\|_F`, step after step: :math:`X \leftarrow (a I + b A + c A^2) X`.

    With :math:`A = X X^\top`: a singular value :math:`s` becomes :math:`a s + b s^3 + c s^5`.
    """
    given, x = checked("x", x)
    size = np.linalg.norm(x, axis=(-2, -1), keepdims=True)
    x = x / np.where(size > 0, size, 1)
    for a, b, c in coefficients:
        A = x @ transpose(x)
        x = a * x + (b * A + c * A @ A) @ x
    return x.astype(given)


def best_quintics(steps: int, lower: float = 1e-3, cushion: float = 0.02407327424182761) -> Array:
    r"""Polar Express's coefficients (a, b, c) of every step, (steps, 3).

    The first quintic is nearest to 1 on [``lower``, 1], the next on what the first makes of that
    interval, :math:`[l, u]`, and so on; no other composition comes nearer. So that a first step
    does not leave gaps, none is fitted below ``cushion`` times u; then it is scaled so that its
    values at both ends lie equally far from 1. Source: Amsel et al. (2026), algorithm 1.
    """
    low, high, table = lower, 1.0, []
    for _ in range(steps):
        quintic = _nearest_to_one(max(low, cushion * high), high)
        quintic *= 2 / (_value(quintic, low) + _value(quintic, high))
        low = _value(quintic, low)
        high = 2 - low
        table.append(quintic)
    return np.array(table)


def _nearest_to_one(low: float, high: float) -> Array:
    r"""The odd quintic of least :math:`\max |1 - p(s)|` on [low, high], by Remez's exchange.

    Its error has one size E and alternating signs at both ends and at the two extrema between.
    """
    if high - low < 1e-6:  # the limit around 1: its value there is 1, two derivatives are 0
        return np.array([15, -10, 3]) / 8
    inner = np.array([0.75 * low + 0.25 * high, 0.25 * low + 0.75 * high])
    for _ in range(10):
        s = np.array([low, *inner, high])
        a, b, c, _ = np.linalg.solve(np.column_stack([s, s**3, s**5, [1, -1, 1, -1]]), np.ones(4))
        inner = np.sqrt(np.sort(np.roots([5 * c, 3 * b, a])))  # where a + 3 b s^2 + 5 c s^4 = 0
    return np.array([a, b, c])


def _value(quintic: Array, s: float) -> float:
    return quintic @ np.array([s, s**3, s**5])


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
    return given, x.astype(np.result_type(x, np.float64))

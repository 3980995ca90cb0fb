r"""Inverse p-th roots of positive semi-definite matrices, plainly.

Every function takes one matrix or a stack (..., n, n), real symmetric or complex Hermitian,
computes in float64 and returns the dtype that it was given. The working edition is
:mod:`adaopt.torch.matrix`, whose docstrings give accuracy and the choice between the methods.

The damping is :math:`\varepsilon = \text{damping} \cdot \lambda_{\max}`, or ``damping`` itself if
not ``relative``. ValueError for what is not square, not finite or not Hermitian, and for a damping
that is negative, or zero where one would divide by it.
"""

import numpy as np
from numpy import ndarray as Array

from adaopt.linalg.polar import checked, transpose


def inverse_root_eigh(
    a: Array, p: float, damping: float = 1e-6, relative: bool = True, rank_deficient: str = "eps"
) -> Array:
    r"""Inverse root by eigenvalues, :math:`V (\Lambda + \varepsilon I)^{-1/p} V^\top`.

    ``rank_deficient="pinv"`` gives zero for eigenvalues that are but rounding of the dtype of
    ``a``, up to :math:`2 \sqrt n` eps of the largest; "eps" wants damping. Source: Higham (2008).
    """
    given, a = checked("a", a, hermitian=True)
    if not (damping > 0 or (damping == 0 and rank_deficient == "pinv")):
        raise ValueError(f"Invalid damping: {damping}")
    lam, v = np.linalg.eigh(a)
    lam = np.maximum(lam, 0)
    top = lam[..., -1:]
    eps = damping * top if relative else damping
    noise = 2 * np.sqrt(a.shape[-1]) * np.finfo(given).eps * top
    kept = lam > noise if rank_deficient == "pinv" else lam + eps > 0
    root = np.where(kept, lam + eps, np.inf) ** (-1 / p)
    return ((v * root[..., None, :]) @ transpose(v)).astype(given)


def inverse_root_newton(
    a: Array, p: int, damping: float = 1e-6, relative: bool = True, steps: int = 40
) -> Array:
    r"""Inverse root by the coupled Newton iteration.

    With :math:`s = \lambda_{\max} + \varepsilon` and :math:`z = (p + 1) / 2`, from
    :math:`M = z (A + \varepsilon I) / s` and :math:`X = z^{1/p} I`,

    .. math:: T = \tfrac1p ((p + 1) I - M), \qquad X \leftarrow X T, \qquad M \leftarrow T^p M.

    Source: Guo and Higham (2006).
    """
    given, a = checked("a", a, hermitian=True)
    a, s = _scaled(a, damping, relative, given)
    eye, z = np.eye(a.shape[-1]), (p + 1) / 2
    m, x = z * a, z ** (1 / p) * eye
    for _ in range(steps):
        t = ((p + 1) * eye - m) / p
        x = x @ t
        m = np.linalg.matrix_power(t, p) @ m
    return (x * s ** (-1 / p)).astype(given)


def inverse_root_newton_schulz(
    a: Array, p: int, damping: float = 1e-6, relative: bool = True, steps: int = 40
) -> Array:
    r"""Inverse root, p = 2, 4, 8, ..., by coupled Newton-Schulz iterations for square roots.

    From :math:`Y = (A + \varepsilon I) / s` and :math:`Z = I`,

    .. math:: T = \tfrac12 (3 I - Z Y), \qquad Y \leftarrow Y T, \qquad Z \leftarrow T Z.

    Source: Higham (2008), ch. 6.
    """
    given, a = checked("a", a, hermitian=True)
    if p not in (2, 4, 8, 16):
        raise ValueError(f"Invalid p: {p} (expected 2, 4, 8 or 16)")
    y, s = _scaled(a, damping, relative, given)
    eye = np.eye(a.shape[-1])
    for _ in range(int(np.log2(p))):  # the fourth root is the root of the root
        z = eye
        for _ in range(steps):
            t = (3 * eye - z @ y) / 2
            y, z = y @ t, t @ z
    return (z * s ** (-1 / p)).astype(given)


def _scaled(a: Array, damping: float, relative: bool, given: np.dtype) -> tuple[Array, Array]:
    """The damped matrices over their largest eigenvalues s; s is infinite for a zero matrix.

    Below four eps of the dtype, rounding leaves negative eigenvalues, and iterations diverge.
    """
    floor = 4 * np.finfo(given).eps
    if not damping >= (floor if relative else np.nextafter(0, 1)):
        raise ValueError(f"Invalid damping: {damping}")
    top = np.linalg.svd(a, compute_uv=False).max(-1, initial=0)[..., None, None]
    eps = damping * top if relative else np.maximum(damping, floor * top)
    s = np.where(top + eps > 0, top + eps, np.inf)
    return (a + eps * np.eye(a.shape[-1])) / s, s


def gram(g: Array, axis: int) -> Array:
    """The array unfolded along an axis, times its transpose."""
    g = np.moveaxis(np.atleast_1d(g.astype(float)), axis, 0)
    others = range(1, g.ndim)
    return np.tensordot(g, g, (others, others))


def times(g: Array, factor: tuple[int, Array]) -> Array:
    """The array multiplied along an axis, given with its matrix."""
    axis, root = factor
    product = np.tensordot(root, np.atleast_1d(g), (1, axis))
    return np.moveaxis(product, 0, axis).reshape(g.shape).astype(g.dtype)

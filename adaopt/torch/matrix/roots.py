r"""Inverse p-th roots :math:`(A + \varepsilon I)^{-1/p}` of positive semi-definite matrices.

All take stacks (..., n, n), treat every matrix alone, and keep shape, dtype and device. The root by
eigenvalues is exact to rounding; on CUDA ``torch.linalg.eigh`` itself waits for the host. The
iterations are matrix products, fixed in number, and wait for nothing.

Arguments that all share:
    a: (..., n, n), symmetric or complex Hermitian. The root of a zero matrix is zero if
        ``relative`` or with "pinv", else :math:`\varepsilon^{-1/p} I`.
    damping: :math:`\varepsilon / \lambda_{\max}`, each matrix with its own, or :math:`\varepsilon`
        itself if not ``relative``. Default 1e-6.
    dtype: the precision to compute in. Default: float64 on the CPU and at least float32 elsewhere
        by eigenvalues; at least float32 in the iterations.
    check: look at the values. None: on the CPU only; True: always, waiting for the device; False:
        never. Unchecked, in the iterations a matrix with a NaN gives NaN and spares the others;
        ``eigh`` may raise ``LinAlgError`` for the whole stack.

All raise TypeError for what is no tensor or number of the right kind, and ValueError for a wrong
shape, a value out of range, and (checked) a matrix that is not finite or not Hermitian.

Accuracy is the error in the spectral norm, relative to the exact root of the matrix as stored, at
the relative dampings 1e-3 and 1e-6, sizes up to 200 and the worst spectrum (half of the eigenvalues
zero). It is given for p = 2; p = 4 errs by half as much.
"""

import math

import torch
from torch import Tensor

from .scaling import newton_steps, scaled
from .stacks import Stack, check_damping, check_number, check_whole


def inverse_root_eigh(
    a: Tensor,
    p: float,
    *,
    damping: float = 1e-6,
    relative: bool = True,
    rank_deficient: str = "eps",
    rtol: float | None = None,
    dtype: torch.dtype | None = None,
    check: bool | None = None,
) -> Tensor:
    r"""Inverse p-th root by eigenvalues, :math:`V (\Lambda + \varepsilon I)^{-1/p} V^\top`.

    Eigenvalues that rounding made negative count as zero.

    Args:
        a, damping, relative, dtype, check: see the module.
        p: any number above zero.
        rank_deficient: "eps" inverts every :math:`\lambda + \varepsilon` and wants damping; "pinv"
            gives zero for eigenvalues up to ``rtol`` times the largest, and inverts the others.
        rtol: default :math:`2 \sqrt n` times the eps of the dtype of ``a`` (not of ``dtype``).
            Rounding the entries to that dtype moves no eigenvalue by more than a quarter of it.

    Raises:
        ValueError: also (checked) clearly negative eigenvalues.

    Accuracy: float32 matrices 1e-7 and 1e-7 (computed in float64); 5e-4 and 0.5 with
    ``dtype=torch.float32``; float64 matrices 1e-12 and 1e-9.

    Source: Higham (2008), ch. 7.
    """
    check_number("p", p, above_zero=True)
    check_damping(damping, relative, rank_deficient)
    stack = Stack("a", a, dtype, check, hermitian=True, factored=True)
    lam, v = torch.linalg.eigh(stack.matrices.to(stack.dtype))
    if stack.check:
        below = lam[:, 0] < -math.sqrt(stack.eps) * lam.abs().amax(1)
        stack.refuse(below, "is not positive semi-definite")
    lam = lam.clamp(min=0)
    top = lam[:, -1:]
    eps = damping * top if relative else damping
    rtol = 2 * math.sqrt(lam.shape[1]) * stack.eps if rtol is None else rtol
    check_number("rtol", rtol)
    kept = lam > rtol * top if rank_deficient == "pinv" else lam + eps > 0
    root = torch.where(kept, lam + eps, math.inf) ** (-1 / p)
    return stack.back((v * root[:, None, :]) @ v.mH)


def inverse_root_newton(
    a: Tensor,
    p: int,
    *,
    damping: float = 1e-6,
    relative: bool = True,
    steps: int | None = None,
    dtype: torch.dtype | None = None,
    check: bool | None = None,
) -> Tensor:
    r"""Inverse p-th root by the coupled Newton iteration.

    With :math:`\hat A = (A + \varepsilon I) / (\lambda_{\max} + \varepsilon)` and
    :math:`z = (p + 1) / 2`, from :math:`M = z \hat A` and :math:`X = z^{1/p} I`,

    .. math:: T = \tfrac1p ((p + 1) I - M), \qquad X \leftarrow X T, \qquad M \leftarrow T^p M,

    so that always :math:`M = X^p \hat A`, and :math:`M \to I`.

    Args:
        a, damping, relative, dtype, check: see the module. A relative damping is of an estimate of
            :math:`\lambda_{\max}`, see ``largest_eigenvalue``, and at least four eps of the dtype
            of ``a``; an absolute one is raised to that. Else rounding makes it diverge.
        p: a whole number.
        steps: default by ``newton_steps``, from the damping (from the dtype if it is absolute).

    Accuracy: float32 1e-4 and 0.1; float32 matrices with ``dtype=torch.float64`` 2e-5 and 2e-2,
    for eigenvalues that rounding made negative are not set to zero here; float64 1e-12 and 1e-9.
    The estimate of :math:`\lambda_{\max}` may add :math:`\ln(n) / (1024 p)` for a dense spectrum.

    Source: Guo and Higham (2006); Higham (2008), ch. 7; for Shampoo Anil et al. (2020).
    """
    check_whole("p", p)
    check_whole("steps", 1 if steps is None else steps)
    stack = Stack("a", a, dtype, check, hermitian=True)
    a, scale, least = scaled(stack, damping, relative)
    eye = torch.eye(a.shape[1], dtype=a.dtype, device=a.device)
    z = (p + 1) / 2
    m, x = z * a, z ** (1 / p) * eye.expand_as(a)
    for _ in range(steps or newton_steps(p, least)):
        t = ((p + 1) * eye - m) / p
        x = x @ t
        m = torch.linalg.matrix_power(t, p) @ m
    return stack.back(x * scale ** (-1 / p))


def inverse_root_newton_schulz(
    a: Tensor,
    p: int,
    *,
    damping: float = 1e-6,
    relative: bool = True,
    steps: int | None = None,
    dtype: torch.dtype | None = None,
    check: bool | None = None,
) -> Tensor:
    r"""Inverse p-th root, p a power of two, by coupled Newton-Schulz iterations.

    With :math:`\hat A` as in :func:`inverse_root_newton`, from :math:`Y = \hat A` and
    :math:`Z = I`,

    .. math:: T = \tfrac12 (3 I - Z Y), \qquad Y \leftarrow Y T \to \hat A^{1/2}, \qquad
        Z \leftarrow T Z \to \hat A^{-1/2}.

    The fourth root is the inverse square root of the square root, and so on.

    Args:
        a, damping, relative, dtype, check: as for :func:`inverse_root_newton`.
        p: 2, 4, 8, ...
        steps: of each square root; default by ``newton_steps``.

    Accuracy: float32 2e-4 and 0.5, else as for :func:`inverse_root_newton`, which is the better of
    the two at p = 4: of the square root only as many digits remain as the dtype has.

    Source: Higham (2008), ch. 6.
    """
    check_whole("p", p)
    check_whole("steps", 1 if steps is None else steps)
    if p < 2 or p & (p - 1):
        raise ValueError(f"Invalid p: {p} (expected a power of two)")
    stack = Stack("a", a, dtype, check, hermitian=True)
    y, scale, least = scaled(stack, damping, relative)
    eye = torch.eye(y.shape[1], dtype=y.dtype, device=y.device)
    for halvings in range(p.bit_length() - 1):
        z = eye.expand_as(y)
        for _ in range(steps or newton_steps(2, least ** (0.5**halvings))):
            t = (3 * eye - z @ y) / 2
            y, z = y @ t, t @ z
    return stack.back(z * scale ** (-1 / p))


INVERSE_ROOTS = {
    "eigh": inverse_root_eigh,
    "newton": inverse_root_newton,
    "newton_schulz": inverse_root_newton_schulz,
}

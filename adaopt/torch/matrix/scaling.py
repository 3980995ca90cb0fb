"""What the iterations start from: norms, largest eigenvalues, and the steps that they then need."""

import math

import torch
from torch import Tensor

from .stacks import Stack, check_damping


def largest_eigenvalue(a: Tensor, squarings: int = 10) -> Tensor:
    r"""Largest eigenvalues (b, 1, 1) of positive semi-definite matrices, by products only.

    .. math:: B_0 = A, \quad B_{j+1} = B_j^2 / \|B_j^2\|_F, \qquad
        \lambda_{\max} \approx \operatorname{tr}(B_k A) / \operatorname{tr} B_k,

    the mean of the eigenvalues weighted by their :math:`2^k`-th powers: never above
    :math:`\lambda_{\max}` and at most a fraction :math:`\ln(n) / 2^k` below it (k = 10 squarings).
    """
    b = a / frobenius(a)
    for _ in range(squarings):
        b = b @ b
        b = b / frobenius(b)
    trace = b.diagonal(0, 1, 2).sum(1).real
    mean = (b.conj() * a).sum((1, 2)).real / torch.where(trace > 0, trace, 1)
    return mean.clamp(min=0)[:, None, None]


def frobenius(x: Tensor) -> Tensor:
    """Frobenius norms (b, 1, 1) without overflow; 1 for a zero matrix, to divide by.

    A half precision gets them in float32: rounded to it, a norm may miss the largest value.
    """
    x = x.to(torch.promote_types(x.dtype, torch.float32))
    top = x.abs().amax((1, 2), keepdim=True)
    top = torch.where(top > 0, top, 1)
    return top * torch.linalg.vector_norm(x / top, dim=(1, 2), keepdim=True).clamp(min=1)


def scaled(stack: Stack, damping: float, relative: bool) -> tuple[Tensor, Tensor, float]:
    r"""The matrices damped, with eigenvalues in (0, 1]; their scales; the least eigenvalue.

    .. math:: \hat A = (A + \varepsilon I) / s, \quad s = \lambda_{\max} + \varepsilon.

    Rounding makes eigenvalues as low as minus the eps of the dtype of the input (relative to
    :math:`\lambda_{\max}`), and from a negative one an iteration diverges. So a relative damping
    must be four eps at least, and an absolute one is raised to that where it is smaller.
    The scale of a zero matrix without absolute damping is infinite, and its root therefore zero.

    Raises:
        ValueError: a relative damping below four eps.
    """
    check_damping(damping, relative)
    floor = 4 * stack.eps
    if relative and damping < floor:
        raise ValueError(
            f"Invalid damping: {damping} (iterations on {stack.x.dtype} want {floor:.2g} at least, "
            "eigenvalues do not)"
        )
    a = stack.matrices.to(stack.dtype)
    top = largest_eigenvalue(a)
    eps = damping * top if relative else (floor * top).clamp(min=damping)
    s = torch.where(top + eps == 0, math.inf, top + eps)
    eye = torch.eye(a.shape[1], dtype=a.dtype, device=a.device)
    least = damping if relative else floor
    return (a + eps * eye) / s, s, least / (1 + least)


def newton_steps(p: int, least: float) -> int:
    r"""Steps in which Newton's iteration takes an eigenvalue of ``least`` or more to 1.

    A small one grows :math:`(1 + 1/p)^p` times a step; the last six square its distance to 1.
    """
    return math.ceil(-math.log(least) / (p * math.log1p(1 / p))) + 6

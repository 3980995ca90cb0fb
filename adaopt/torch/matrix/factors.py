"""What Shampoo and CASPR do with the matrices of blocks: on stacks, one tensor a block."""

import math

import torch
from torch import Tensor

from ..engine.hyper import Hyper
from .blocks import length
from .roots import INVERSE_ROOTS, inverse_root_eigh

# By dimension, one tensor a block: a matrix (n, n) or its diagonal (n,); skipped ones are missing.
Factors = dict[int, list[Tensor]]


def factors(flat: list[Tensor], shape: torch.Size, h: Hyper) -> Factors:
    """The factors of blocks of this shape, as views."""
    lengths = [length(n, h.max_dim, h.large) for n in shape]
    columns = zip(*(f.split_with_sizes(lengths) for f in flat), strict=True)
    return {
        axis: [f.view(n, n) for f in column] if n <= h.max_dim else list(column)
        for axis, (n, column) in enumerate(zip(shape, columns, strict=True))
        if lengths[axis]
    }


def unfolded(g: Tensor, axis: int) -> Tensor:
    """A stack of tensors as one of matrices (b, n, rest), n being the size along the axis."""
    return g.movedim(axis + 1, 1).reshape(len(g), g.shape[axis + 1], -1)


def second_moment(g: Tensor, axis: int, diagonal: bool) -> Tensor:
    """The unfolded tensors times their transposes, or the diagonals of that."""
    u = unfolded(g, axis)
    return u.square().sum(2) if diagonal else u @ u.mT


def times(root: Tensor, g: Tensor, axis: int) -> Tensor:
    """The tensors multiplied along an axis by matrices (b, n, n) or diagonals (b, n)."""
    if root.dim() == 3 and 2 < g.dim() == axis + 2:  # the result is contiguous, as the tensors are
        return (g.reshape(len(g), -1, g.shape[-1]) @ root).view(g.shape)
    u, moved = unfolded(g, axis), g.movedim(axis + 1, 1)
    product = root[:, :, None] * u if root.dim() == 2 else root @ u
    return product.view(moved.shape).movedim(1, axis + 1)


def refresh(S: list[Tensor], P: list[Tensor], h: Hyper, exponent: float) -> None:
    """Compute the roots of one dimension anew, where the old ones have become too wrong."""
    a = torch.stack(S) / h.corrected
    if a.dim() == 2:
        a = torch.where(a + h.eps > 0, a + h.eps, math.inf)
        torch._foreach_copy_(P, list(a**-exponent))
        return
    if h.tolerance and a.device.type == "cpu":  # elsewhere to choose would wait for the device
        stale = residual(torch.stack(P), a, h.eps, exponent) > h.tolerance
        a, P = a[stale], [p for p, is_stale in zip(P, stale.tolist(), strict=True) if is_stale]
    if P:
        torch._foreach_copy_(P, list(inverse_root(a, exponent, h)))


def inverse_root(a: Tensor, exponent: float, h: Hyper) -> Tensor:
    """The inverse roots of a stack of matrices."""
    p, kind = 1 / exponent, h.root
    if kind == "auto":
        whole = h.eps > 0 and abs(p - round(p)) < 1e-9
        kind = "eigh" if a.device.type == "cpu" or not whole else "newton"
    if kind == "eigh":
        if a.device.type == "cpu" and not a.isfinite().all():
            raise ValueError("a second moment is not finite: a gradient was not, or is too large")
        how = dict(damping=h.eps, rank_deficient="eps" if h.eps else "pinv", relative=False)
        return inverse_root_eigh(a, p, **how, check=False)
    return INVERSE_ROOTS[kind](a, round(p), damping=h.eps, relative=False)


def residual(root: Tensor, a: Tensor, eps: float, exponent: float) -> Tensor:
    r"""How far each :math:`P^{1/e} (A + \varepsilon I)` is from I: root mean square over rows."""
    eye = torch.eye(a.shape[1], dtype=a.dtype, device=a.device)
    power = torch.linalg.matrix_power(root, round(1 / exponent))
    return (power @ (a + eps * eye) - eye).norm(dim=(1, 2)) / math.sqrt(a.shape[1])


def moved(average: list[Tensor], new: Tensor, beta: float) -> None:
    """Move averages, or with beta=1 sums, on."""
    if beta < 1:
        torch._foreach_lerp_(average, list(new), 1 - beta)
    else:
        torch._foreach_add_(average, list(new))


def averaged(average: list[Tensor], new: Tensor, beta: float, ahead: bool) -> Tensor:
    """The averages moved on, and one more new value ahead if asked, as a stack."""
    moved(average, new, beta)
    found = torch.stack(average)
    return found.lerp(new, 1 - beta) if ahead else found


def norm(a: Tensor) -> Tensor:
    """The norm of each tensor of a stack, to be multiplied with it."""
    return a.flatten(1).norm(dim=1).view(-1, *[1] * (a.dim() - 1))


def share(root: Tensor, a: Tensor, eps: float) -> Tensor:
    r"""Of each pair :math:`\operatorname{tr}(P (A + \varepsilon I) P) / n`; or of diagonals."""
    if root.dim() == 2:
        return (root.square() * (a + eps)).mean(1)
    return ((root @ a + eps * root) * root).sum((1, 2)) / a.shape[1]

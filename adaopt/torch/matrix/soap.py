"""SOAP: torch edition."""

from __future__ import annotations

import math
from itertools import repeat

import torch
from torch import Tensor

from ...ranges import BELOW_ONE
from ..engine.hyper import Hyper
from .distributed import DistributedRule
from .rule import sides

Sides = tuple[list[Tensor] | None, list[Tensor] | None]  # of the rows, of the columns; None: none


class SOAP(DistributedRule):
    r"""Adam in the eigenbasis of Shampoo's matrices.

    .. math::
        G_k' &= Q_L^\top G_k Q_R, \qquad M_k' = \beta_1 M_{k-1}' + (1 - \beta_1)\, G_k', \qquad
        V_k = \beta_2 V_{k-1} + (1 - \beta_2)\, G_k'^2, \\
        X_{k+1} &= (1 - \alpha \lambda) \Bigl( X_k -
        \alpha \frac{\sqrt{1 - \beta_2^{k-1}}}{1 - \beta_1^{k-1}}
        Q_L \frac{M_k'}{\sqrt{V_k} + \varepsilon} Q_R^\top \Bigr), \\
        L_k &= \beta L_{k-1} + (1 - \beta)\, G_k G_k^\top, \qquad
        R_k = \beta R_{k-1} + (1 - \beta)\, G_k^\top G_k .

    The first step moves nothing: it finds :math:`Q_L, Q_R`, the singular vectors of :math:`G_1`.
    Every few steps later one step of power iteration follows L and R, and :math:`M'`, kept in the
    basis (the paper keeps M, and turns it in every step), is turned with it. A parameter of more
    dimensions is the matrix (first, all others). A vector is stepped as by Adam, and a dimension
    that is too large keeps its axes. State and matrices are float32 at least.

    Args:
        params: parameters, or parameter groups, as for any ``torch.optim.Optimizer``.
        lr: step size :math:`\alpha \ge 0`, a number or a tensor of one element (3e-3).
        betas: :math:`(\beta_1, \beta_2)`, each in [0, 1) (0.95, 0.95).
        shampoo_beta: :math:`\beta` in [0, 1); None: :math:`\beta_2` (None).
        eps: :math:`\varepsilon \ge 0` (1e-8).
        weight_decay: :math:`\lambda \ge 0`, after the step (1e-2).
        precondition_frequency: steps from one basis to the next (10).
        max_precondition_dim: a longer dimension keeps its axes (10000).
        distributed: see :class:`~adaopt.torch.matrix.distributed.DistributedRule` (False).
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: as every
            :class:`~adaopt.torch.matrix.distributed.DistributedRule`.

    Source: Vyas et al. (2025), algorithm 3 and the authors' program.
    """

    hyper = dict(
        lr=3e-3,
        betas=(0.95, 0.95),
        shampoo_beta=None,
        eps=1e-8,
        weight_decay=1e-2,
        precondition_frequency=10,
        max_precondition_dim=10000,
    )
    buffers = ("exp_avg", "exp_avg_sq", "left", "right", "left_basis", "right_basis")
    ranges = {
        "shampoo_beta": BELOW_ONE,
        "precondition_frequency": (1, math.inf),
        "max_precondition_dim": (0, math.inf),
    }

    def rule(
        self, x: list[Tensor], g: list[Tensor], h: Hyper, k: int, *buffers: list[Tensor] | None
    ) -> None:
        m, v, *matrices = buffers
        g, S, Q = [as_matrix(t, m[0].dtype) for t in g], matrices[:2], matrices[2:]
        if k > 1:
            turned = [t.view(x[0].shape) for t in into(Q, g)]
            torch._foreach_lerp_(m, turned, 1 - h.betas[0])
            torch._foreach_mul_(v, h.betas[1])
            torch._foreach_addcmul_(v, turned, turned, 1 - h.betas[1])
            d = torch._foreach_add(torch._foreach_sqrt(v), h.eps)
            d = back(Q, [as_matrix(t) for t in torch._foreach_div(m, d)])
            torch._foreach_add_(x, [t.view(x[0].shape) for t in d], alpha=-h.lr_k)
            torch._foreach_mul_(x, 1 - h.lr * h.weight_decay)
        observed(g, S, h.beta)
        if k == 1 or h.due:
            (first_basis if k == 1 else followed)(g, S, Q, m, v)

    def numbers(self, h: Hyper, k: int, memory: dict[str, float]) -> dict[str, float]:
        (beta1, beta2), t = h.betas, k - 1
        return dict(
            lr_k=h.lr * math.sqrt(1 - beta2**t) / (1 - beta1**t) if t else 0.0,
            beta=beta2 if h.shampoo_beta is None else h.shampoo_beta,
            due=t > 0 and t % h.precondition_frequency == 0,
        )

    def needs(self, h: Hyper, p: Tensor) -> tuple[str, ...]:
        return tuple(n for n in self.buffers if "exp" in n or self.length(n, h, p))

    def start(self, name: str, p: Tensor, h: Hyper) -> Tensor:
        shape = p.shape if "exp" in name else (self.length(name, h, p),) * 2
        return p.new_zeros(shape, dtype=torch.promote_types(p.dtype, torch.float32))

    def length(self, name: str, h: Hyper, p: Tensor) -> int:
        """Of the side that a buffer belongs to; 0 if it keeps its axes."""
        n = sides(p)["right" in name]
        return n if p.dim() > 1 and n <= h.max_precondition_dim else 0

    def treatment(self, h: Hyper, p: Tensor) -> str:
        m, n = (self.length(name, h, p) for name in ("left", "right"))
        if not m and not n:
            return "Adam"
        kept = [f"{side} keep their axes" for side, k in (("rows", m), ("columns", n)) if not k]
        return ", ".join(["a matrix {} x {}".format(*sides(p)), *kept])


def as_matrix(t: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """The matrix (first dimension, all others), in this dtype if one is given."""
    return t.to(dtype or t.dtype).reshape(len(t), -1)


def into(Q: Sides, matrices: list[Tensor]) -> list[Tensor]:
    """Q_L' A Q_R of every matrix A; without a basis the side stays."""
    left, right = ([None] * len(matrices) if q is None else q for q in Q)
    turned = [a if q is None else q.mT @ a for q, a in zip(left, matrices, strict=True)]
    return [a if q is None else a @ q for q, a in zip(right, turned, strict=True)]


def back(Q: Sides, matrices: list[Tensor]) -> list[Tensor]:
    """Q_L A Q_R'."""
    return into([q if q is None else [t.mT for t in q] for q in Q], matrices)


def observed(g: list[Tensor], S: Sides, beta: float) -> None:
    """Move on L and R."""
    for side, matrices in enumerate(S):
        for s, a in zip(matrices or (), g, strict=False):
            h = a.mT if side else a
            s.addmm_(h, h.mT, beta=beta, alpha=1 - beta)


def first_basis(g: list[Tensor], S: Sides, Q: Sides, m: list[Tensor], v: list[Tensor]) -> None:
    """The singular vectors of every G: of the short side by eigenvalues, of the long side by the
    QR decomposition of what G makes of them, whose completion does not depend on rounding."""
    left, right = (repeat(None) if q is None else q for q in Q)
    for a, q, r in zip(g, left, right, strict=False):
        if len(a) < a.shape[1]:
            a, q, r = a.mT, r, q
        short = torch.linalg.eigh(a.mT @ a).eigenvectors.flip(1)
        if r is not None:
            r.copy_(short)
        if q is not None:
            q.copy_(torch.linalg.qr(a @ short, mode="complete").Q)


def followed(g: list[Tensor], S: Sides, Q: Sides, m: list[Tensor], v: list[Tensor]) -> None:
    """One step of power iteration on each side; the moments follow."""
    for side, matrices in enumerate(S):
        for i, s in enumerate(matrices or ()):
            q = Q[side][i]
            product = s @ q
            order = (q * product).sum(0).argsort(descending=True)
            new = torch.linalg.qr(product[:, order]).Q
            turn, M, V = new.mT @ q, as_matrix(m[i]), as_matrix(v[i])
            M.copy_(M @ turn.mT if side else turn @ M)
            V.copy_(V.index_select(side, order))
            q.copy_(new)

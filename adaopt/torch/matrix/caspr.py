"""CASPR: torch edition."""

import math

import torch
from torch import Tensor

from ..engine.hyper import Hyper
from .factors import Factors, moved, second_moment, share, times
from .shampoo import Shampoo


class CASPR(Shampoo):
    r"""Shampoo with a sum over the dimensions, applied twice, in place of the product.

    For a matrix :math:`G`, with :math:`L_k, R_k` of :class:`Shampoo`,
    :math:`P = (L_k + \varepsilon I)^{-1/4}` and :math:`Q = (R_k + \varepsilon I)^{-1/4}`,

    .. math::
        X_{k+1} = X_k - \tfrac{\alpha}{4} (P^2 G + 2 P G Q + G Q^2).

    For any order p it is the mean of the p products, applied twice. With ``variant="algoperf"``,
    AlgoPerf's CASPR Adaptive, it is a product, and R gathers what the root of L has left:

    .. math::
        P = (L_k + \varepsilon I)^{-1/2}, \qquad
        R_k = \beta R_{k-1} + (1 - \beta)\, (P G_k)^\top P G_k / m, \qquad
        D_k = P\, G_k\, (R_k + \varepsilon I)^{-1/2},

    with the P of the last steps before; see :class:`adaopt.numpy.CASPR`.

    Args:
        variant: "paper" (default) or "algoperf".
        others: see :class:`Shampoo`; the exponent is 1/4 by default, or 1/2, whatever the order.

    Raises:
        ValueError, TypeError, RuntimeError: see :class:`Shampoo`.

    Source: Duvvuri et al. (2024); the submission CASPR Adaptive to AlgoPerf (MLCommons, 2024).
    """

    hyper = Shampoo.hyper | dict(variant="paper")
    buffers = (*Shampoo.buffers, "before")
    choices = Shampoo.choices | {"variant": ("paper", "algoperf")}

    def observed(
        self, G: Tensor, h: Hyper, S: Factors, P: Factors, before: Factors | None = None
    ) -> None:
        if not before:
            return super().observed(G, h, S, P)
        for axis, s in S.items():
            moved(s, second_moment(G, axis, s[0].dim() == 1), h.beta)
            G = times(torch.stack(P[axis]), G, axis) / math.sqrt(len(s[0]))
        if h.due:
            self.renewed(S, P, h)
            kept = torch.ones(len(G), dtype=G.dtype, device=G.device)
            for axis, s in S.items():
                scale = share(torch.stack(P[axis]), torch.stack(before[axis]), h.eps)
                torch._foreach_copy_(before[axis], s)
                torch._foreach_mul_(s, list(kept))
                kept = kept * scale

    def usual(self, h: Hyper, order: int) -> float:
        return 1 / 4 if h.variant == "paper" else 1 / 2

    def preconditioned(self, u: Tensor, P: Factors, h: Hyper) -> Tensor:
        if h.variant == "algoperf":
            return super().preconditioned(u, P, h)
        roots = [(axis, torch.stack(p)) for axis, p in P.items()]
        for _ in range(2):
            u = sum(times(root, u, axis) for axis, root in roots) / len(roots)
        return u

    def needs(self, h: Hyper, p: Tensor) -> tuple[str, ...]:
        wanted = super().needs(h, p)
        return (*wanted, "before") if h.variant == "algoperf" and "roots" in wanted else wanted

"""CASPR: the matrices of Shampoo, their sum in place of their product."""

import numpy as np

from adaopt.linalg import gram, times
from adaopt.numpy.rule import State
from adaopt.numpy.shampoo import Shampoo


class CASPR(Shampoo):
    r"""Shampoo with a sum over the dimensions, applied twice, in place of the product.

    For a matrix :math:`G`, with :math:`L_k, R_k` of :class:`Shampoo`,
    :math:`P = (L_k + \varepsilon I)^{-1/4}` and :math:`Q = (R_k + \varepsilon I)^{-1/4}`,

    .. math::

        X_{k+1} = X_k - \tfrac{\alpha}{4} (P (P G + G Q) + (P G + G Q)\, Q)
        = X_k - \tfrac{\alpha}{4} (P^2 G + 2 P G Q + G Q^2).

    For any order p it is the mean of the p products, applied twice: of order 1, Shampoo's step.

    With ``variant="algoperf"`` it is the method submitted to AlgoPerf as CASPR Adaptive, a product
    again: R gathers what the root of L has left of the gradient,

    .. math::

        P = (L_k + \varepsilon I)^{-1/2}, \qquad
        R_k = \beta R_{k-1} + (1 - \beta)\, (P G_k)^\top P G_k / m, \qquad
        D_k = P\, G_k\, (R_k + \varepsilon I)^{-1/2},

    where P is that of the step before and m the number of rows. Whenever P is new, R is multiplied
    by :math:`\operatorname{tr}(P (L' + \varepsilon I) P) / m`, with the :math:`L'` of the P before.

    Args:
        variant: "paper" (default) or "algoperf".
        others: see :class:`Shampoo`; the exponent is 1/4 by default, or 1/2, whatever the order.

    Source: Duvvuri et al. (2024); the variant is the submission CASPR Adaptive to AlgoPerf
    (MLCommons, 2024), which takes blocks of 1,024, ``grafting="nadam"``, new roots every 20 steps
    and none before step 101, and an :math:`\varepsilon` relative to the largest eigenvalue.
    """

    variant: str = "paper"

    choices = Shampoo.choices | {"variant": ("paper", "algoperf")}

    def moments(self, g: np.ndarray, s: State) -> list[np.ndarray]:
        if self.variant == "paper":
            return super().moments(g, s)
        left, found = g, []
        for i, P in enumerate(s.P):
            found.append(gram(left, i))
            left = times(left, (i, P)) / np.sqrt(len(P))
        return found

    def roots(self, s: State, k: int, order: int) -> list[np.ndarray]:
        if self.variant == "paper":
            return super().roots(s, k, 2)
        P = super().roots(s, k, 1)
        pairs = zip(P, s.before, strict=True)
        kept = [np.trace(p @ b @ p + self.eps * p @ p) / max(1, len(p)) for p, b in pairs]
        s.before, s.S = s.S, [np.prod(kept[:i]) * S for i, S in enumerate(s.S)]
        return P

    def preconditioned(self, u: np.ndarray, P: list[np.ndarray]) -> np.ndarray:
        if self.variant == "algoperf":
            return super().preconditioned(u, P)
        for _ in range(2):
            u = sum(times(u, factor) for factor in enumerate(P)) / len(P)
        return u

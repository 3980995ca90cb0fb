"""Muon: of the momentum of a matrix only the direction."""

import math

import numpy as np

from adaopt.linalg import QUINTIC, as_matrix, express, odd_polynomials, polar_svd
from adaopt.numpy.adafactor import mean
from adaopt.numpy.rule import Rule, State
from adaopt.ranges import BELOW_ONE


class Muon(Rule):
    r"""Momentum, and of it only the direction: the polar factor in place of the matrix.

    .. math::

        M_k &= \mu M_{k-1} + (1 - \mu) G_k, \qquad
        N_k = \mu M_k + (1 - \mu) G_k \text{ (Nesterov) or } M_k, \\
        O_k &\approx U V^\top \text{ where } N_k = U \Sigma V^\top, \qquad
        X_{k+1} = X_k - \alpha\, (c\, O_k + \lambda X_k) .

    An array of more dimensions is the matrix (first, all others), a vector one column, whose factor
    is :math:`g / \|g\|`. It is ``torch.optim.Muon``, with more ways to the polar factor.

    Args:
        lr: step size :math:`\alpha \ge 0`, default 1e-3.
        weight_decay: :math:`\lambda \ge 0`, default 0.1.
        momentum: :math:`\mu \ge 0`, default 0.95.
        nesterov: look ahead by one gradient, default True.
        ns_coefficients: (a, b, c) of ``polar="quintic"``, default (3.4445, -4.7750, 2.0315).
        eps: the least norm that N is divided by before the iteration, default 1e-7.
        ns_steps: steps of the iteration, default 5.
        adjust_lr_fn: c for a matrix (m, n): None or "original" :math:`\sqrt{\max(1, m/n)}`,
            "match_rms_adamw" :math:`0.2 \sqrt{\max(m, n)}`, "unit_rms" :math:`\sqrt{\max(m, n)}`.
        polar: "quintic" near the factor (default), "polar_express" nearer, "svd" the factor.
        row_beta: default None; or :math:`\beta` in [0, 1) of NorMuon's second moment of the rows
            (of a wide matrix the columns), by which they are made even, the norm staying.
        cautious: decay only the entries that the step moves toward zero, default False.
        maximize: ascend instead of descend.

    Source: Jordan et al. (2024); Amsel et al. (2026); Li et al. (2025); Liu et al. (2025).
    """

    lr: float = 1e-3
    weight_decay: float = 0.1
    momentum: float = 0.95
    nesterov: bool = True
    ns_coefficients: tuple[float, float, float] = QUINTIC
    eps: float = 1e-7
    ns_steps: int = 5
    adjust_lr_fn: str | None = None
    polar: str = "quintic"
    row_beta: float | None = None
    cautious: bool = False

    choices = {
        "adjust_lr_fn": (None, "original", "match_rms_adamw", "unit_rms"),
        "polar": ("quintic", "polar_express", "svd"),
    }
    ranges = {"ns_steps": (0, 99), "row_beta": BELOW_ONE}
    elementwise = False

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        alpha, mu, lam = self.lr, self.momentum, self.weight_decay
        s.m = mu * s.m + (1 - mu) * g
        n = mu * s.m + (1 - mu) * g if self.nesterov else s.m
        o = self.polar_factor(as_matrix(n))
        if self.row_beta is not None:
            o = self.evened(o, s)
        step = self.factor(*o.shape) * o.reshape(x.shape)
        decayed = x * (step * x >= 0) if self.cautious else x
        return x - alpha * (step + lam * decayed)

    def polar_factor(self, n: np.ndarray) -> np.ndarray:
        """U V' of the matrix, or what the iteration makes of it."""
        if self.polar == "svd":
            return polar_svd(n)
        quintics = [self.ns_coefficients] * self.ns_steps
        if self.polar == "polar_express":
            quintics = express(self.ns_steps)
        return odd_polynomials(n, quintics, self.eps)

    def evened(self, o: np.ndarray, s: State) -> np.ndarray:
        """Rows divided by the root of their second moment; the norm of the matrix stays."""
        row = 1 if o.shape[0] >= o.shape[1] else 0
        s.v = self.row_beta * s.v + (1 - self.row_beta) * mean(o**2, row)
        p = o / np.sqrt(np.maximum(s.v, 1e-10))
        return p * (np.linalg.norm(o) / max(np.linalg.norm(p), 1e-10))

    def factor(self, m: int, n: int) -> float:
        """What the step size of a matrix (m, n) is multiplied by."""
        if self.adjust_lr_fn in (None, "original"):
            return math.sqrt(max(1, m / max(1, n)))
        return math.sqrt(max(m, n)) * (0.2 if self.adjust_lr_fn == "match_rms_adamw" else 1)

    def start(self, x: np.ndarray) -> State:
        m, n = as_matrix(x).shape
        return State(m=np.zeros_like(x), v=np.zeros((m, 1) if m >= n else (1, n), x.dtype))

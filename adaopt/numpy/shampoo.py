"""Shampoo: one small matrix for each dimension of a parameter, in place of one huge one."""

import math
from functools import reduce

import numpy as np
from numpy.linalg import norm

from adaopt.linalg import gram, inverse_root_eigh, times
from adaopt.numpy.rule import Rule, State
from adaopt.ranges import BELOW_ONE, FRACTION, NON_NEGATIVE, POSITIVE


class Shampoo(Rule):
    r"""The gradient, divided along every dimension by a root of its second moment there.

    .. math::

        L_k &= \beta L_{k-1} + (1 - \beta)\, G_k G_k^\top, \qquad
        R_k = \beta R_{k-1} + (1 - \beta)\, G_k^\top G_k, \\
        X_{k+1} &= X_k - \alpha\, (L_k + \varepsilon I)^{-1/4}\, G_k\, (R_k + \varepsilon I)^{-1/4}.

    An array of order p has p matrices and the exponent :math:`-1 / (2p)`. Beyond the defaults the
    roots act on an average, and *grafting* takes the length from another method's step :math:`a_k`:

    .. math::

        m_k &= \beta_1 m_{k-1} + (1 - \beta_1)\, g_k, \qquad
        u_k = \frac{m_k}{1 - \beta_1^k} \text{ or }
        \frac{\beta_1 m_k + (1 - \beta_1)\, g_k}{1 - \beta_1^k} \text{ (NAdam)}, \\
        d_k &= u_k \times_1 P_1 \cdots \times_p P_p \cdot \|a_k\| / \|d_k\|, \\
        b_k &= \mu b_{k-1} + (1 - \mu)\, d_k, \qquad
        x_{k+1} = x_k - \alpha\, (b_k + \lambda x_k).

    Args:
        lr: :math:`\alpha \ge 0`, default 1e-2.
        beta: of the matrices, in [0, 1], default 0.95; 1: sums, from :math:`\varepsilon I`.
        eps: :math:`\varepsilon \ge 0`, default 1e-6; 0: roots of the pseudo-inverse.
        exponent: of every root, without its sign, default None: :math:`1 / (2p)`.
        betas: :math:`\beta_1`, and that of the grafted method's squares, default (0, 0.999).
        momentum: :math:`\mu` in [0, 1), default 0.
        nesterov: take :math:`\mu b_k + (1 - \mu) d_k` for :math:`b_k`, default False.
        weight_decay: :math:`\lambda \ge 0`, default 0.
        grafting: None (default), "sgd" (:math:`a_k = u_k`), "adagrad", "rmsprop", "adam", "nadam".
        graft_eps: eps of that method, default 1e-8.
        bias_correction: divide the matrices by :math:`1 - \beta^k`, default False.
        precondition_frequency: steps from one root of a matrix to the next, default 1.
        start_step: the first step with roots, default 1; before it :math:`d_k = a_k`.
        maximize: ascend instead of descend.

    Source: Gupta, Koren and Singer (2018); Anil et al. (2020); Shi et al. (2023).
    """

    lr: float = 1e-2
    beta: float = 0.95
    eps: float = 1e-6
    exponent: float | None = None
    betas: tuple[float, float] = (0.0, 0.999)
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    grafting: str | None = None
    graft_eps: float = 1e-8
    bias_correction: bool = False
    precondition_frequency: int = 1
    start_step: int = 1

    choices = {"grafting": (None, "sgd", "adagrad", "rmsprop", "adam", "nadam")}
    ranges = {
        **{"beta": FRACTION, "exponent": POSITIVE, "momentum": BELOW_ONE},
        "graft_eps": NON_NEGATIVE,
        **dict.fromkeys(("precondition_frequency", "start_step"), (1, math.inf)),
    }
    elementwise = False

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        beta, mu, age = self.beta, self.momentum, k - self.start_step
        s.S = [beta * S + (1 - beta or 1) * M for S, M in zip(s.S, self.moments(g, s), strict=True)]
        if age >= 0 and age % self.precondition_frequency == 0:
            s.P = self.roots(s, k, len(s.S))
        u, a = self.grafted(g, s, k)
        d = self.preconditioned(u, s.P) if age >= 0 else a
        if self.grafting:
            d = d * (norm(a) / max(norm(d), np.finfo(d.dtype).tiny))
        s.b = mu * s.b + (1 - mu) * d
        d = mu * s.b + (1 - mu) * d if self.nesterov else s.b
        return (1 - self.lr * self.weight_decay) * x - self.lr * d

    def moments(self, g: np.ndarray, s: State) -> list[np.ndarray]:
        """The second moment of the gradient along each dimension."""
        return [gram(g, i) for i in range(len(s.S))]

    def roots(self, s: State, k: int, order: int) -> list[np.ndarray]:
        """The inverse root of each matrix."""
        total = 1 - self.beta**k if self.bias_correction and self.beta < 1 else 1.0
        power = 1 / self.exponent if self.exponent else 2 * order
        kind = "eps" if self.eps else "pinv"
        return [inverse_root_eigh(S / total, power, self.eps, False, kind) for S in s.S]

    def preconditioned(self, u: np.ndarray, P: list[np.ndarray]) -> np.ndarray:
        """Every dimension multiplied by its root."""
        return reduce(times, enumerate(P), u)

    def grafted(self, g: np.ndarray, s: State, k: int) -> tuple[np.ndarray, np.ndarray]:
        """What the roots act on, and the step whose length is taken."""
        (beta1, beta2), graft = self.betas, self.grafting
        s.m = beta1 * s.m + (1 - beta1) * g
        u = beta1 * s.m + (1 - beta1) * g if graft == "nadam" else s.m
        u = u / (1 - beta1**k)
        if graft in (None, "sgd"):
            return u, u
        beta2 = 1.0 if graft == "adagrad" else beta2
        s.v = beta2 * s.v + (1 - beta2 or 1) * g**2
        v_hat = s.v / (1 - beta2**k) if graft in ("adam", "nadam") else s.v
        return u, u / (np.sqrt(v_hat) + self.graft_eps)

    def start(self, x: np.ndarray) -> State:
        sizes, zero = x.shape or (1,), np.zeros_like(x)
        S, P = [np.zeros((n, n)) for n in sizes], [np.eye(n) for n in sizes]
        return State(m=zero, v=zero, b=zero, S=S, P=P, before=S)

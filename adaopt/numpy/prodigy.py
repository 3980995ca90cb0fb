"""Prodigy: Adam that estimates its own step size."""

import math

import numpy as np

from adaopt.numpy.rule import Rule, State
from adaopt.ranges import BELOW_ONE, POSITIVE


class Prodigy(Rule):
    r"""Adam whose step size d estimates the distance from the start to the solution.

    .. math::

        r_k &= \beta_3 r_{k-1} + \frac{d_k}{d_0} \gamma_k \langle g_k, x_0 - x_k \rangle, \qquad
        s_k = \beta_3 s_{k-1} + \frac{d_k}{d_0} \gamma_k g_k, \qquad
        \hat d_{k+1} = c\, r_k / \lVert s_k \rVert_1, \\
        m_k &= \beta_1 m_{k-1} + (1 - \beta_1) d_k g_k, \qquad
        v_k = \beta_2 v_{k-1} + (1 - \beta_2) d_k^2 g_k^2, \\
        x_{k+1} &= x_k - \gamma_k \left( m_k / (\sqrt{v_k} + d_{k+1} \varepsilon) +
        \lambda x_k \right), \qquad \gamma_k = d_k \alpha,

    with :math:`d_{k+1} = \max(d_k, \hat d_{k+1})`. The inner product and the norm go over all
    arrays together.

    Args:
        lr: factor :math:`\alpha \ge 0` of the estimated step, default 1. A step at 0 leaves all as
            it is, the state included.
        betas: :math:`\beta_1, \beta_2` in [0, 1), default (0.9, 0.999).
        beta3: decay of r and s in [0, 1); None is the root of :math:`\beta_2`, default None.
        eps: :math:`\varepsilon \ge 0`, default 1e-8.
        weight_decay: :math:`\lambda \ge 0`, default 0.
        decouple: False adds :math:`\lambda x` to the gradient instead, default True.
        use_bias_correction: multiply :math:`\gamma` by :math:`\sqrt{1 - \beta_2^k} /
            (1 - \beta_1^k)`, default False.
        safeguard_warmup: :math:`d_k` in place of :math:`\gamma_k` in s, default False.
        d0: first estimate :math:`d_0 > 0`, default 1e-6.
        d_coef: factor :math:`c > 0` of the estimate, default 1.
        growth_rate: d grows at most by this factor in a step, except in the first ones while
            :math:`d = d_0`; at least 1, default infinity.
        maximize: ascend instead of descend.

    Source: Mishchenko and Defazio, Prodigy (2024), with the options of its authors' package.
    """

    lr: float = 1.0
    betas: tuple = (0.9, 0.999)
    beta3: float | None = None
    eps: float = 1e-8
    weight_decay: float = 0.0
    decouple: bool = True
    use_bias_correction: bool = False
    safeguard_warmup: bool = False
    d0: float = 1e-6
    d_coef: float = 1.0
    growth_rate: float = math.inf
    memory = "m", "v", "s"
    ranges = {"beta3": BELOW_ONE, "d0": POSITIVE, "d_coef": POSITIVE, "growth_rate": (1, math.inf)}

    def start(self, x: np.ndarray) -> State:
        return State(x0=x.copy(), **{name: np.zeros_like(x) for name in self.memory})

    def share(self) -> State:
        return State(d=self.d0, d_next=self.d0, d_max=self.d0, r=0.0)

    def measure(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> tuple[float, float]:
        if self.lr == 0:
            return 0.0, 0.0
        beta3, d, g = self.decay3(), self.shared.d_next, self.coupled(g, x)
        gamma = d * self.lr * self.correction(k)
        s.s = beta3 * s.s + d / self.d0 * (d if self.safeguard_warmup else gamma) * g
        r = d / self.d0 * gamma * np.sum(g * (s.x0 - x), dtype=float)
        return r, np.abs(s.s).sum(dtype=float)

    def advance(self, shared: State, totals: np.ndarray) -> None:
        d = shared.d = shared.d_next
        inner, norm = map(float, totals)
        if norm == 0:  # no gradient so far, nothing learnt
            return
        shared.r = self.decay3() * shared.r + inner
        d_hat = self.d_coef * shared.r / norm
        shared.d_max = max(shared.d_max, d_hat)
        shared.d_next = min(shared.d_max, (max(d, d_hat) if d == self.d0 else d) * self.growth_rate)

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        if self.lr == 0:
            return x
        beta1, beta2 = self.betas
        d, d_next, g = self.shared.d, self.shared.d_next, self.coupled(g, x)
        s.m = beta1 * s.m + (1 - beta1) * d * g
        s.v = beta2 * s.v + (1 - beta2) * d**2 * g**2
        lam = self.weight_decay if self.decouple else 0.0
        gamma = d * self.lr * self.correction(k)
        return x - gamma * (s.m / (np.sqrt(s.v) + d_next * self.eps) + lam * x)

    def coupled(self, g: np.ndarray, x: np.ndarray) -> np.ndarray:
        """The gradient, with the weight decay in it if it is not decoupled."""
        return g if self.decouple else g + self.weight_decay * x

    def decay3(self) -> float:
        return math.sqrt(self.betas[1]) if self.beta3 is None else self.beta3

    def correction(self, k: int) -> float:
        """Adam's bias corrections of m and v in one factor, if they are wanted."""
        beta1, beta2 = self.betas
        return math.sqrt(1 - beta2**k) / (1 - beta1**k) if self.use_bias_correction else 1.0

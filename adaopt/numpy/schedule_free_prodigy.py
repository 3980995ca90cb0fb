"""Schedule-Free Prodigy: neither a schedule nor a step size to choose."""

import math

import numpy as np

from adaopt.numpy.rule import State
from adaopt.numpy.schedule_free import ScheduleFree
from adaopt.ranges import POSITIVE


class ScheduleFreeProdigy(ScheduleFree):
    r"""Schedule-Free averaging of steps whose size d is Prodigy's estimate.

    .. math::

        r_k &= \sqrt{\beta_2}\, r_{k-1} + d_k^2 \alpha \langle g_k, z_1 - z_k \rangle, \qquad
        s_k = \sqrt{\beta_2}\, s_{k-1} + d_k^2 \alpha\, g_k, \\
        v_k &= \beta_2 v_{k-1} + (1 - \beta_2) d_k^2 g_k^2, \qquad
        d_{k+1} = \max(d_k, c\, r_k / \lVert s_k \rVert_1), \\
        z_{k+1} &= z_k - d_k \alpha \left( d_{k+1} g_k / (\sqrt{v_k} + d_{k+1} \varepsilon) +
        \lambda x_k \right), \qquad
        x_{k+1} = (1 - c_k) x_k + c_k z_{k+1},

    with :math:`g_k = \nabla f(y_k)` at :math:`y_k = (1 - \beta_1) z_k + \beta_1 x_k`, the
    ``point(x)``, and :math:`c_k = k^r / \sum_{i \le k} i^r`. The inner product and the norm go over
    all arrays together; there is no momentum and no bias correction.

    Args:
        lr: factor :math:`\alpha \ge 0` of the estimated step, default 1.
        betas: :math:`\beta_1` in [0, 1], :math:`\beta_2` in [0, 1), default (0.9, 0.9955).
        eps: :math:`\varepsilon \ge 0`, default 1e-8.
        weight_decay: :math:`\lambda \ge 0`, of x, default 0.
        r: power :math:`r \ge 0` of the step number in the weights, default 0.75.
        d0: first estimate :math:`d_0 > 0`, default 1e-6.
        d_coef: factor :math:`c > 0` of the estimate, default 1.
        maximize: ascend instead of descend.

    Source: the submission to AlgoPerf v0.5 by the authors of Prodigy (Mishchenko and Defazio, 2024)
    and Schedule-Free (Defazio et al., 2024).
    """

    lr: float = 1.0
    betas: tuple = (0.9, 0.9955)
    eps: float = 1e-8
    weight_decay: float = 0.0
    r: float = 0.75
    d0: float = 1e-6
    d_coef: float = 1.0
    memory = "v", "s"
    ranges = {**ScheduleFree.ranges, "d0": POSITIVE, "d_coef": POSITIVE}
    warmup_steps = 0
    weight_lr_power = 0.0

    def start(self, x: np.ndarray) -> State:
        return State(z1=x.copy(), **vars(super().start(x)))

    def share(self) -> State:
        return State(d=self.d0, d_next=self.d0, r=0.0)

    def measure(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> tuple[float, float]:
        weight = self.shared.d_next**2 * self.lr
        s.s = math.sqrt(self.betas[1]) * s.s + weight * g
        return weight * np.sum(g * (s.z1 - s.z), dtype=float), np.abs(s.s).sum(dtype=float)

    def advance(self, shared: State, totals: np.ndarray) -> None:
        inner, norm = map(float, totals)
        shared.d, shared.r = shared.d_next, math.sqrt(self.betas[1]) * shared.r + inner
        shared.d_next = max(shared.d, self.d_coef * shared.r / norm if norm else 0.0)

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        beta2, d, d_next = self.betas[1], self.shared.d, self.shared.d_next
        s.v = beta2 * s.v + (1 - beta2) * d**2 * g**2
        step = d_next * g / (np.sqrt(s.v) + d_next * self.eps)
        s.z = s.z - d * self.lr * (step + self.weight_decay * x)
        return self.mean(x, s, k)

"""Schedule-Free AdamW: an average in place of a schedule."""

import numpy as np

from adaopt.numpy.rule import State
from adaopt.numpy.schedule_free import ScheduleFree


class ScheduleFreeAdamW(ScheduleFree):
    r"""Schedule-Free AdamW: Schedule-Free SGD with Adam's scaling and no momentum.

    .. math::

        v_k &= \beta_2 v_{k-1} + (1 - \beta_2) g_k^2, \qquad \hat v_k = v_k / (1 - \beta_2^k), \\
        z_{k+1} &= z_k - \gamma_k \left( g_k / (\sqrt{\hat v_k} + \varepsilon) + \lambda y_k \right)

    with :math:`g_k = \nabla f(y_k)` at :math:`y_k = (1 - \beta_1) z_k + \beta_1 x_k`; the
    weights of the mean x and the other arguments are those of Schedule-Free SGD.

    Args:
        lr: step size :math:`\alpha \ge 0`, default 0.0025.
        betas: :math:`\beta_1` in [0, 1] and :math:`\beta_2` in [0, 1), default (0.9, 0.999).
        eps: :math:`\varepsilon \ge 0`, default 1e-8.
        weight_decay, warmup_steps, r, weight_lr_power, maximize: see above.

    Source: Defazio et al. (2024), with the bias correction of their package, which the paper's form
    has not.
    """

    lr: float = 0.0025
    betas: tuple = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    warmup_steps: int = 0
    r: float = 0.0
    weight_lr_power: float = 2.0
    memory = ("v",)

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        y, beta2 = self.at(x, s), self.betas[1]
        s.v = beta2 * s.v + (1 - beta2) * g**2
        v_hat = s.v / (1 - beta2**k)
        s.z = s.z - self.rate(k) * (g / (np.sqrt(v_hat) + self.eps) + self.weight_decay * y)
        return self.mean(x, s, k)

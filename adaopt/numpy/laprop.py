"""LaProp: the gradient is divided first and averaged afterwards."""

import numpy as np

from adaopt.numpy.rule import Rule, State


class LaProp(Rule):
    r"""Adam with its two halves in the other order: momentum of the divided gradients.

    .. math::

        v_k &= \beta_2 v_{k-1} + (1 - \beta_2)\, g_k^2, & \hat v_k &= v_k / (1 - \beta_2^k), \\
        m_k &= \beta_1 m_{k-1} + (1 - \beta_1)\, \frac{g_k}{\sqrt{\hat v_k} + \varepsilon}, &
        \hat m_k &= m_k / (1 - \beta_1^k), \\
        x_{k+1} &= x_k - \alpha \left( \hat m_k + \lambda x_k \right).

    A gradient is divided by what was known when it came, so that the step stays bounded whatever
    the two :math:`\beta`; at :math:`\beta_2 = 0` it is an average of signs.

    Args:
        lr: step size :math:`\alpha \ge 0`, default 4e-4.
        betas: :math:`(\beta_1, \beta_2)`, the paper's :math:`(\mu, \nu)`, each in [0, 1), default
            (0.9, 0.999).
        eps: :math:`\varepsilon \ge 0`, default 1e-15.
        weight_decay: :math:`\lambda \ge 0`, as in AdamW, default 0.
        maximize: ascend instead of descend.

    Source: Ziyin, Wang and Ueda (2020).
    """

    lr: float = 4e-4
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-15
    weight_decay: float = 0.0

    memory = ("m", "v")

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        beta1, beta2 = self.betas
        s.v = beta2 * s.v + (1 - beta2) * g**2
        v_hat = s.v / (1 - beta2**k)
        s.m = beta1 * s.m + (1 - beta1) * g / (np.sqrt(v_hat) + self.eps)
        m_hat = s.m / (1 - beta1**k)
        return x - self.lr * (m_hat + self.weight_decay * x)

"""Methods that keep only the sign: signSGD, Signum, Lion."""

import numpy as np

from adaopt.numpy.rule import Rule, State
from adaopt.ranges import BELOW_ONE


class SignSGD(Rule):
    r"""Every coordinate moves by the same amount, in the direction of its gradient's sign.

    .. math:: x_{k+1} = x_k - \alpha\, (\operatorname{sign} g_k + \lambda x_k),
        \qquad \operatorname{sign} 0 = 0.

    Args:
        lr: step size :math:`\alpha \ge 0`, default 1e-3.
        weight_decay: :math:`\lambda \ge 0`, decoupled, default 0.
        maximize: ascend instead of descend.

    Source: Bernstein et al., signSGD (2018); the decay as in Bernstein et al. (2019).
    """

    lr: float = 1e-3
    weight_decay: float = 0.0

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        return x - self.lr * (np.sign(g) + self.weight_decay * x)


class Signum(Rule):
    r"""signSGD with momentum: the sign of a moving average of the gradients.

    .. math::

        m_{k+1} &= \mu m_k + (1 - \mu)\, g_k, \qquad m_0 = 0, \\
        x_{k+1} &= x_k - \alpha\, (\operatorname{sign} m_{k+1} + \lambda x_k).

    Args:
        lr: step size :math:`\alpha \ge 0`, default 1e-3.
        momentum: :math:`\mu \in [0, 1)`, default 0.9; 0 is :class:`SignSGD`.
        weight_decay: :math:`\lambda \ge 0`, decoupled, default 0.
        maximize: ascend instead of descend.

    Source: Bernstein et al., signSGD (2018); the decay as in Bernstein et al. (2019).
    """

    lr: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 0.0

    memory = ("m",)
    ranges = {"momentum": BELOW_ONE}

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        mu = self.momentum
        s.m = mu * s.m + (1 - mu) * g
        return x - self.lr * (np.sign(s.m) + self.weight_decay * x)


class Lion(Rule):
    r"""The sign of one average of the gradients is the step, another one is remembered.

    .. math::

        c_k &= \beta_1 m_k + (1 - \beta_1)\, g_k, \qquad m_0 = 0, \\
        x_{k+1} &= x_k - \alpha\, (\operatorname{sign} c_k + \lambda x_k), \\
        m_{k+1} &= \beta_2 m_k + (1 - \beta_2)\, g_k.

    With :math:`\beta_1 = \beta_2` it is :class:`Signum`.

    Args:
        lr: step size :math:`\alpha \ge 0`, default 1e-4; 3 to 10 times smaller than AdamW's.
        betas: :math:`(\beta_1, \beta_2)` in [0, 1), default (0.9, 0.99).
        weight_decay: :math:`\lambda \ge 0`, decoupled, default 0.
        maximize: ascend instead of descend.

    Source: Chen et al., Symbolic discovery of optimization algorithms (2023).
    """

    lr: float = 1e-4
    betas: tuple = (0.9, 0.99)
    weight_decay: float = 0.0

    memory = ("m",)

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        beta1, beta2 = self.betas
        c = beta1 * s.m + (1 - beta1) * g
        s.m = beta2 * s.m + (1 - beta2) * g
        return x - self.lr * (np.sign(c) + self.weight_decay * x)

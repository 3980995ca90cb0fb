"""Gradient descent and stochastic gradient descent, with momentum."""

import numpy as np

from adaopt.numpy.rule import Rule, State


class SGD(Rule):
    r"""Stochastic gradient descent with momentum, dampening, Nesterov's look-ahead, weight decay.

    .. math::

        g &\leftarrow g_k + \lambda x_k, \qquad v_{k+1} = \mu v_k + (1 - \tau)\, g
        \quad (v_1 = g), \\
        x_{k+1} &= x_k - \alpha v_{k+1}
        \quad\text{or, with Nesterov,}\quad x_k - \alpha (g + \mu v_{k+1}).

    It is ``torch.optim.SGD``: the first velocity is the gradient itself, not damped. Fed the full
    gradient it is gradient descent (the alias ``GD``).

    Args:
        lr: step size :math:`\alpha \ge 0`, default 1e-3.
        momentum: :math:`\mu \ge 0`, default 0 (then there is no velocity, nor dampening).
        dampening: :math:`\tau`, default 0.
        weight_decay: :math:`\lambda \ge 0`, default 0.
        nesterov: look ahead along the velocity; needs ``momentum > 0`` and ``dampening = 0``.
        maximize: ascend instead of descend.

    Source: Robbins and Monro (1951); Polyak (1964); Nesterov (1983) in the form of Sutskever
    et al. (2013).
    """

    lr: float = 1e-3
    momentum: float = 0.0
    dampening: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        alpha, mu, tau, lam = self.lr, self.momentum, self.dampening, self.weight_decay
        g = g + lam * x
        if mu == 0:
            return x - alpha * g
        s.v = g if s.v is None else mu * s.v + (1 - tau) * g
        return x - alpha * (g + mu * s.v if self.nesterov else s.v)

    def start(self, x: np.ndarray) -> State:
        return State(v=None)

    def check(self) -> None:
        if self.nesterov and (self.momentum <= 0 or self.dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")


GD = SGD

"""Adadelta: RMSProp whose step size is the root mean square of its own steps."""

import numpy as np

from adaopt.numpy.rule import Rule, State


class Adadelta(Rule):
    r"""No step size to tune: the steps so far say how long the next one is.

    .. math::

        v_k &= \rho v_{k-1} + (1 - \rho) g^2, \qquad
        u_k = \frac{\sqrt{D_{k-1} + \varepsilon}}{\sqrt{v_k + \varepsilon}}\, g, \\
        D_k &= \rho D_{k-1} + (1 - \rho) u_k^2, \qquad
        x_{k+1} = x_k - \alpha u_k, \qquad g = \nabla f(x_k) + \lambda x_k .

    It is ``torch.optim.Adadelta``; the paper has :math:`\alpha = 1`.

    Args:
        lr: factor :math:`\alpha \ge 0`, default 1.
        rho: :math:`\rho` in [0, 1], default 0.9.
        eps: :math:`\varepsilon \ge 0`, default 1e-6; it also starts the first steps.
        weight_decay: :math:`\lambda \ge 0`, default 0.
        maximize: ascend instead of descend.

    Source: Zeiler (2012).
    """

    lr: float = 1.0
    rho: float = 0.9
    eps: float = 1e-6
    weight_decay: float = 0.0

    memory = ("v", "D")

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        rho, eps = self.rho, self.eps
        g = g + self.weight_decay * x
        s.v = rho * s.v + (1 - rho) * g**2
        u = np.sqrt(s.D + eps) / np.sqrt(s.v + eps) * g
        s.D = rho * s.D + (1 - rho) * u**2
        return x - self.lr * u

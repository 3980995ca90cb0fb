"""RMSProp: AdaGrad that forgets, by a moving average of the squared gradients."""

import numpy as np

from adaopt.numpy.rule import Rule, State


class RMSprop(Rule):
    r"""Divide the gradient by a running root mean square of itself.

    .. math::

        v_k = \beta v_{k-1} + (1 - \beta) g^2, \qquad
        x_{k+1} = x_k - \alpha \frac{g}{\sqrt{v_k + \varepsilon}},
        \qquad g = \nabla f(x_k) + \lambda x_k .

    Centered, the running variance :math:`v_k - m_k^2` stands for :math:`v_k`, where
    :math:`m_k = \beta m_{k-1} + (1 - \beta) g`. With momentum, :math:`u_k = \mu u_{k-1} +
    g / \sqrt{v_k + \varepsilon}` is the direction. With ``eps_inside=False`` the denominator is
    :math:`\sqrt{v_k} + \varepsilon`, as in ``torch.optim.RMSprop``, and the result is torch's.

    Args:
        lr: step size :math:`\alpha \ge 0`, default 1e-2.
        alpha: :math:`\beta \ge 0`, under torch's name, default 0.99 (the lecture says 0.9).
        eps: :math:`\varepsilon \ge 0`, default 1e-6.
        weight_decay: :math:`\lambda \ge 0`, default 0.
        momentum: :math:`\mu \ge 0`, default 0.
        centered: False; True divides by the standard deviation.
        eps_inside: True, epsilon under the root; False, beside it.
        maximize: ascend instead of descend.

    Source: Tieleman and Hinton (2012); centered, with momentum: Graves (2013).
    """

    lr: float = 1e-2
    alpha: float = 0.99
    eps: float = 1e-6
    weight_decay: float = 0.0
    momentum: float = 0.0
    centered: bool = False
    eps_inside: bool = True

    memory = ("m", "v", "u")

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        beta, eps, inside = self.alpha, self.eps, self.eps_inside
        g = g + self.weight_decay * x
        s.v = v = beta * s.v + (1 - beta) * g**2
        if self.centered:
            s.m = beta * s.m + (1 - beta) * g
            v = np.maximum(s.v - s.m**2, 0)
        u = g / (np.sqrt(v + eps) if inside else np.sqrt(v) + eps)
        if self.momentum:
            s.u = u = self.momentum * s.u + u
        return x - self.lr * u

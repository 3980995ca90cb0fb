"""AdaGrad: each coordinate has its own step size, which shrinks with its gradients."""

import numpy as np

from adaopt.numpy.rule import Rule, State


class Adagrad(Rule):
    r"""Adaptive gradient method: divide by the root of the sum of squares.

    .. math::

        v_k = v_{k-1} + g^2, \qquad
        x_{k+1} = x_k - \frac{\alpha}{1 + (k - 1) \eta}\, \frac{g}{\sqrt{v_k + \varepsilon}},
        \qquad g = \nabla f(x_k) + \lambda x_k, \quad v_0 = \tau .

    With ``eps_inside=False`` the denominator is :math:`\sqrt{v_k} + \varepsilon`, as in the paper
    and in ``torch.optim.Adagrad`` (there ``eps=1e-10``), and the result is torch's.

    Args:
        lr: step size :math:`\alpha \ge 0`, default 1e-2.
        lr_decay: :math:`\eta \ge 0`, a further decay of the step size, default 0.
        weight_decay: :math:`\lambda \ge 0`, default 0.
        initial_accumulator_value: :math:`\tau \ge 0`, default 0.
        eps: :math:`\varepsilon \ge 0`, default 1e-6.
        eps_inside: True, epsilon under the root; False, beside it.
        maximize: ascend instead of descend.

    Source: Duchi, Hazan and Singer (2011).
    """

    lr: float = 1e-2
    lr_decay: float = 0.0
    weight_decay: float = 0.0
    initial_accumulator_value: float = 0.0
    eps: float = 1e-6
    eps_inside: bool = True

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        alpha = self.lr / (1 + (k - 1) * self.lr_decay)
        g = g + self.weight_decay * x
        s.v = s.v + g**2
        if self.eps_inside:
            return x - alpha * g / np.sqrt(s.v + self.eps)
        return x - alpha * g / (np.sqrt(s.v) + self.eps)

    def start(self, x: np.ndarray) -> State:
        return State(v=np.full_like(x, self.initial_accumulator_value))

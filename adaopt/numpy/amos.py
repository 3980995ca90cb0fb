"""Amos: a step size and a weight decay that fall by themselves, towards a known scale."""

import math

import numpy as np

from adaopt.numpy.rule import Rule, State
from adaopt.ranges import BELOW_ONE


class Amos(Rule):
    r"""Adam-style steps whose size and weight decay fall with the decay :math:`b` already done.

    :math:`\eta` is the size that the entries of x are expected to have at the end. With
    :math:`\overline{g^2}` the mean of the squared gradient over the whole array, and
    :math:`v_0 = b_0 = 0`,

    .. math::

        v_{k+1} &= \beta v_k + (1 - \beta)\, \overline{g^2}, \qquad
        \hat v = \max(v_{k+1}, \varepsilon) / (1 - \beta^{k+1}), \\
        c &= (1 + \tfrac14 \sqrt{\xi}\, b_k)^{-1/2}, \qquad
        d = (1 + \tfrac14 \sqrt{\xi \eta}\, b_k)^{-1}, \qquad
        \gamma = c\, \xi^2\, \overline{g^2} / \hat v, \\
        x_{k+1} &= x_k - d\, (\xi \eta\, g_k / \sqrt{\hat v} + \tfrac{\gamma}{2} x_k), \qquad
        b_{k+1} = b_k + \gamma\, (1 + b_k).

    The paper also lets v and b be kept per row or entry, and adds clipping and momentum.

    Args:
        lr: :math:`\xi \ge 0`, default 1e-3; about :math:`1/\sqrt{N}` for N batches in the data.
        scale: :math:`\eta \ge 0`, default 1. The authors take 0.5 for biases and
            :math:`\sqrt{2/n}` for a layer of n inputs before a ReLU.
        beta: :math:`\beta \in [0, 1)`, default 0.999.
        eps: :math:`\varepsilon \ge 0`, default :math:`2^{-125}`; only keeps 0/0 away.
        maximize: ascend instead of descend.

    Source: Tian and Parikh, Amos (2022), in the form of the authors' code.
    """

    lr: float = 1e-3
    scale: float = 1.0
    beta: float = 0.999
    eps: float = 2.0**-125

    ranges = {"scale": (0.0, np.inf), "beta": BELOW_ONE}

    def start(self, x: np.ndarray) -> State:
        return State(v=np.zeros((), x.dtype), b=np.zeros((), x.dtype))

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        xi, eta, beta, b = self.lr, self.scale, self.beta, s.b
        g2 = np.vdot(g, g) / max(g.size, 1)
        s.v = beta * s.v + (1 - beta) * g2
        v_hat = np.maximum(s.v, self.eps) / (1 - beta**k)
        c = 1 / np.sqrt(1 + math.sqrt(xi) / 4 * b)
        d = 1 / (1 + math.sqrt(xi * eta) / 4 * b)
        gamma = c * xi**2 * g2 / v_hat
        s.b = b + gamma * (1 + b)
        return x - d * (xi * eta * g / np.sqrt(v_hat) + gamma / 2 * x)

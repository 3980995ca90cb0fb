"""Adafactor: a second moment for each row and each column in place of one for each entry."""

import math

import numpy as np

from adaopt.numpy.rule import Rule, State


class Adafactor(Rule):
    r"""Division by a factored second moment, steps relative to the size of the parameters.

    For a matrix, with :math:`\overline{\phantom{g}}` the mean over a row, a column or all:

    .. math::

        \hat\beta_k &= 1 - k^\tau, \qquad
        R_k = \hat\beta_k R_{k-1} + (1 - \hat\beta_k)\, \overline{g_k^2}^{\,row}, \qquad
        C_k = \hat\beta_k C_{k-1} + (1 - \hat\beta_k)\, \overline{g_k^2}^{\,col}, \\
        v &= \frac{R_k C_k}{\max(\overline{R_k}, \varepsilon_1)}, \qquad
        u = \frac{g_k}{\max(\sqrt{v}, \varepsilon_1)}, \qquad
        \hat u = \frac{u}{\max(1, \mathrm{RMS}(u) / d)}, \\
        x_{k+1} &= (1 - \alpha \lambda)\, x_k
        - \max(\varepsilon_2, \mathrm{RMS}(x_k)) \min(\alpha, 1 / \sqrt{k})\, \hat u .

    A vector or a scalar keeps its whole :math:`v`; of an array with more dimensions the last two
    are factored. It is ``torch.optim.Adafactor``.

    Args:
        lr: :math:`\alpha \ge 0`, the largest relative step, default 1e-2.
        beta2_decay: :math:`\tau \le 0`, default -0.8.
        eps: :math:`(\varepsilon_1, \varepsilon_2)`, each :math:`\ge 0`, default (None, 1e-3); None
            is the machine epsilon of the array.
        d: :math:`d \ge 1`, the largest root mean square of the divided gradient, default 1.
        weight_decay: :math:`\lambda \ge 0`, default 0.
        maximize: ascend instead of descend.

    Source: Shazeer and Stern (2018), in the form of ``torch.optim``: the paper adds
    :math:`\varepsilon_1` to :math:`g^2` instead of the two maxima, and has no ``lr`` (0.01) and no
    decay.
    """

    lr: float = 1e-2
    beta2_decay: float = -0.8
    eps: tuple[float | None, float] = (None, 1e-3)
    d: float = 1.0
    weight_decay: float = 0.0

    ranges = {"beta2_decay": (-math.inf, 0.0), "d": (1.0, math.inf)}
    elementwise = False

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        eps1, eps2 = self.eps
        eps1 = np.finfo(x.dtype).eps if eps1 is None else eps1
        alpha = max(eps2, rms(x)) * min(self.lr, 1 / math.sqrt(k))
        v = self.second_moment(g**2, s, 1 - k**self.beta2_decay, eps1)
        u = g / np.maximum(np.sqrt(v), eps1)
        u_hat = u / max(1.0, rms(u) / self.d)
        return (1 - self.lr * self.weight_decay) * x - alpha * u_hat

    def second_moment(self, g2: np.ndarray, s: State, beta: float, eps1: float) -> np.ndarray:
        """The average of the squared gradients, put together from its rows and columns."""
        if g2.ndim < 2:
            s.v = beta * s.v + (1 - beta) * g2
            return s.v
        s.r = beta * s.r + (1 - beta) * mean(g2, -1)
        s.c = beta * s.c + (1 - beta) * mean(g2, -2)
        return s.r * s.c / np.maximum(mean(s.r, -2), eps1)

    def start(self, x: np.ndarray) -> State:
        if x.ndim < 2:
            return State(v=np.zeros_like(x))
        return State(r=np.zeros_like(x[..., :1]), c=np.zeros_like(x[..., :1, :]))


def mean(a: np.ndarray, axis: int) -> np.ndarray:
    """Mean along an axis, which stays; 0 if it is empty."""
    return a.sum(axis, keepdims=True) / max(1, a.shape[axis])


def rms(a: np.ndarray) -> float:
    """Root mean square of all entries; 0 if there are none."""
    return float(np.sqrt((a**2).sum() / max(1, a.size)))

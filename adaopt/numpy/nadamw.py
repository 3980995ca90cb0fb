"""NAdamW and NadamP: Adam with Nesterov's look-ahead and decoupled decay, as in AlgoPerf."""

import math

import numpy as np

from adaopt.numpy.rule import Rule, State


class NAdamW(Rule):
    r"""AdamW that steps along the momentum as it will be, looking ahead by one gradient.

    .. math::

        m_k &= \beta_1 m_{k-1} + (1 - \beta_1)\, g_k, \qquad
        v_k = \beta_2 v_{k-1} + (1 - \beta_2)\, g_k^2, \\
        \hat n_k &= \frac{\beta_1 m_k + (1 - \beta_1)\, g_k}{1 - \beta_1^k}, \qquad
        \hat v_k = \frac{v_k}{1 - \beta_2^k}, \\
        x_{k+1} &= x_k - \alpha \left( \frac{\hat n_k}{\hat v_k^{1/2} + \varepsilon}
        + \lambda x_k \right).

    Unlike Dozat's NAdam (:class:`~adaopt.numpy.NAdam`) both parts of :math:`\hat n` are corrected
    by the same :math:`1 - \beta_1^k`.

    Args:
        lr: step size :math:`\alpha \ge 0`, default 1e-3.
        betas: :math:`(\beta_1, \beta_2)`, each in [0, 1), default (0.9, 0.999).
        eps: :math:`\varepsilon \ge 0`, default 1e-8.
        weight_decay: :math:`\lambda \ge 0`, default 1e-2.
        maximize: ascend instead of descend.

    Source: Dozat (2016); Loshchilov and Hutter (2019); in this form Choi et al. (2019), table 1,
    and the baselines of Dahl et al. (2023).
    """

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 1e-2

    memory = ("m", "v")
    power = 2.0  # its heirs make hyper-parameters of these two
    nesterov = True

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        (beta1, beta2), p = self.betas, self.power
        s.m = beta1 * s.m + (1 - beta1) * g
        s.v = beta2 * s.v + (1 - beta2) * g**2
        n_hat = (beta1 * s.m + (1 - beta1) * g) / (1 - beta1**k) if self.nesterov else s.m
        v_hat = s.v / (1 - beta2**k)
        return x - self.lr * (n_hat / (v_hat ** (1 / p) + self.eps) + self.weight_decay * x)


class NadamP(NAdamW):
    r"""NAdamW with the p-th root of the second moment in place of the square root.

    .. math::

        x_{k+1} = x_k - \alpha \left( \frac{\hat n_k}{\hat v_k^{1/p} + \varepsilon}
        + \lambda x_k \right),

    with :math:`\hat n_k, \hat v_k` of :class:`NAdamW`, which it is at :math:`p = 2`. A larger p
    evens out the coordinates less; a smaller one also divides a large gradient by more than its
    size.

    Args:
        lr, betas, eps, weight_decay, maximize: see :class:`NAdamW`.
        power: :math:`p \ge 1`, default 2.

    Source: the submission NadamP to AlgoPerf (MLCommons, 2024).
    """

    power: float = 2.0

    ranges = {"power": (1.0, math.inf)}


class GeneralizedAdam(NAdamW):
    r"""NAdamW and Nesterov's momentum in one: the preconditioner can be switched off.

    With ``preconditioning`` it is :class:`~adaopt.numpy.NAdamW`; without ``nesterov`` then

    .. math::

        x_{k+1} = x_k - \alpha \left( \frac{m_k}{\hat v_k^{1/2} + \varepsilon}
        + \lambda x_k \right),

    where, as in the submission, :math:`m_k` stays without bias correction. Without
    ``preconditioning`` it is momentum, with ``nesterov`` or without:

    .. math::

        u_k = \beta_1 u_{k-1} + g_k, \qquad
        x_{k+1} = x_k - \alpha \left( g_k + \beta_1 u_k + \lambda x_k \right)
        \quad\text{or}\quad x_k - \alpha \left( u_k + \lambda x_k \right).

    Args:
        lr, betas, eps, weight_decay, maximize: see :class:`~adaopt.numpy.NAdamW`.
        preconditioning: divide by the root of the second moment, default True.
        nesterov: look ahead by one gradient, default True.

    Source: Choi et al. (2019); the submission Generalized Adam to AlgoPerf (MLCommons, 2024).
    """

    preconditioning: bool = True
    nesterov: bool = True

    memory = ("m", "v", "u")

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        if self.preconditioning:
            return super().update(x, g, s, k)
        beta1 = self.betas[0]
        s.u = beta1 * s.u + g
        n = g + beta1 * s.u if self.nesterov else s.u
        return x - self.lr * (n + self.weight_decay * x)

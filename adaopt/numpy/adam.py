"""Adam: two moving averages, of the gradient and of its square. And AdamW, and AMSGrad."""

import numpy as np

from adaopt.numpy.rule import Rule, State


class Adam(Rule):
    r"""Adaptive moment estimation, with bias correction.

    .. math::

        m_k &= \beta_1 m_{k-1} + (1 - \beta_1) g, & \hat m &= m_k / (1 - \beta_1^k), \\
        v_k &= \beta_2 v_{k-1} + (1 - \beta_2) g^2, & \hat v &= v_k / (1 - \beta_2^k), \\
        x_{k+1} &= x_k - \alpha\, \hat m / (\sqrt{\hat v} + \varepsilon),
        & g &= \nabla f(x_k) + \lambda x_k .

    It is ``torch.optim.Adam``, with two more forms of AMSGrad.

    Args:
        lr: step size :math:`\alpha \ge 0`, default 1e-3.
        betas: :math:`(\beta_1, \beta_2)`, each in [0, 1), default (0.9, 0.999).
        eps: :math:`\varepsilon \ge 0`, outside the root, after the bias correction, default 1e-8.
        weight_decay: :math:`\lambda \ge 0`, default 0: in the gradient (L2).
        amsgrad: False; or :math:`v` replaced by its largest value so far: ``True`` as in torch
            (the largest v, corrected afterwards), ``"hat"`` (the largest corrected v),
            ``"paper"`` (the largest v, and no bias correction at all).
        decoupled_weight_decay: False; True decays the weights themselves, as AdamW.
        maximize: ascend instead of descend.

    Source: Kingma and Ba (2015); AMSGrad: Reddi, Kale and Kumar (2018).
    """

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    amsgrad: bool | str = False
    decoupled_weight_decay: bool = False

    memory = ("m", "v", "v_max")
    choices = {"amsgrad": (False, True, "hat", "paper")}

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        alpha, (beta1, beta2), lam = self.lr, self.betas, self.weight_decay
        if self.decoupled_weight_decay:
            x = x - alpha * lam * x
        else:
            g = g + lam * x
        s.m = beta1 * s.m + (1 - beta1) * g
        s.v = beta2 * s.v + (1 - beta2) * g**2
        m_hat = s.m / (1 - beta1**k)
        v_hat = s.v / (1 - beta2**k)
        if self.amsgrad:
            m_hat, v_hat = self.largest(m_hat, v_hat, s, k)
        return x - alpha * m_hat / (np.sqrt(v_hat) + self.eps)

    def largest(
        self, m_hat: np.ndarray, v_hat: np.ndarray, s: State, k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """AMSGrad: what stands for m_hat and v_hat, v at its largest so far."""
        s.v_max = np.maximum(s.v_max, v_hat if self.amsgrad == "hat" else s.v)
        if self.amsgrad == "paper":
            return s.m, s.v_max
        return m_hat, s.v_max if self.amsgrad == "hat" else s.v_max / (1 - self.betas[1] ** k)


class AdamW(Adam):
    r"""Adam with decoupled weight decay: the weights shrink, the gradient is left alone.

    .. math::

        x_{k+1} = x_k - \alpha \bigl( \hat m / (\sqrt{\hat v} + \varepsilon) + \lambda x_k \bigr)

    Args:
        lr, betas, eps, amsgrad, maximize: as in :class:`Adam`.
        weight_decay: :math:`\lambda \ge 0`, default 1e-2; at 0 it is Adam.

    Source: Loshchilov and Hutter (2019).
    """

    weight_decay: float = 1e-2
    decoupled_weight_decay = True


class AMSGrad(Adam):
    r"""Adam without bias correction that divides by the largest v so far: the paper's AMSGrad.

    .. math::

        \hat v_k = \max(\hat v_{k-1}, v_k), \qquad
        x_{k+1} = x_k - \alpha\, m_k / (\sqrt{\hat v_k} + \varepsilon)

    The step size of a coordinate, :math:`\alpha / \sqrt{\hat v_k}`, never grows.

    Args:
        lr, betas, eps, weight_decay, decoupled_weight_decay, maximize: as in :class:`Adam`.

    Source: Reddi, Kale and Kumar (2018), algorithm 2, without its projection.
    """

    amsgrad = "paper"

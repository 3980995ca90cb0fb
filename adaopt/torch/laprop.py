"""LaProp: torch edition."""

import math

from torch import Tensor

from .engine import Rule
from .engine.hyper import Hyper


class LaProp(Rule):
    r"""Adam with its two halves in the other order: momentum of the divided gradients.

    .. math::
        v_k &= \beta_2 v_{k-1} + (1 - \beta_2)\, g_k^2, & \hat v_k &= v_k / (1 - \beta_2^k), \\
        m_k &= \beta_1 m_{k-1} + (1 - \beta_1)\, \frac{g_k}{\sqrt{\hat v_k} + \varepsilon}, &
        \hat m_k &= m_k / (1 - \beta_1^k), \\
        x_{k+1} &= x_k - \alpha \left( \hat m_k + \lambda x_k \right).

    The correction of v stands in :math:`c_k = (1 - \beta_1) \sqrt{1 - \beta_2^k}` and
    :math:`\varepsilon_k = \varepsilon \sqrt{1 - \beta_2^k}`.

    Args:
        params: parameters, or parameter groups, as for any ``torch.optim.Optimizer``.
        lr: step size :math:`\alpha \ge 0`, a number or a tensor of one element (4e-4).
        betas: :math:`(\beta_1, \beta_2)`, each in [0, 1) ((0.9, 0.999)).
        eps: :math:`\varepsilon \ge 0` (1e-15).
        weight_decay: :math:`\lambda \ge 0`, as in AdamW (0).
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: see :class:`~adaopt.torch.engine.Rule`.

    Source: Ziyin, Wang and Ueda (2020).
    """

    hyper = dict(lr=4e-4, betas=(0.9, 0.999), eps=1e-15, weight_decay=0.0)
    buffers = ("exp_avg", "exp_avg_sq")

    def rule(self, x: Tensor, g: Tensor, h: Hyper, k: int, m: Tensor, v: Tensor) -> None:
        beta1, beta2 = h.betas
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        m.mul_(beta1).addcdiv_(g, v.sqrt().add_(h.eps_k), value=h.c_k)
        if h.weight_decay:
            x.mul_(1 - h.lr * h.weight_decay)
        x.add_(m, alpha=-h.lr_k)

    def numbers(self, h: Hyper, k: int, memory: dict[str, float]) -> dict[str, float]:
        beta1, beta2 = h.betas
        root = math.sqrt(1 - beta2**k)
        return dict(lr_k=h.lr / (1 - beta1**k), c_k=(1 - beta1) * root, eps_k=h.eps * root)

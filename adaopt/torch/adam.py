"""Adam: torch edition."""

import math

import torch
from torch import Tensor

from .engine import Rule
from .engine.hyper import Hyper


class Adam(Rule):
    r"""Adaptive moment estimation: two moving averages, with bias correction.

    With :math:`g = \nabla f(x_k) + \lambda x_k` (its negative gradient part if ``maximize``)

    .. math::
        m_k &= \beta_1 m_{k-1} + (1 - \beta_1) g, \qquad
        v_k = \beta_2 v_{k-1} + (1 - \beta_2) g^2, \\
        x_{k+1} &= x_k - \alpha \frac{\hat m}{\sqrt{\hat v} + \varepsilon}
        = x_k - \alpha_k \frac{m_k}{\sqrt{v_k} + \varepsilon_k}, \qquad
        \hat m = \frac{m_k}{1 - \beta_1^k}, \quad \hat v = \frac{v_k}{1 - \beta_2^k}.

    The corrections stand in :math:`\alpha_k = \alpha \sqrt{1 - \beta_2^k} / (1 - \beta_1^k)` and
    :math:`\varepsilon_k = \varepsilon \sqrt{1 - \beta_2^k}`. Equal to ``torch.optim.Adam`` but for
    rounding, its state dict included. In float16 an eps of 1e-8 rounds to 0, as in torch.

    Args:
        params: parameters, or parameter groups, as for any ``torch.optim.Optimizer``.
        lr: step size :math:`\alpha \ge 0`, a number or a tensor of one element (1e-3).
        betas: :math:`(\beta_1, \beta_2)`, each in [0, 1) ((0.9, 0.999)).
        eps: :math:`\varepsilon \ge 0`, outside the root (1e-8).
        weight_decay: :math:`\lambda \ge 0`, in the gradient (0).
        amsgrad: :math:`v` at its largest so far: ``True`` as in torch (the largest v, corrected
            afterwards), ``"hat"`` (the largest corrected v), ``"paper"`` (the largest v, no
            correction of m or v) (False).
        decoupled_weight_decay: decay the weights themselves, as AdamW (False).
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: see :class:`~adaopt.torch.engine.Rule`.

    Source: Kingma and Ba (2015); AMSGrad: Reddi, Kale and Kumar (2018).
    """

    hyper = dict(
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0.0,
        amsgrad=False,
        decoupled_weight_decay=False,
    )
    buffers = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
    choices = {"amsgrad": (False, True, "hat", "paper")}
    absent = {"decoupled_weight_decay": False}  # from torch.optim before 2.6

    def rule(
        self, x: Tensor, g: Tensor, h: Hyper, k: int, m: Tensor, v: Tensor, v_max: Tensor | None
    ) -> None:
        beta1, beta2 = h.betas
        if h.weight_decay and h.decoupled_weight_decay:
            x.mul_(1 - h.lr * h.weight_decay)
        elif h.weight_decay:
            g = g.add(x, alpha=h.weight_decay)
        m.lerp_(g, 1 - beta1)
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        if h.amsgrad:
            v = torch.maximum(v_max, v / h.c2 if h.amsgrad == "hat" else v, out=v_max)
        x.addcdiv_(m, v.sqrt().add_(h.eps_k), value=-h.lr_k)

    def numbers(self, h: Hyper, k: int, memory: dict[str, float]) -> dict[str, float]:
        c1, c2 = (1 - beta**k for beta in h.betas)
        if h.amsgrad == "paper":
            c1 = c2 = 1.0
        root = 1.0 if h.amsgrad == "hat" else math.sqrt(c2)
        return dict(lr_k=h.lr * root / c1, eps_k=h.eps * root, c2=c2)

    def needs(self, h: Hyper, p: Tensor) -> tuple[str, ...]:
        return self.buffers if h.amsgrad else self.buffers[:2]

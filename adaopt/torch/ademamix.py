"""AdEMAMix: torch edition."""

import math

import torch
from torch import Tensor

from .engine import Rule
from .engine.hyper import Hyper


class AdEMAMix(Rule):
    r"""AdamW whose step mixes a fast average of the gradients with a slow one.

    .. math::
        m_k &= \beta_1 m_{k-1} + (1 - \beta_1)\, g_k, \qquad
        n_k = \beta_3(k)\, n_{k-1} + (1 - \beta_3(k))\, g_k, \qquad
        v_k = \beta_2 v_{k-1} + (1 - \beta_2)\, g_k^2, \\
        x_{k+1} &= x_k - \eta \left( \frac{m_k / (1 - \beta_1^k) + \alpha(k)\, n_k}
        {\sqrt{v_k / (1 - \beta_2^k)} + \varepsilon} + \lambda x_k \right).

    The slow average :math:`n_k` has no bias correction. Over their warm-up, of T steps, the weight
    and the half-life of the slow average grow linearly: :math:`\alpha(k) = \alpha \min(k/T, 1)` and

    .. math::
        \frac{1}{\ln \beta_3(k)} = \frac{1 - k/T}{\ln \beta_1} + \frac{k/T}{\ln \beta_3},
        \qquad \beta_3(k) \le \beta_3 .

    Args:
        params: parameters, or parameter groups, as for any ``torch.optim.Optimizer``.
        lr: step size :math:`\eta \ge 0`, a number or a tensor of one element (1e-3).
        betas: :math:`(\beta_1, \beta_2, \beta_3)`, each in [0, 1) ((0.9, 0.999, 0.9999)).
        eps: :math:`\varepsilon \ge 0` (1e-8).
        weight_decay: :math:`\lambda \ge 0` (0).
        alpha: :math:`\alpha \ge 0`, weight of the slow average (5).
        alpha_warmup: steps over which alpha grows from 0; 0: none (0).
        beta3_warmup: steps over which beta3 grows from beta1; 0: none (0).
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: see :class:`~adaopt.torch.engine.Rule`.

    Source: Pagliardini, Ablin and Grangier (2025).
    """

    hyper = dict(
        lr=1e-3,
        betas=(0.9, 0.999, 0.9999),
        eps=1e-8,
        weight_decay=0.0,
        alpha=5.0,
        alpha_warmup=0,
        beta3_warmup=0,
    )
    buffers = ("exp_avg_fast", "exp_avg_slow", "exp_avg_sq")
    ranges = {"alpha_warmup": (0.0, math.inf), "beta3_warmup": (0.0, math.inf)}

    def rule(self, x: Tensor, g: Tensor, h: Hyper, k: int, m: Tensor, n: Tensor, v: Tensor) -> None:
        beta1, beta2, _ = h.betas
        m.lerp_(g, 1 - beta1)
        n.lerp_(g, h.fresh)
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        mixed = torch.add(m, n, alpha=h.mix)
        if h.weight_decay:
            x.mul_(1 - h.lr * h.weight_decay)
        x.addcdiv_(mixed, v.sqrt().add_(h.eps_k), value=-h.lr_k)

    def numbers(self, h: Hyper, k: int, memory: dict[str, float]) -> dict[str, float]:
        beta1, beta2, beta3 = h.betas
        c1, root = 1 - beta1**k, math.sqrt(1 - beta2**k)
        alpha = h.alpha * min(k / h.alpha_warmup, 1.0) if h.alpha_warmup else h.alpha
        if k < h.beta3_warmup and beta1 < beta3:  # half-lives are in proportion to -1/ln(beta)
            old, new = (-1 / math.log(beta) if beta else 0.0 for beta in (beta1, beta3))
            beta3 = math.exp(-1 / (old + (new - old) * k / h.beta3_warmup))
        return dict(fresh=1 - beta3, mix=alpha * c1, lr_k=h.lr * root / c1, eps_k=h.eps * root)

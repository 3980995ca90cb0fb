"""NAdamW and NadamP, by one rule: torch edition."""

import math

from torch import Tensor

from .engine import Rule
from .engine.hyper import Hyper


class NAdamW(Rule):
    r"""AdamW that steps along the momentum as it will be, looking ahead by one gradient.

    .. math::
        m_k &= \beta_1 m_{k-1} + (1 - \beta_1)\, g_k, \qquad
        v_k = \beta_2 v_{k-1} + (1 - \beta_2)\, g_k^2, \\
        \hat n_k &= \frac{\beta_1 m_k + (1 - \beta_1)\, g_k}{1 - \beta_1^k}, \qquad
        \hat v_k = \frac{v_k}{1 - \beta_2^k}, \\
        x_{k+1} &= x_k - \alpha \left( \frac{\hat n_k}{\hat v_k^{1/2} + \varepsilon}
        + \lambda x_k \right).

    It is not ``torch.optim.NAdam(decoupled_weight_decay=True)``, whose momentum follows a schedule:
    see :class:`~adaopt.torch.NAdam`.

    Args:
        params: parameters, or parameter groups, as for any ``torch.optim.Optimizer``.
        lr: step size :math:`\alpha \ge 0`, a number or a tensor of one element (1e-3).
        betas: :math:`(\beta_1, \beta_2)`, each in [0, 1) (0.9, 0.999).
        eps: :math:`\varepsilon \ge 0` (1e-8).
        weight_decay: :math:`\lambda \ge 0` (1e-2).
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: see :class:`~adaopt.torch.engine.Rule`.

    Source: Dozat (2016); Loshchilov and Hutter (2019); in this form Choi et al. (2019), table 1,
    and the baselines of Dahl et al. (2023).
    """

    hyper = dict(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2)
    fixed = dict(power=2.0, nesterov=True)  # its heirs make hyper-parameters of these two
    buffers = ("exp_avg", "exp_avg_sq")

    def rule(self, x: Tensor, g: Tensor, h: Hyper, k: int, m: Tensor, v: Tensor) -> None:
        beta1, beta2 = h.betas
        m.lerp_(g, 1 - beta1)
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        n = m.lerp(g, 1 - beta1) if h.nesterov else m
        d = v.sqrt() if h.square else v.pow(h.root)
        if h.weight_decay:
            x.mul_(1 - h.lr * h.weight_decay)
        x.addcdiv_(n, d.add_(h.eps_k), value=-h.lr_k)

    def numbers(self, h: Hyper, k: int, memory: dict[str, float]) -> dict[str, float]:
        beta1, beta2 = h.betas
        scale = (1 - beta2**k) ** (1 / h.power)
        lr_k = h.lr * scale / (1 - beta1**k if h.nesterov else 1)
        return dict(lr_k=lr_k, eps_k=h.eps * scale, root=1 / h.power, square=h.power == 2)


class NadamP(NAdamW):
    r"""NAdamW with the p-th root of the second moment in place of the square root.

    .. math::
        x_{k+1} = x_k - \alpha \left( \frac{\hat n_k}{\hat v_k^{1/p} + \varepsilon}
        + \lambda x_k \right),

    with :math:`\hat n_k, \hat v_k` of :class:`NAdamW`, which it is, bit for bit, at :math:`p = 2`.

    Args:
        params, lr, betas, eps, weight_decay: see :class:`NAdamW`.
        power: :math:`p \ge 1` (2).
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: see :class:`~adaopt.torch.engine.Rule`.

    Source: the submission NadamP to AlgoPerf (MLCommons, 2024).
    """

    hyper = NAdamW.hyper | dict(power=2.0)
    ranges = {"power": (1.0, math.inf)}

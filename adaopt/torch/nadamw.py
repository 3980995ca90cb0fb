"""NAdamW, NadamP and generalized Adam, the methods of AlgoPerf, by one rule: torch edition."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .engine import Rule
from .engine.hyper import Hyper

BASE = dict(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2)


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

    hyper = BASE
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

    hyper = dict(**BASE, power=2.0)
    ranges = {"power": (1.0, math.inf)}


class GeneralizedAdam(NAdamW):
    r"""NAdamW and Nesterov's momentum in one: the preconditioner can be switched off.

    With ``preconditioning`` it is :class:`NAdamW`, or, without ``nesterov``, the same with
    :math:`m_k`, not corrected, in place of :math:`\hat n_k`. Without ``preconditioning``

    .. math::
        u_k = \beta_1 u_{k-1} + g_k, \qquad
        x_{k+1} = x_k - \alpha \left( g_k + \beta_1 u_k + \lambda x_k \right)
        \quad\text{or, without nesterov,}\quad x_k - \alpha \left( u_k + \lambda x_k \right).

    Args:
        params, lr, betas, eps, weight_decay: see :class:`NAdamW`.
        preconditioning: divide by the root of the second moment (True).
        nesterov: look ahead by one gradient (True).
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: see :class:`~adaopt.torch.engine.Rule`.

    Source: Choi et al. (2019); the submission Generalized Adam to AlgoPerf (MLCommons, 2024).
    """

    hyper = dict(**BASE, preconditioning=True, nesterov=True)
    buffers = ("exp_avg", "exp_avg_sq", "momentum_buffer")

    def rule(
        self, x: Tensor, g: Tensor, h: Hyper, k: int, m: Tensor | None, v: Tensor | None, u: Tensor
    ) -> None:
        if h.preconditioning:
            return NAdamW.rule(self, x, g, h, k, m, v)
        torch.add(g, u, alpha=h.betas[0], out=u)
        n = g.add(u, alpha=h.betas[0]) if h.nesterov else u
        if h.weight_decay:
            x.mul_(1 - h.lr * h.weight_decay)
        x.add_(n, alpha=-h.lr)

    def needs(self, h: Hyper, p: Tensor) -> tuple[str, ...]:
        return self.buffers[:2] if h.preconditioning else self.buffers[2:]

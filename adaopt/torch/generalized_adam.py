"""Generalized Adam, with the rule of NAdamW: torch edition."""

import torch
from torch import Tensor

from .engine.hyper import Hyper
from .nadamw import NAdamW


class GeneralizedAdam(NAdamW):
    r"""NAdamW and Nesterov's momentum in one: the preconditioner can be switched off.

    With ``preconditioning`` it is :class:`~adaopt.torch.NAdamW`, or, without ``nesterov``, the same
    with :math:`m_k`, not corrected, in place of :math:`\hat n_k`. Without ``preconditioning``

    .. math::
        u_k = \beta_1 u_{k-1} + g_k, \qquad
        x_{k+1} = x_k - \alpha \left( g_k + \beta_1 u_k + \lambda x_k \right)
        \quad\text{or, without nesterov,}\quad x_k - \alpha \left( u_k + \lambda x_k \right).

    Args:
        params, lr, betas, eps, weight_decay: see :class:`~adaopt.torch.NAdamW`.
        preconditioning: divide by the root of the second moment (True).
        nesterov: look ahead by one gradient (True).
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: see :class:`~adaopt.torch.engine.Rule`.

    Source: Choi et al. (2019); the submission Generalized Adam to AlgoPerf (MLCommons, 2024).
    """

    hyper = NAdamW.hyper | dict(preconditioning=True, nesterov=True)
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

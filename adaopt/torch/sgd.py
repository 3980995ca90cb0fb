"""Stochastic gradient descent with momentum: torch edition."""

import torch
from torch import Tensor

from .engine import Rule
from .engine.hyper import Hyper


class SGD(Rule):
    r"""Stochastic gradient descent, with momentum, dampening, Nesterov's step and weight decay.

    With :math:`g = \nabla f(x_k) + \lambda x_k` (its negative gradient part if ``maximize``)

    .. math::
        v_1 = g, \qquad v_{k+1} = \mu v_k + (1 - \tau) g, \qquad
        x_{k+1} = x_k - \alpha \begin{cases} g & \mu = 0 \\ v_{k+1} & \text{momentum} \\
        g + \mu v_{k+1} & \text{Nesterov} \end{cases}

    Equal to ``torch.optim.SGD``, its state dict included; bit for bit, but for momentum without
    dampening, where :math:`\mu v + g` is rounded once and not twice.

    Args:
        params: parameters, or parameter groups, as for any ``torch.optim.Optimizer``.
        lr: step size :math:`\alpha \ge 0`, a number or a tensor of one element (1e-3).
        momentum: :math:`\mu \ge 0` (0).
        dampening: :math:`\tau`; the first velocity is not damped (0).
        weight_decay: :math:`\lambda \ge 0` (0).
        nesterov: look ahead along the velocity; wants momentum and no dampening (False).
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: see :class:`~adaopt.torch.engine.Rule`.

    Source: Robbins and Monro (1951); Polyak (1964); Sutskever et al. (2013).
    """

    hyper = dict(lr=1e-3, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False)
    buffers = ("momentum_buffer",)

    def rule(self, x: Tensor, g: Tensor, h: Hyper, k: int, v: Tensor | None) -> None:
        if h.weight_decay:
            g = g.add(x, alpha=h.weight_decay)
        if h.momentum:
            if k == 1:
                v.copy_(g)
            elif h.dampening:
                v.mul_(h.momentum).add_(g, alpha=1 - h.dampening)
            else:  # the same in one pass
                torch.add(g, v, alpha=h.momentum, out=v)
            g = g.add(v, alpha=h.momentum) if h.nesterov else v
        x.add_(g, alpha=-h.lr)

    def needs(self, h: Hyper, p: Tensor) -> tuple[str, ...]:
        return self.buffers if h.momentum else ()

    def cuts(self, h: Hyper) -> bool:
        return bool(h.momentum or h.weight_decay or h.maximize)

    def check(self, h: Hyper) -> None:
        if h.nesterov and (h.momentum <= 0 or h.dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")

"""Adadelta: torch edition."""

from torch import Tensor

from .engine import Rule
from .engine.hyper import Hyper


class Adadelta(Rule):
    r"""RMSProp whose step size is the root mean square of its own steps.

    With :math:`g = \nabla f(x_k) + \lambda x_k` (its negative gradient part if ``maximize``)

    .. math::
        v_k &= \rho v_{k-1} + (1 - \rho) g^2, \qquad
        u_k = \frac{\sqrt{D_{k-1} + \varepsilon}}{\sqrt{v_k + \varepsilon}}\, g, \\
        D_k &= \rho D_{k-1} + (1 - \rho) u_k^2, \qquad x_{k+1} = x_k - \alpha u_k .

    Equal to ``torch.optim.Adadelta``, its state dict included; the paper has :math:`\alpha = 1`.

    Args:
        params: parameters, or parameter groups, as for any ``torch.optim.Optimizer``.
        lr: factor :math:`\alpha \ge 0`, a number or a tensor of one element (1).
        rho: :math:`\rho` in [0, 1] (0.9).
        eps: :math:`\varepsilon \ge 0`; it also starts the first steps (1e-6).
        weight_decay: :math:`\lambda \ge 0` (0).
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: see :class:`~adaopt.torch.engine.Rule`.

    Source: Zeiler (2012).
    """

    hyper = dict(lr=1.0, rho=0.9, eps=1e-6, weight_decay=0.0)
    buffers = ("square_avg", "acc_delta")

    def rule(self, x: Tensor, g: Tensor, h: Hyper, k: int, v: Tensor, d: Tensor) -> None:
        if h.weight_decay:
            g = g.add(x, alpha=h.weight_decay)
        v.mul_(h.rho).addcmul_(g, g, value=1 - h.rho)
        u = d.add(h.eps).sqrt_().div_(v.add(h.eps).sqrt_()).mul_(g)
        d.mul_(h.rho).addcmul_(u, u, value=1 - h.rho)
        x.add_(u, alpha=-h.lr)

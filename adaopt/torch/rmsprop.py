"""RMSProp: torch edition."""

from torch import Tensor

from .engine import Rule
from .engine.hyper import Hyper


class RMSprop(Rule):
    r"""Divide the gradient by a running root mean square of itself.

    With :math:`g = \nabla f(x_k) + \lambda x_k` (its negative gradient part if ``maximize``)

    .. math::
        v_k = \beta v_{k-1} + (1 - \beta) g^2, \qquad
        u_k = \mu u_{k-1} + \frac{g}{\sqrt{v_k + \varepsilon}}, \qquad
        x_{k+1} = x_k - \alpha u_k

    or, with ``eps_inside=False``, :math:`\sqrt{v_k} + \varepsilon` in the denominator: then equal
    to ``torch.optim.RMSprop``, whose state dict loads with ``eps_inside=False``. Centered, the
    running variance :math:`v_k - m_k^2` stands for :math:`v_k`, where
    :math:`m_k = \beta m_{k-1} + (1 - \beta) g`; rounding never makes it negative.

    Args:
        params: parameters, or parameter groups, as for any ``torch.optim.Optimizer``.
        lr: step size :math:`\alpha \ge 0`, a number or a tensor of one element (1e-2).
        alpha: :math:`\beta \ge 0`, under torch's name (0.99).
        eps: :math:`\varepsilon \ge 0` (1e-6; torch has 1e-8).
        weight_decay: :math:`\lambda \ge 0` (0).
        momentum: :math:`\mu \ge 0` (0).
        centered: divide by the standard deviation (False).
        eps_inside: epsilon under the root (True).
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: see :class:`~adaopt.torch.engine.Rule`.

    Source: Tieleman and Hinton (2012); centered, with momentum: Graves (2013).
    """

    hyper = dict(
        lr=1e-2,
        alpha=0.99,
        eps=1e-6,
        weight_decay=0.0,
        momentum=0.0,
        centered=False,
        eps_inside=True,
    )
    absent = {"eps_inside": False}
    buffers = ("square_avg", "grad_avg", "momentum_buffer")

    def rule(
        self,
        x: Tensor,
        g: Tensor,
        h: Hyper,
        k: int,
        v: Tensor,
        m: Tensor | None,
        u: Tensor | None,
    ) -> None:
        if h.weight_decay:
            g = g.add(x, alpha=h.weight_decay)
        v.mul_(h.alpha).addcmul_(g, g, value=1 - h.alpha)
        if h.centered:
            m.lerp_(g, 1 - h.alpha)
            v = v.addcmul(m, m, value=-1).clamp_(min=0)
        root = v.add(h.eps).sqrt_() if h.eps_inside else v.sqrt().add_(h.eps)
        if h.momentum:
            x.add_(u.mul_(h.momentum).addcdiv_(g, root), alpha=-h.lr)
        else:
            x.addcdiv_(g, root, value=-h.lr)

    def needs(self, h: Hyper, p: Tensor) -> tuple[str, ...]:
        wanted = (True, h.centered, h.momentum)
        return tuple(name for name, want in zip(self.buffers, wanted, strict=True) if want)

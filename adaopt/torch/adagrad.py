"""AdaGrad: torch edition."""

import torch
from torch import Tensor

from .engine import Rule
from .engine.hyper import Hyper


class Adagrad(Rule):
    r"""Adaptive gradient method: divide by the root of the sum of squares.

    With :math:`g = \nabla f(x_k) + \lambda x_k` (its negative gradient part if ``maximize``)

    .. math::
        v_0 = \tau, \qquad v_k = v_{k-1} + g^2, \qquad
        x_{k+1} = x_k - \frac{\alpha}{1 + (k - 1) \eta}\, \frac{g}{\sqrt{v_k + \varepsilon}}

    or, with ``eps_inside=False``, :math:`\sqrt{v_k} + \varepsilon` in the denominator: then equal
    to ``torch.optim.Adagrad``, whose state dict loads with ``eps_inside=False``.

    Args:
        params: parameters, or parameter groups, as for any ``torch.optim.Optimizer``.
        lr: step size :math:`\alpha \ge 0`, a number or a tensor of one element (1e-2).
        lr_decay: :math:`\eta \ge 0`, a further decay of the step size (0).
        weight_decay: :math:`\lambda \ge 0` (0).
        initial_accumulator_value: :math:`\tau \ge 0` (0).
        eps: :math:`\varepsilon \ge 0` (1e-6; torch has 1e-10).
        eps_inside: epsilon under the root (True).
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: see :class:`~adaopt.torch.engine.Rule`.

    Source: Duchi, Hazan and Singer (2011).
    """

    hyper = dict(
        lr=1e-2,
        lr_decay=0.0,
        weight_decay=0.0,
        initial_accumulator_value=0.0,
        eps=1e-6,
        eps_inside=True,
    )
    absent = {"eps_inside": False}
    buffers = ("sum",)

    def rule(self, x: Tensor, g: Tensor, h: Hyper, k: int, v: Tensor) -> None:
        if h.weight_decay:
            g = g.add(x, alpha=h.weight_decay)
        v.addcmul_(g, g)
        root = v.add(h.eps).sqrt_() if h.eps_inside else v.sqrt().add_(h.eps)
        x.addcdiv_(g, root, value=-h.lr_k)

    def numbers(self, h: Hyper, k: int, memory: dict[str, float]) -> dict[str, float]:
        return dict(lr_k=h.lr / (1 + (k - 1) * h.lr_decay))

    def start(self, name: str, p: Tensor, h: Hyper) -> Tensor:
        value = h.initial_accumulator_value
        # as pairs of reals: both parts start there
        return torch.full_like(p, complex(value, value) if p.is_complex() else value)

"""Schedule-Free SGD and AdamW: torch edition."""

import torch
from torch import Tensor

from .engine.hyper import Hyper
from .engine.modes import ScheduleFree


class ScheduleFreeSGD(ScheduleFree):
    r"""Schedule-Free SGD: SGD on z, the mean x of z as the result, gradients in between at y.

    .. math::
        y_k &= (1 - \beta) z_k + \beta x_k, \qquad g = \nabla f(y_k) + \lambda y_k, \\
        z_{k+1} &= z_k - \gamma_k g, \qquad x_{k+1} = (1 - c_k) x_k + c_k z_{k+1},

    where :math:`\gamma_k = \alpha \min(1, k / T_w)` and :math:`c_k = w_k / \sum_{i \le k} w_i` with
    :math:`w_k = k^r (\max_{i \le k} \gamma_i)^p`. In training the parameters hold y, which moves by
    :math:`c_k (z_k - y_k) - \gamma_k (1 - \beta (1 - c_k)) g`; after ``eval()`` they hold x. The
    step number is the parameter's own: one that joins late starts its own mean.

    ::

        optimizer = ScheduleFreeSGD(model.parameters(), lr=0.5)
        optimizer.watch(model)  # a forward pass in the wrong mode is now an error
        ...                     # train as ever, then
        model.eval(), optimizer.eval()  # evaluate and save; train() of both goes on

    Args:
        params: parameters, or parameter groups, as for any ``torch.optim.Optimizer``.
        lr: step size :math:`\alpha \ge 0`, a number or a tensor of one element (1.0).
        momentum: :math:`\beta` in (0, 1), not to be changed between steps (0.9).
        weight_decay: :math:`\lambda \ge 0`, at y (0).
        warmup_steps: :math:`T_w`, steps of the linear warm-up (0).
        r: power :math:`r \ge 0` of the step number in the weights (0: all alike).
        weight_lr_power: power :math:`p \ge 0` of the largest step size so far (2).
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: see :class:`~adaopt.torch.engine.Rule`; RuntimeError
            too for a step in evaluation mode.

    Source: Defazio et al., The Road Less Scheduled (2024).
    """

    hyper = dict(lr=1.0, momentum=0.9, weight_decay=0.0, warmup_steps=0, r=0.0, weight_lr_power=2.0)
    buffers = ("z",)

    def beta(self, h: Hyper) -> float:
        return h.momentum

    def rule(self, y: Tensor, g: Tensor, h: Hyper, k: int, z: Tensor) -> None:
        if h.weight_decay:
            g = g.add(y, alpha=h.weight_decay)
        y.lerp_(z, h.c).add_(g, alpha=h.gamma * (h.momentum * (1 - h.c) - 1))
        z.sub_(g, alpha=h.gamma)


class ScheduleFreeAdamW(ScheduleFree):
    r"""Schedule-Free AdamW: as :class:`ScheduleFreeSGD`, with Adam's scaling and no momentum.

    .. math::
        v_k &= \beta_2 v_{k-1} + (1 - \beta_2) g_k^2, \qquad \hat v_k = v_k / (1 - \beta_2^k), \\
        z_{k+1} &= z_k - \gamma_k \left( g_k / (\sqrt{\hat v_k} + \varepsilon) + \lambda y_k \right)

    with :math:`g_k = \nabla f(y_k)` at :math:`y_k = (1 - \beta_1) z_k + \beta_1 x_k`; the
    weights of the mean x, the modes and the other arguments are those of :class:`ScheduleFreeSGD`.

    Args:
        params: parameters, or parameter groups, as for any ``torch.optim.Optimizer``.
        lr: step size :math:`\alpha \ge 0`, a number or a tensor of one element (0.0025).
        betas: :math:`\beta_1` in (0, 1), not to be changed between steps, and :math:`\beta_2` in
            [0, 1) (0.9, 0.999).
        eps: :math:`\varepsilon \ge 0` (1e-8).
        weight_decay, warmup_steps, r, weight_lr_power: see above (0, 0, 0, 2).
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: see :class:`ScheduleFreeSGD`.

    Source: Defazio et al. (2024), with the bias correction of their package, which the paper's form
    has not.
    """

    hyper = dict(
        lr=0.0025,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0.0,
        warmup_steps=0,
        r=0.0,
        weight_lr_power=2.0,
    )
    buffers = ("exp_avg_sq", "z")

    def rule(self, y: Tensor, g: Tensor, h: Hyper, k: int, v: Tensor, z: Tensor) -> None:
        beta1, beta2 = h.betas
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        u = (v / h.correction).sqrt_().add_(h.eps)
        torch.div(g, u, out=u)
        if h.weight_decay:
            u.add_(y, alpha=h.weight_decay)
        y.lerp_(z, h.c).add_(u, alpha=h.gamma * (beta1 * (1 - h.c) - 1))
        z.sub_(u, alpha=h.gamma)

    def numbers(self, h: Hyper, k: int, memory: dict[str, float]) -> dict[str, float]:
        return super().numbers(h, k, memory) | {"correction": 1 - h.betas[1] ** k}

"""Schedule-Free Prodigy: torch edition."""

import math

import torch
from torch import Tensor

from .engine.estimate import Estimate, total
from .engine.hyper import Hyper
from .engine.modes import ScheduleFree


class ScheduleFreeProdigy(ScheduleFree, Estimate):
    r"""Schedule-Free averaging of steps whose size d is Prodigy's estimate.

    .. math::
        r_k &= \sqrt{\beta_2}\, r_{k-1} + d_k^2 \alpha \langle g_k, z_1 - z_k \rangle, \qquad
        s_k = \sqrt{\beta_2}\, s_{k-1} + d_k^2 \alpha\, g_k, \\
        v_k &= \beta_2 v_{k-1} + (1 - \beta_2) d_k^2 g_k^2, \qquad
        d_{k+1} = \max(d_k, c\, r_k / \lVert s_k \rVert_1), \\
        z_{k+1} &= z_k - d_k \alpha \left( d_{k+1} g_k / (\sqrt{v_k} + d_{k+1} \varepsilon) +
        \lambda x_k \right), \qquad
        x_{k+1} = (1 - c_k) x_k + c_k z_{k+1},

    with :math:`g_k = \nabla f(y_k)` at :math:`y_k = (1 - \beta_1) z_k + \beta_1 x_k`, held by the
    parameters in training, and :math:`c_k = k^r / \sum_{i \le k} i^r`; after ``eval()`` they hold
    x. Sums go over all parameters of all groups. The state holds r, s and v divided by
    :math:`d_0^2`; d stands in the parameter groups as ``d``.

    Args:
        params: parameters, or parameter groups, as for any ``torch.optim.Optimizer``.
        lr: factor :math:`\alpha \ge 0` of the estimated step (1.0). Groups may differ in it only by
            being at 0.
        betas: :math:`\beta_1` in (0, 1), not to be changed between steps, and :math:`\beta_2` in
            [0, 1) (0.9, 0.9955).
        eps: :math:`\varepsilon \ge 0` (1e-8).
        weight_decay: :math:`\lambda \ge 0`, of x (0).
        r: power :math:`r \ge 0` of the step number in the weights (0.75).
        d0: first estimate :math:`d_0 > 0` (1e-6).
        d_coef: factor :math:`c > 0` of the estimate (1.0).
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: see :class:`~adaopt.torch.ScheduleFreeSGD` and
            :class:`~adaopt.torch.Prodigy`.

    Source: the submission to AlgoPerf v0.5 by the authors of Prodigy (Mishchenko and Defazio, 2024)
    and Schedule-Free (Defazio et al., 2024).
    """

    hyper = dict(
        lr=1.0, betas=(0.9, 0.9955), eps=1e-8, weight_decay=0.0, r=0.75, d0=1e-6, d_coef=1.0
    )
    fixed = dict(warmup_steps=0, weight_lr_power=0.0, beta3=None, growth_rate=math.inf)
    buffers = ("exp_avg_sq", "s", "z", "p0")
    kept = {**ScheduleFree.kept, **Estimate.kept}
    ranges = {**ScheduleFree.ranges, **Estimate.ranges}

    def numbers(self, h: Hyper, k: int, memory: dict[str, float]) -> dict[str, float]:
        weight = (h.d / h.d0) ** 2 * h.lr
        more = {
            "growth": h.d / h.d0,
            "weight": weight,
            "decay3": self.decay3(h),
            "gamma": h.d * h.lr,
        }
        return super().numbers(h, k, memory) | more

    def measure(
        self, y: Tensor, g: Tensor, h: Hyper, k: int, v: Tensor, s: Tensor, z: Tensor, z1: Tensor
    ) -> tuple[Tensor, Tensor]:
        s.mul_(h.decay3).add_(g, alpha=h.weight)
        return total(g * (z1 - z)) * h.weight, total(s.abs())

    def rule(
        self, y: Tensor, g: Tensor, h: Hyper, k: int, v: Tensor, s: Tensor, z: Tensor, z1: Tensor
    ) -> None:
        (beta1, beta2), lam = h.betas, h.weight_decay
        v.mul_(beta2).addcmul_(g, g, value=(1 - beta2) * h.growth**2)
        u = v.sqrt().add_(h.grown * h.eps)
        torch.div(g, u, out=u).mul_(h.grown)
        if lam:  # of x, which is y / beta1 + (1 - 1 / beta1) z
            u.add_(y, alpha=lam / beta1).add_(z, alpha=lam * (1 - 1 / beta1))
        y.lerp_(z, h.c).add_(u, alpha=h.gamma * (beta1 * (1 - h.c) - 1))
        z.sub_(u, alpha=h.gamma)

    def start(self, name: str, p: Tensor, h: Hyper) -> Tensor:
        return p.detach().clone() if name == "p0" else super().start(name, p, h)

"""Prodigy: torch edition."""

import math

from torch import Tensor

from .engine.estimate import Estimate, total
from .engine.hyper import Hyper


class Prodigy(Estimate):
    r"""Adam whose step size d estimates the distance from the start to the solution.

    .. math::
        r_k &= \beta_3 r_{k-1} + \tfrac{d_k}{d_0} \gamma_k \langle g_k, x_0 - x_k \rangle, \qquad
        s_k = \beta_3 s_{k-1} + \tfrac{d_k}{d_0} \gamma_k g_k, \qquad
        \hat d_{k+1} = c\, r_k / \lVert s_k \rVert_1, \\
        m_k &= \beta_1 m_{k-1} + (1 - \beta_1) d_k g_k, \qquad
        v_k = \beta_2 v_{k-1} + (1 - \beta_2) d_k^2 g_k^2, \\
        x_{k+1} &= x_k - \gamma_k \left( m_k / (\sqrt{v_k} + d_{k+1} \varepsilon) +
        \lambda x_k \right), \qquad \gamma_k = d_k \alpha,

    with :math:`d_{k+1} = \max(d_k, \hat d_{k+1})`, sums over all parameters of all groups. The
    state holds r, s and m divided by :math:`d_0` and v by :math:`d_0^2`, which keeps them in the
    range of half precision. d stands in the parameter groups as ``d``.

    Args:
        params: parameters, or parameter groups, as for any ``torch.optim.Optimizer``.
        lr: factor :math:`\alpha \ge 0` of the estimated step (1.0). Groups may differ in it only by
            being at 0: such a group stands still, and its gradients are not looked at.
        betas: :math:`\beta_1, \beta_2` in [0, 1) (0.9, 0.999).
        beta3: decay of r and s in [0, 1); None is the root of :math:`\beta_2` (None).
        eps: :math:`\varepsilon \ge 0` (1e-8).
        weight_decay: :math:`\lambda \ge 0` (0).
        decouple: False adds :math:`\lambda x` to the gradient instead (True).
        use_bias_correction: :math:`\gamma` times :math:`\sqrt{1 - \beta_2^k} / (1 - \beta_1^k)`
            (False).
        safeguard_warmup: :math:`d_k` in place of :math:`\gamma_k` in s (False).
        d0: first estimate :math:`d_0 > 0` (1e-6).
        d_coef: factor :math:`c > 0` of the estimate (1.0).
        growth_rate: d grows at most by this factor in a step once above d0; at least 1 (infinity).
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: see :class:`~adaopt.torch.engine.Rule`; RuntimeError
            too where the groups differ in lr (see above), beta3, d0, d_coef or growth_rate.

    Source: Mishchenko and Defazio, Prodigy (2024), with the options of its authors' package.
    """

    hyper = dict(
        lr=1.0,
        betas=(0.9, 0.999),
        beta3=None,
        eps=1e-8,
        weight_decay=0.0,
        decouple=True,
        use_bias_correction=False,
        safeguard_warmup=False,
        d0=1e-6,
        d_coef=1.0,
        growth_rate=math.inf,
    )
    buffers = ("exp_avg", "exp_avg_sq", "s", "p0")

    def numbers(self, h: Hyper, k: int, memory: dict[str, float]) -> dict[str, float]:
        (beta1, beta2), growth = h.betas, h.d / h.d0
        bias = math.sqrt(1 - beta2**k) / (1 - beta1**k) if h.use_bias_correction else 1.0
        return {
            "growth": growth,
            "gamma": h.d * h.lr * bias,
            "gain": growth**2 * h.lr * bias,
            "weight": growth**2 * (1.0 if h.safeguard_warmup else h.lr * bias),
            "decay3": self.decay3(h),
        }

    def measure(
        self, x: Tensor, g: Tensor, h: Hyper, k: int, m: Tensor, v: Tensor, s: Tensor, x0: Tensor
    ) -> tuple[Tensor, Tensor] | None:
        if not h.lr:
            return None
        if h.weight_decay and not h.decouple:
            g = g.add(x, alpha=h.weight_decay)
        s.mul_(h.decay3).add_(g, alpha=h.weight)
        return total(g * (x0 - x)) * h.gain, total(s.abs())

    def rule(
        self, x: Tensor, g: Tensor, h: Hyper, k: int, m: Tensor, v: Tensor, s: Tensor, x0: Tensor
    ) -> None:
        if not h.lr:
            return
        if h.weight_decay and not h.decouple:
            g = g.add(x, alpha=h.weight_decay)
        beta1, beta2 = h.betas
        m.mul_(beta1).add_(g, alpha=(1 - beta1) * h.growth)
        v.mul_(beta2).addcmul_(g, g, value=(1 - beta2) * h.growth**2)
        if h.weight_decay and h.decouple:
            x.mul_(1 - h.gamma * h.weight_decay)
        x.addcdiv_(m, v.sqrt().add_(h.grown * h.eps), value=-h.gamma)

    def start(self, name: str, p: Tensor, h: Hyper) -> Tensor:
        return p.detach().clone() if name == "p0" else super().start(name, p, h)

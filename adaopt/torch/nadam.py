"""NAdam in the three forms that are in use: torch edition."""

import math

from torch import Tensor

from .engine import Rule
from .engine.hyper import Hyper


class NAdam(Rule):
    r"""Adam that steps along the momentum as it will be, looking ahead by one gradient.

    With :math:`g = \nabla f(x_k) + \lambda x_k` (or the decay of AdamW, if decoupled), Adam's
    :math:`m_k, v_k, \hat v_k` and :math:`\Pi_k = \mu_1 \mu_2 \cdots \mu_k`

    .. math::
        \hat n_k = \frac{\mu_{k+1} m_k}{1 - \Pi_{k+1}} + \frac{(1 - \mu_k)\, g}{1 - \Pi_k}
        = a m_k + b g, \qquad x_{k+1} = x_k - \alpha \frac{\hat n_k}{\sqrt{\hat v_k} + \varepsilon}.

    Variants: ``"torch"``, the paper's schedule :math:`\mu_k = \beta_1 (1 - 0.96^{k \psi} / 2)`;
    ``"dozat"``, the paper's constant :math:`\mu_k = \beta_1`; ``"algoperf"``, constant too, and
    both parts divided by :math:`1 - \Pi_k = 1 - \beta_1^k`. The first is ``torch.optim.NAdam`` but
    for rounding, its state dict included (torch keeps :math:`\Pi_k` in the default dtype, hence in
    float32 unless that is changed; ours is float64).

    Args:
        params: parameters, or parameter groups, as for any ``torch.optim.Optimizer``.
        lr: step size :math:`\alpha \ge 0`, a number or a tensor of one element (2e-3).
        betas: :math:`(\beta_1, \beta_2)`, each in [0, 1) ((0.9, 0.999)).
        eps: :math:`\varepsilon \ge 0` (1e-8).
        weight_decay: :math:`\lambda \ge 0` (0).
        momentum_decay: :math:`\psi \ge 0` of ``"torch"`` (4e-3); at 0 the momentum stays at
            :math:`\beta_1 / 2`.
        decoupled_weight_decay: decay the weights apart from the gradient (False).
        variant: "torch", "dozat" or "algoperf" ("torch").
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: see :class:`~adaopt.torch.engine.Rule`.

    Source: Dozat (2016).
    """

    hyper = dict(
        lr=2e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0.0,
        momentum_decay=4e-3,
        decoupled_weight_decay=False,
        variant="torch",
    )
    buffers = ("exp_avg", "exp_avg_sq")
    absent = {"variant": "torch", "decoupled_weight_decay": False}
    remembers = ("mu_product",)
    choices = {"variant": ("torch", "dozat", "algoperf")}

    def rule(self, x: Tensor, g: Tensor, h: Hyper, k: int, m: Tensor, v: Tensor) -> None:
        beta1, beta2 = h.betas
        if h.weight_decay and h.decoupled_weight_decay:
            x.mul_(1 - h.lr * h.weight_decay)
        elif h.weight_decay:
            g = g.add(x, alpha=h.weight_decay)
        m.lerp_(g, 1 - beta1)
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        n = m.lerp(g, h.look)  # (a m + b g) / (a + b)
        x.addcdiv_(n, v.sqrt().add_(h.eps_k), value=-h.lr_k)

    def numbers(self, h: Hyper, k: int, memory: dict[str, float]) -> dict[str, float]:
        root = math.sqrt(1 - h.betas[1] ** k)
        mu, mu_next = (
            h.betas[0] * (1 - 0.96 ** (i * h.momentum_decay) / 2 if h.variant == "torch" else 1)
            for i in (k, k + 1)
        )
        product = memory["mu_product"] = memory.get("mu_product", 1.0) * mu
        a = mu_next / (1 - (product if h.variant == "algoperf" else product * mu_next))
        b = (1 - mu) / (1 - product)
        return {"look": b / (a + b), "lr_k": h.lr * root * (a + b), "eps_k": h.eps * root}

"""Muon: torch edition."""

import math

import torch
from torch import Tensor

from ...ranges import BELOW_ONE
from ..engine.hyper import Hyper
from .distributed import DistributedRule
from .polar import QUINTIC, express_coefficients, iterated, iterated_by_gram, polar_svd
from .rule import decayed, sides, stacked, unstacked

SMALL = 128  # a short side below it: bfloat16 saves less than its conversions cost


class Muon(DistributedRule):
    r"""Momentum, and of it only the direction: the polar factor in place of the matrix.

    .. math::
        M_k &= \mu M_{k-1} + (1 - \mu) G_k, \qquad
        N_k = \mu M_k + (1 - \mu) G_k \text{ (Nesterov) or } M_k, \\
        O_k &\approx U V^\top \text{ where } N_k = U \Sigma V^\top, \qquad
        X_{k+1} = (1 - \alpha \lambda) X_k - \alpha\, c\, O_k .

    Equal to ``torch.optim.Muon`` but for rounding where the precision of the iteration is the same,
    its state dict included; but a momentum in bfloat16 is not overwritten without Nesterov, and
    parameters of any order are taken: beyond two dimensions the matrix (first, all others), a
    vector as one column, whose factor is :math:`g / \|g\|`.

    Args:
        params: parameters, or parameter groups, as for any ``torch.optim.Optimizer``.
        lr: step size :math:`\alpha \ge 0`, a number or a tensor of one element (1e-3).
        weight_decay: :math:`\lambda \ge 0` (0.1).
        momentum: :math:`\mu \ge 0` (0.95).
        nesterov: look ahead by one gradient (True).
        ns_coefficients: :math:`(a, b, c)` of ``polar="quintic"`` ((3.4445, -4.7750, 2.0315)).
        eps: the least norm that N is divided by before the iteration (1e-7).
        ns_steps: steps of the iteration, 0 to 99 (5).
        adjust_lr_fn: :math:`c` for a matrix (m, n): None or "original"
            :math:`\sqrt{\max(1, m/n)}`, as in torch and the NanoGPT speedrun; "match_rms_adamw"
            :math:`0.2 \sqrt{\max(m, n)}`; "unit_rms" :math:`\sqrt{\max(m, n)}`, the speedrun's
            first form: the root mean square of a step is lr (None).
        polar: "quintic" near the factor; "polar_express" nearer; "svd" the factor itself.
        row_beta: None; or in [0, 1): NorMuon's second moment of the rows (of a wide matrix, the
            columns: its rows are even already), by which they are made even, the norm staying.
        cautious: decay only the entries that the step moves toward zero (False).
        ns_dtype: precision of the iteration, "bfloat16" (torch's), "float32" or "float64". None:
            float64 for parameters in it; else bfloat16, and float32 where the short side is less
            than 128. A processor without instructions for bfloat16 wants "float32".
        distributed: see :class:`~adaopt.torch.matrix.distributed.DistributedRule` (False).
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: as every
            :class:`~adaopt.torch.matrix.distributed.DistributedRule`.

    Source: Jordan et al. (2024); Amsel et al. (2026); Li et al. (2025); Liu et al. (2025).
    """

    hyper = dict(
        lr=1e-3,
        weight_decay=0.1,
        momentum=0.95,
        nesterov=True,
        ns_coefficients=QUINTIC,
        eps=1e-7,
        ns_steps=5,
        adjust_lr_fn=None,
        polar="quintic",
        row_beta=None,
        cautious=False,
    )
    layout = dict(ns_dtype=None)
    absent = dict(polar="quintic", row_beta=None, cautious=False, ns_dtype=None)
    buffers = ("momentum_buffer", "second_momentum_buffer")
    choices = {
        "adjust_lr_fn": (None, "original", "match_rms_adamw", "unit_rms"),
        "polar": ("quintic", "polar_express", "svd"),
        "ns_dtype": (None, "bfloat16", "float32", "float64"),
    }
    ranges = {"ns_steps": (0, 99), "row_beta": BELOW_ONE}

    def rule(
        self, x: list[Tensor], g: list[Tensor], h: Hyper, k: int, m: list[Tensor], v: list | None
    ) -> None:
        torch._foreach_lerp_(m, g, 1 - h.momentum)
        n = torch._foreach_lerp(g, m, h.momentum) if h.nesterov else m
        o = polar_factor(n, h)
        if v is not None:
            o = evened(o, v, h.row_beta)
        c, o = adjusted(h.adjust_lr_fn, *o.shape[1:]), unstacked(o, x)
        if h.weight_decay and h.cautious:
            inward = [o_ * x_ >= 0 for o_, x_ in zip(o, x, strict=True)]
            torch._foreach_addcmul_(x, x, inward, value=-h.lr * h.weight_decay)
        elif h.weight_decay:
            decayed(x, h)
        torch._foreach_add_(x, o, alpha=-h.lr * c)

    def needs(self, h: Hyper, p: Tensor) -> tuple[str, ...]:
        return self.buffers[:1] if h.row_beta is None else self.buffers

    def start(self, name: str, p: Tensor, h: Hyper) -> Tensor:
        if name == "momentum_buffer":
            return super().start(name, p, h)
        m, n = sides(p)
        shape = (m, 1) if m >= n else (1, n)
        return p.new_zeros(shape, dtype=torch.promote_types(p.dtype, torch.float32))

    def treatment(self, h: Hyper, p: Tensor) -> str:
        m, n = sides(p)
        how = f"{h.polar}, {h.ns_steps} steps in {iteration_dtype(h, p.dtype, min(m, n))}"
        return f"a matrix {m} x {n}, {'svd' if h.polar == 'svd' else how.replace('torch.', '')}"

    def _check_state(self, p: Tensor, values: dict, h: Hyper | None) -> None:
        if "momentum_buffer" in values:
            values.setdefault("step", 1)  # torch.optim.Muon does not count
        super()._check_state(p, values, h)


def iteration_dtype(h: Hyper, dtype: torch.dtype, short: int) -> torch.dtype:
    """The precision of the iteration for parameters of this dtype and short side."""
    if h.ns_dtype is not None:
        return getattr(torch, h.ns_dtype)
    if dtype == torch.float64:
        return dtype
    return torch.float32 if short < SMALL else torch.bfloat16


def polar_factor(n: list[Tensor], h: Hyper) -> Tensor:
    """The polar factors of matrices of one shape as a stack, exact or near, as h says."""
    if h.polar == "svd":
        return polar_svd(stacked(n), check=False)
    given = [h.ns_coefficients] * h.ns_steps
    table = given if h.polar == "quintic" else express_coefficients(h.ns_steps)
    dtype = iteration_dtype(h, n[0].dtype, min(sides(n[0])))
    y = stacked(n, dtype)
    y.div_(torch.linalg.vector_norm(y, dim=(1, 2), keepdim=True).clamp_(min=max(h.eps, 1e-30)))
    tall = y.shape[1] > y.shape[2]
    y = y.mT if tall else y
    gram = y.shape[2] >= 2 * y.shape[1] >= 64 and dtype != torch.bfloat16
    y = (iterated_by_gram if gram else iterated)(y, table)
    return y.mT if tall else y


def evened(o: Tensor, moments: list[Tensor], beta: float) -> Tensor:
    r"""Rows (columns of a wide matrix) divided by the root of their second moment; the norm stays.

    .. math:: v_k = \beta v_{k-1} + (1 - \beta)\, \overline{O_k^2}^{\,row}, \qquad
        P = O_k / \sqrt{v_k}, \qquad O_k \leftarrow P\, \|O_k\|_F / \|P\|_F .
    """
    o = o.to(moments[0].dtype)
    row = 2 if o.shape[1] >= o.shape[2] else 1
    v = torch.stack(moments).lerp_(o.square().mean(row, keepdim=True), 1 - beta)
    torch._foreach_copy_(moments, list(v))
    p = o / v.clamp(min=1e-10).sqrt()
    before, after = (torch.linalg.vector_norm(t, dim=(1, 2), keepdim=True) for t in (o, p))
    return p * (before / after.clamp(min=1e-10))


def adjusted(name: str | None, m: int, n: int) -> float:
    """The factor of the learning rate for a matrix (m, n)."""
    if name in (None, "original"):
        return math.sqrt(max(1, m / n))
    return math.sqrt(max(m, n)) * (0.2 if name == "match_rms_adamw" else 1)

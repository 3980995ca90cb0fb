"""Adafactor: torch edition."""

import math
from collections.abc import Callable, Iterable
from functools import reduce
from itertools import repeat

import torch
from torch import Tensor

from .engine import Rule, eager
from .engine.hyper import Hyper


class Adafactor(Rule):
    r"""Division by a factored second moment, steps relative to the size of the parameters.

    For a matrix, with :math:`\overline{\phantom{g}}` the mean over a row, a column or all:

    .. math::
        \hat\beta_k &= 1 - k^\tau, \qquad
        R_k = \hat\beta_k R_{k-1} + (1 - \hat\beta_k)\, \overline{g_k^2}^{\,row}, \qquad
        C_k = \hat\beta_k C_{k-1} + (1 - \hat\beta_k)\, \overline{g_k^2}^{\,col}, \\
        v &= \frac{R_k C_k}{\max(\overline{R_k}, \varepsilon_1)}, \qquad
        u = \frac{g_k}{\max(\sqrt{v}, \varepsilon_1)}, \qquad
        \hat u = \frac{u}{\max(1, \mathrm{RMS}(u) / d)}, \\
        x_{k+1} &= (1 - \alpha \lambda)\, x_k
        - \max(\varepsilon_2, \mathrm{RMS}(x_k)) \min(\alpha, 1 / \sqrt{k})\, \hat u .

    A vector or a scalar keeps all of :math:`v`; of more dimensions the last two are factored. Equal
    to ``torch.optim.Adafactor`` but for rounding, its state dict included.

    Args:
        params: parameters, or parameter groups, as for any ``torch.optim.Optimizer``.
        lr: :math:`\alpha \ge 0`, the largest relative step, a number or 1-element tensor (1e-2).
        beta2_decay: :math:`\tau \le 0` (-0.8).
        eps: :math:`\varepsilon_1, \varepsilon_2 \ge 0`; None: that of the dtype ((None, 1e-3)).
        d: :math:`d \ge 1`, the largest root mean square of the divided gradient (1).
        weight_decay: :math:`\lambda \ge 0` (0).
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: as every ``Rule``; RuntimeError: a complex parameter.

    Source: Shazeer and Stern (2018), in the form of ``torch.optim``.
    """

    hyper = dict(lr=1e-2, beta2_decay=-0.8, eps=(None, 1e-3), d=1.0, weight_decay=0.0)
    buffers = ("row_var", "col_var", "variance")
    ranges = {"beta2_decay": (-math.inf, 0.0), "d": (1.0, math.inf)}
    elementwise = False

    def rule(
        self, x: Tensor, g: Tensor, h: Hyper, k: int, r: Tensor, c: Tensor, v: Tensor | None
    ) -> None:
        dtype = getattr(h, "dtype", x.dtype)  # the kernel of low precision sees float32
        eps1 = torch.finfo(dtype).eps if h.eps[0] is None else h.eps[0]
        n = math.sqrt(x.numel())
        size = x.norm().clamp(min=h.eps[1] * n)  # the larger of RMS(x) and eps2, times n
        if h.weight_decay:
            x.mul_(1 - h.lr * h.weight_decay)
        u = divided(k, x, g, moved(k, g, (r, c, v), h.fresh, eps1), eps1)
        step = size * (h.rho * h.d) / norm(u()).clamp(min=h.d * n)
        for x_, u_ in u():
            x_.addcmul_(u_, step, value=-1)

    def numbers(self, h: Hyper, k: int, memory: dict[str, float]) -> dict[str, float]:
        return dict(fresh=k**h.beta2_decay, rho=min(h.lr, 1 / math.sqrt(k)))

    def needs(self, h: Hyper, p: Tensor) -> tuple[str, ...]:
        return self.buffers[:2] if p.dim() > 1 else self.buffers[2:]

    def start(self, name: str, p: Tensor, h: Hyper) -> Tensor:
        like = p if name == "variance" else p[..., :1] if name == "row_var" else p[..., :1, :]
        return torch.zeros_like(like, memory_format=torch.contiguous_format)


def moved(k: int, g: Tensor, state: tuple, fresh: float, eps1: float) -> tuple[Tensor, ...]:
    """Move the averages on; the root of v, or its factors by row and by column."""
    r, c, v = state
    if v is not None:
        return (v.mul_(1 - fresh).addcmul_(g, g, value=fresh).sqrt(),)
    c.mul_(1 - fresh)
    for g_, r_, c_ in parts(k, g, r, c):
        g2 = g_.square()
        r_.lerp_(g2.mean(-1, keepdim=True), fresh)
        c_.add_(g2.mean(-2, keepdim=True), alpha=fresh * g_.size(-2) / max(1, g.size(-2)))
    return (r / r.mean(-2, keepdim=True).clamp(min=eps1)).sqrt_(), c.sqrt()


def divided(k: int, x: Tensor, g: Tensor, roots: tuple, eps1: float) -> Callable[[], Iterable]:
    """Views of x, each with its gradient over the root of v; if several, made anew at each call."""
    cut = list(parts(k, x, g, *roots))

    def pairs() -> Iterable[tuple[Tensor, Tensor]]:
        return ((x_, g_ / reduce(torch.mul, v_).clamp_(min=eps1)) for x_, g_, *v_ in cut)

    once = list(pairs()) if len(cut) == 1 else None
    return pairs if once is None else lambda: once


def norm(u: Iterable[tuple[Tensor, Tensor]]) -> Tensor:
    """The norm of the divided gradient, of all its views together."""
    first, *rest = (u_.norm() for _, u_ in u)
    return torch.stack([first, *rest]).norm() if rest else first


def parts(k: int, x: Tensor, *others: Tensor) -> Iterable[tuple[Tensor, ...]]:
    """On CPU, whatever ``foreach`` says, cut along the first dimension into cache-sized views.

    Tensors that are one long there are repeated. When traced, k being no integer, nothing is cut.
    """
    whole = x.numel() <= eager.BLOCK or x.device.type != "cpu" or type(x) not in eager.PLAIN
    if whole or 0 in x.stride() or type(k) is not int:
        return ((x, *others),)
    rows = max(1, eager.BLOCK * len(x) // x.numel())
    cut = (t.split(rows) if len(t) == len(x) else repeat(t) for t in (x, *others))
    return zip(*cut, strict=False)

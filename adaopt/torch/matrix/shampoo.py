"""Shampoo: torch edition."""

import math
import operator
from itertools import chain, compress, repeat
from typing import Any

import torch
from torch import Tensor

from ...ranges import BELOW_ONE, FRACTION, NON_NEGATIVE, POSITIVE
from ..engine.hyper import Hyper
from ..engine.rule import Batch
from .blocks import Layout, layout, turns
from .distributed import DistributedRule
from .factors import Factors, averaged, factors, moved, norm, refresh, second_moment, times
from .roots import INVERSE_ROOTS
from .rule import decayed


class Shampoo(DistributedRule):
    r"""The gradient, divided along every dimension by a root of its second moment there.

    .. math::
        L_k &= \beta L_{k-1} + (1 - \beta)\, G_k G_k^\top, \qquad
        R_k = \beta R_{k-1} + (1 - \beta)\, G_k^\top G_k, \\
        X_{k+1} &= X_k - \alpha\, (L_k + \varepsilon I)^{-1/4}\, G_k\, (R_k + \varepsilon I)^{-1/4}.

    A tensor of order p has p matrices, and the exponent :math:`-1 / (2p)`. Averages before and
    after the roots, and grafting, stand in the formulas of :class:`adaopt.numpy.Shampoo`.

    Every dimension is cut, as evenly as can be, into blocks, and each block is treated as a tensor
    of its own, its grafted length included. Roots that are due only every so many steps are
    computed for some blocks at each step, so that steps take equal times; the first ones, at
    ``start_step``, for all. :meth:`describe` says what becomes of every parameter.

    Args:
        params: parameters, or parameter groups, as for any ``torch.optim.Optimizer``.
        lr: step size :math:`\alpha \ge 0`, a number or a tensor of one element (1e-2).
        beta: :math:`\beta \in [0, 1]` of the matrices; 1: sums (0.95).
        eps: :math:`\varepsilon \ge 0`; 0: roots of the pseudo-inverse (1e-6).
        exponent: of every root, without its sign; None: :math:`1 / (2p)`, p without skipped
            dimensions (None).
        betas: of the averaged gradient and of the grafted method's squares ((0, 0.999)).
        momentum: :math:`\mu \in [0, 1)` of the average of the steps (0).
        nesterov: look ahead along it (False).
        weight_decay: :math:`\lambda \ge 0` (0).
        grafting: None, "sgd", "adagrad", "rmsprop", "adam" or "nadam": whose step gives the length
            (None).
        graft_eps: eps of that method (1e-8).
        bias_correction: divide the matrices by :math:`1 - \beta^k` (False).
        precondition_frequency: steps from one root of a block to the next (1).
        start_step: the first step with roots; before it the grafted method's step (1).
        block_size: the largest size of a block (128).
        merge_dims: neighbouring dimensions are one while their product is at most this, for which
            strides must allow a view; 0: never (0).
        max_dim: a larger dimension is not cut and has no matrix (8192).
        large: such a dimension has the diagonal of its matrix ("diagonal"), or nothing ("skip").
        root: "eigh", "newton" or "newton_schulz" of :mod:`adaopt.torch.matrix.roots`; "auto": eigh,
            in float64, on the CPU, and Newton's iteration, which waits for nothing, elsewhere.
        stagger: give blocks their roots in turn, not all at the same step (True).
        tolerance: on the CPU a factor keeps its old root P when its turn comes if that still is a
            root, :math:`\|P^{1/e} (S + \varepsilon I) - I\|_F / \sqrt n` at most this (0).
        distributed: see :class:`~adaopt.torch.matrix.distributed.DistributedRule`.
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.matrix.rule.MatrixRule`.

    Raises:
        ValueError, TypeError, RuntimeError: as every ``MatrixRule``; ValueError: on the CPU,
            matrices that are not finite, as their gradients were not.

    Source: Gupta, Koren and Singer (2018); Anil et al. (2020), blocks, grafting and rare roots; Shi
    et al. (2023), blocks as tensors of their own.
    """

    hyper = dict(
        lr=1e-2,
        beta=0.95,
        eps=1e-6,
        exponent=None,
        betas=(0.0, 0.999),
        momentum=0.0,
        nesterov=False,
        weight_decay=0.0,
        grafting=None,
        graft_eps=1e-8,
        bias_correction=False,
        precondition_frequency=1,
        start_step=1,
    )
    layout = dict(
        block_size=128,
        merge_dims=0,
        max_dim=8192,
        large="diagonal",
        root="auto",
        stagger=True,
        tolerance=0.0,
    )
    buffers = ("exp_avg", "exp_avg_sq", "momentum_buffer", "statistics", "roots")
    choices = {
        "grafting": (None, "sgd", "adagrad", "rmsprop", "adam", "nadam"),
        "large": ("diagonal", "skip"),
        "root": ("auto", *INVERSE_ROOTS),
    }
    ranges = {
        **{"beta": FRACTION, "exponent": POSITIVE, "momentum": BELOW_ONE},
        **dict.fromkeys(("graft_eps", "merge_dims", "max_dim", "tolerance"), NON_NEGATIVE),
        **dict.fromkeys(("precondition_frequency", "start_step", "block_size"), (1, math.inf)),
    }

    def rule(
        self, x: list[Tensor], g: list[Tensor], h: Hyper, k: int, *buffers: list[Tensor] | None
    ) -> None:
        m, v, b, *matrices = buffers
        G = torch.stack(g).to(torch.promote_types(x[0].dtype, torch.float32))
        u, a = self.grafted(G, h, m, v)
        kept = [factors(flat, G.shape[1:], h) for flat in matrices if flat]
        if kept:
            self.observed(G, h, *kept)
        d = self.preconditioned(u, kept[1], h) if kept and k >= h.start_step else a
        if h.grafting:
            d = d * (norm(a) / norm(d).clamp(min=torch.finfo(d.dtype).tiny))
        if h.momentum:
            d = averaged(b, d, h.momentum, h.nesterov)
        if h.weight_decay:
            decayed(x, h)
        torch._foreach_add_(x, list(d), alpha=-h.lr)

    def observed(self, G: Tensor, h: Hyper, S: Factors, P: Factors) -> None:
        """Move on the second moments, and compute the roots anew of blocks whose turn it is."""
        for axis, s in S.items():
            moved(s, second_moment(G, axis, s[0].dim() == 1), h.beta)
        if h.due:
            self.renewed(S, P, h)

    def renewed(self, S: Factors, P: Factors, h: Hyper) -> None:
        """Compute the roots anew."""
        for axis, s in S.items():
            refresh(s, P[axis], h, h.exponent or self.usual(h, len(S)))

    def usual(self, h: Hyper, order: int) -> float:
        """The exponent of a tensor with this many factors."""
        return 1 / (2 * order)

    def preconditioned(self, u: Tensor, P: Factors, h: Hyper) -> Tensor:
        """Every dimension multiplied by its root."""
        for axis, p in P.items():
            u = times(torch.stack(p), u, axis)
        return u

    def grafted(
        self, g: Tensor, h: Hyper, m: list[Tensor] | None, v: list[Tensor] | None
    ) -> tuple[Tensor, Tensor]:
        """What the roots act on, and the step whose length is taken."""
        u = averaged(m, g, h.betas[0], h.grafting == "nadam") / h.corrected1 if m else g
        if not v:
            return u, u
        moved(v, g * g, 1.0 if h.grafting == "adagrad" else h.betas[1])
        return u, u / ((torch.stack(v) / h.corrected2).sqrt_() + h.graft_eps)

    def numbers(self, h: Hyper, k: int, memory: dict[str, float]) -> dict[str, Any]:
        return dict(
            corrected=1 - h.beta**k if h.bias_correction and h.beta < 1 else 1.0,
            corrected1=1 - h.betas[0] ** k,
            corrected2=1 - h.betas[1] ** k if h.grafting in ("adam", "nadam") else 1.0,
        )

    def check(self, h: Hyper) -> None:
        powers = h.tolerance or h.root in ("newton", "newton_schulz")
        if powers and h.exponent and abs(1 / h.exponent - round(1 / h.exponent)) > 1e-9:
            raise ValueError("`tolerance` and roots by iterations want a whole 1 / exponent")

    # Blocks.

    def plan(self, p: Tensor, h: Hyper, own: list[bool] | None = None) -> Layout:
        """How a parameter is cut; blocks that another process owns have no factors here."""
        plan = layout(tuple(p.shape), h.block_size, h.merge_dims, h.max_dim, h.large)
        if own is None:
            return plan
        return plan._replace(lengths=tuple(map(operator.mul, plan.lengths, own)))

    def costs(self, h: Hyper, p: Tensor) -> tuple[int, ...]:
        return self.plan(p, h).costs

    def pieces(self, h: Hyper, p: Tensor) -> list[Tensor]:
        plan = self.plan(p, h)
        return plan.pieces(p.view(plan.shape))

    def prepare(self, groups: list[tuple[dict[str, Any], Hyper]]) -> None:
        """Give every block its turn among the steps between two computations of its roots."""
        self._turns = {}
        for group, h in groups:
            plans = tuple(self.plan(p, h) for p in group["params"])
            chosen = turns(plans, h.precondition_frequency if h.stagger else 1)
            self._turns.update(zip(group["params"], chosen, strict=True))

    def _apply(self, name: str, batch: Batch) -> list:
        """Call the rule on the blocks of all rows, those whose roots are due apart."""
        h, parts = batch.h, {False: [], True: []}
        age = batch.k - h.start_step
        for x, *others in batch.rows:
            own = self.own(h, x)
            plan = self.plan(x, h, own)
            blocks = plan.rows(x.view(plan.shape), *others)
            steps = self._turns.get(x) or self._turns[x._base]  # a number comes as a view (1,)
            for turn, row, mine in zip(steps, blocks, own or repeat(True), strict=False):
                due = age >= 0 and (age == 0 or (age + turn) % h.precondition_frequency == 0)
                parts[due] += [row] * mine
        for due, rows in parts.items():
            super()._apply(name, batch._replace(rows=rows, numbers=batch.numbers | {"due": due}))
        return []

    def needs(self, h: Hyper, p: Tensor) -> tuple[str, ...]:
        second, factors = h.grafting not in (None, "sgd"), sum(self.plan(p, h).lengths)
        wanted = h.betas[0], second, h.momentum, factors, factors
        return tuple(compress(self.buffers, wanted))

    def start(self, name: str, p: Tensor, h: Hyper) -> Tensor:
        """Zeros, but for the roots: ones on their diagonals."""
        dtype = torch.promote_types(p.dtype, torch.float32)
        if name in self.buffers[:3]:
            return torch.zeros(p.shape, dtype=dtype, device=p.device)
        plan = self.plan(p, h, self.own(h, p))
        flat = torch.zeros(sum(plan.lengths), dtype=dtype, device=p.device)
        if name == "roots":
            for shape, block in zip(plan.blocks, flat.split(plan.lengths), strict=True):
                for factor in chain(*factors([block], shape, h).values()) if len(block) else ():
                    factor.fill_(1) if factor.dim() == 1 else factor.fill_diagonal_(1)
        return flat

    def treatment(self, h: Hyper, p: Tensor) -> str:
        """Merged shape, number of blocks, and what of the dimensions has no matrix, and why."""
        plan = self.plan(p, h)
        words = [f"{len(plan.costs)} block{'s' * (len(plan.costs) > 1)} of {next(plan.blocks)}"]
        fate = "skipped" if h.large == "skip" else h.large
        words += [f"{n} > max_dim {h.max_dim}: {fate}" for n in plan.shape if n > h.max_dim]
        return ", ".join(words)

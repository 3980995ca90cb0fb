"""SOAP: torch edition."""

import math
from typing import Any

import torch
from torch import Tensor

from ...ranges import BELOW_ONE
from ..engine.hyper import Hyper
from ..engine.rule import Batch
from .blocks import Layout, layout, turns
from .distributed import DistributedRule
from .factors import Factors, factors
from .rule import decayed, sides


class SOAP(DistributedRule):
    r"""Adam in the eigenbasis of Shampoo's matrices.

    .. math::
        G_k' &= Q_L^\top G_k Q_R, \qquad M_k' = \beta_1 M_{k-1}' + (1 - \beta_1)\, G_k', \qquad
        V_k = \beta_2 V_{k-1} + (1 - \beta_2)\, G_k'^2, \\
        X_{k+1} &= (1 - \alpha \lambda) \Bigl( X_k -
        \alpha \frac{\sqrt{1 - \beta_2^{k-1}}}{1 - \beta_1^{k-1}}
        Q_L \frac{M_k'}{\sqrt{V_k} + \varepsilon} Q_R^\top \Bigr), \\
        L_k &= \beta L_{k-1} + (1 - \beta)\, G_k G_k^\top, \qquad
        R_k = \beta R_{k-1} + (1 - \beta)\, G_k^\top G_k .

    The first step moves nothing: it finds :math:`Q_L, Q_R`, the singular vectors of :math:`G_1`.
    Every few steps later one step of power iteration follows L and R, and :math:`M'`, kept in the
    basis (the paper keeps M, and turns it in every step), is turned with it. A parameter of more
    dimensions is the matrix (first, all others). A vector is stepped as by Adam, and a dimension
    that is too large keeps its axes. State and matrices are float32 at least.

    Args:
        params: parameters, or parameter groups, as for any ``torch.optim.Optimizer``.
        lr: step size :math:`\alpha \ge 0`, a number or a tensor of one element (3e-3).
        betas: :math:`(\beta_1, \beta_2)`, each in [0, 1) (0.95, 0.95).
        shampoo_beta: :math:`\beta` in [0, 1); None: :math:`\beta_2` (None).
        eps: :math:`\varepsilon \ge 0` (1e-8).
        weight_decay: :math:`\lambda \ge 0`, after the step (1e-2).
        precondition_frequency: steps from one basis to the next (10).
        max_precondition_dim: a longer dimension keeps its axes (10000).
        block_size: the longest side of a block (128); a large one gives the authors' method.
        stagger: give every block its turn among the steps between two bases, so that no step takes
            much longer than others; else all are computed at once, as the authors do (False).
        distributed: see :class:`~adaopt.torch.matrix.distributed.DistributedRule` (False).
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: as every
            :class:`~adaopt.torch.matrix.distributed.DistributedRule`.

    Source: Vyas et al. (2025), algorithm 3 and the authors' program.
    """

    hyper = dict(
        lr=3e-3,
        betas=(0.95, 0.95),
        shampoo_beta=None,
        eps=1e-8,
        weight_decay=1e-2,
        precondition_frequency=10,
        max_precondition_dim=10000,
    )
    layout = dict(block_size=128, stagger=False)
    fixed = dict(large="skip")
    buffers = ("exp_avg", "exp_avg_sq", "statistics", "bases")
    ranges = {
        "shampoo_beta": BELOW_ONE,
        "precondition_frequency": (1, math.inf),
        "max_precondition_dim": (0, math.inf),
        "block_size": (1, math.inf),
    }

    def rule(
        self, x: list[Tensor], g: list[Tensor], h: Hyper, k: int, *buffers: list[Tensor] | None
    ) -> None:
        m, v, _, *flat = buffers
        g = [t.to(m[0].dtype) for t in g]
        S, Q = (factors(f, x[0].shape, h) if f else {} for f in flat)
        if k > 1:
            turned = into(Q, g)
            torch._foreach_lerp_(m, turned, 1 - h.betas[0])
            torch._foreach_mul_(v, h.betas[1])
            torch._foreach_addcmul_(v, turned, turned, 1 - h.betas[1])
            d = torch._foreach_add(torch._foreach_sqrt(v), h.eps)
            torch._foreach_add_(x, back(Q, torch._foreach_div(m, d)), alpha=-h.lr_k)
            decayed(x, h)
        observed(g, S, h.beta)
        if h.due:
            (first_basis if k == 1 else followed)(g, S, Q, m, v)

    def numbers(self, h: Hyper, k: int, memory: dict[str, float]) -> dict[str, float]:
        (beta1, beta2), t = h.betas, k - 1
        return dict(
            lr_k=h.lr * math.sqrt(1 - beta2**t) / (1 - beta1**t) if t else 0.0,
            beta=beta2 if h.shampoo_beta is None else h.shampoo_beta,
            max_dim=h.max_precondition_dim,
        )

    def plan(self, p: Tensor, h: Hyper) -> Layout:
        """The blocks of the matrix that a parameter is; a vector has no matrices."""
        most = h.max_precondition_dim if p.dim() > 1 else 0
        return layout(sides(p), h.block_size, 0, most, h.large)

    def prepare(self, groups: list[tuple[dict[str, Any], Hyper]]) -> None:
        """Give every block its turn."""
        self._turns = {}
        for group, h in groups:
            plans = tuple(self.plan(p, h) for p in group["params"])
            chosen = turns(plans, h.precondition_frequency if h.stagger else 1)
            self._turns.update(zip(group["params"], chosen, strict=True))

    def _apply(self, name: str, batch: Batch) -> list:
        """Call the rule on the blocks of all rows, those whose bases are due apart."""
        h, t, parts, copies = batch.h, batch.k - 1, {False: [], True: []}, []
        for x, g, m, v, *flat in batch.rows:
            p = x if x in self._turns else x._base  # a number comes as a view (1,)
            plan = self.plan(p, h)
            whole = x.reshape(plan.shape)
            if whole.data_ptr() != x.data_ptr():  # strides that allow no view
                copies.append((x, whole))
            for turn, row in zip(
                self._turns[p], plan.rows(whole, g, m, v, None, *flat), strict=True
            ):
                due = not t or (t + turn) % h.precondition_frequency == 0
                parts[due].append(row)
        for due, rows in parts.items():
            super()._apply(name, batch._replace(rows=rows, numbers=batch.numbers | {"due": due}))
        for x, whole in copies:
            x.copy_(whole.view(x.shape))
        return []

    def needs(self, h: Hyper, p: Tensor) -> tuple[str, ...]:
        return self.buffers if sum(self.plan(p, h).lengths) else self.buffers[:2]

    def start(self, name: str, p: Tensor, h: Hyper) -> Tensor:
        shape = p.shape if "exp" in name else sum(self.plan(p, h).lengths)
        return p.new_zeros(shape, dtype=torch.promote_types(p.dtype, torch.float32))

    def treatment(self, h: Hyper, p: Tensor) -> str:
        plan = self.plan(p, h)
        if not sum(plan.lengths):
            return "Adam"
        words = [f"{len(plan.costs)} block{'s' * (len(plan.costs) > 1)} of {next(plan.blocks)}"]
        return ", ".join(
            words + [f"{n} keeps its axes" for n in plan.shape if n > h.max_precondition_dim]
        )


def into(Q: Factors, matrices: list[Tensor]) -> list[Tensor]:
    """Q_L' A Q_R of every matrix A; without a basis the side stays."""
    if 0 in Q:
        matrices = [q.mT @ a for q, a in zip(Q[0], matrices, strict=True)]
    return [a @ q for q, a in zip(Q[1], matrices, strict=True)] if 1 in Q else matrices


def back(Q: Factors, matrices: list[Tensor]) -> list[Tensor]:
    """Q_L A Q_R'."""
    return into({side: [q.mT for q in bases] for side, bases in Q.items()}, matrices)


def observed(g: list[Tensor], S: Factors, beta: float) -> None:
    """Move on L and R."""
    for side, matrices in S.items():
        for s, a in zip(matrices, g, strict=True):
            h = a.mT if side else a
            s.addmm_(h, h.mT, beta=beta, alpha=1 - beta)


def first_basis(g: list[Tensor], S: Factors, Q: Factors, *_: list[Tensor]) -> None:
    """The singular vectors of every G: of the short side by eigenvalues, of the long side by the
    QR decomposition of what G makes of them, whose completion does not depend on rounding."""
    for i, a in enumerate(g):
        bases = [Q[side][i] if side in Q else None for side in (0, 1)]
        if len(a) < a.shape[1]:
            a, bases = a.mT, bases[::-1]
        long, short = bases
        vectors = torch.linalg.eigh(a.mT @ a).eigenvectors.flip(1)
        if short is not None:
            short.copy_(vectors)
        if long is not None:
            long.copy_(torch.linalg.qr(a @ vectors, mode="complete").Q)


def followed(g: list[Tensor], S: Factors, Q: Factors, m: list[Tensor], v: list[Tensor]) -> None:
    """One step of power iteration on each side; the moments follow."""
    for side in S:
        for s, q, M, V in zip(S[side], Q[side], m, v, strict=True):
            product = s @ q
            order = (q * product).sum(0).argsort(descending=True)
            new = torch.linalg.qr(product[:, order]).Q
            M.copy_((M @ q.mT) @ new if side else new.mT @ (q @ M))
            V.copy_(V.index_select(side, order))
            q.copy_(new)

"""Prodigy's estimate of the distance to the solution, one for all parameters."""

import math
from typing import Any

import torch
from torch import Tensor

from adaopt.ranges import BELOW_ONE, POSITIVE

from .hyper import Hyper
from .rule import Rule


def total(t: Tensor) -> Tensor:
    """The sum over a tensor, in single precision at least; of a DTensor over all its shards."""
    t = t.sum(dtype=torch.promote_types(t.dtype, torch.float32))
    return t.full_tensor() if hasattr(t, "full_tensor") else t


class Estimate(Rule):
    """A rule whose ``measure`` returns what the two sums of the estimate gain from one block.

    These are the new part of the numerator and the norm of s. The rule finds the estimate that the
    step began with as ``h.d``, and the new one over ``d0`` as ``h.grown``.
    """

    kept = {"d": "d0", "d_max": "d0", "d_numerator": 0.0}
    ranges = {"beta3": BELOW_ONE, "d0": POSITIVE, "d_coef": POSITIVE, "growth_rate": (1, math.inf)}

    def decay3(self, h: Hyper) -> float:
        return math.sqrt(h.betas[1]) if h.beta3 is None else h.beta3

    def prepare(self, groups: list[tuple[dict[str, Any], Hyper]]) -> None:
        rates = sorted({h.lr for _, h in groups if h.lr})
        if len(rates) > 1:
            raise RuntimeError(f"the learning rates of the groups must be equal or 0, not {rates}")
        common = {(self.decay3(h), h.d0, h.d_coef, h.growth_rate) for _, h in groups}
        if len(common) > 1:
            raise RuntimeError(
                "there is one d for all groups, so that (beta3, d0, d_coef, growth_rate) must "
                f"be the same in them, not {sorted(common)}"
            )
        for _, h in groups:
            h.d = groups[0][0]["d"]

    def advance(
        self, groups: list[tuple[dict[str, Any], Hyper]], totals: tuple[float, ...]
    ) -> None:
        first, h = groups[0]
        d = h.d
        if totals and totals[1]:  # else there is no gradient so far, nothing learnt
            first["d_numerator"] = self.decay3(h) * first["d_numerator"] + totals[0]
            d_hat = h.d_coef * first["d_numerator"] / totals[1]
            first["d_max"] = max(first["d_max"], d_hat)
            d = min(first["d_max"], (max(d, d_hat) if d == h.d0 else d) * h.growth_rate)
        for group, h in groups:
            group.update(d=d, d_max=first["d_max"], d_numerator=first["d_numerator"])
            h.grown = d / h.d0

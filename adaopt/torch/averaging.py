"""Averages of the iterates of any optimizer, for evaluation: torch edition."""

import math
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from adaopt.ranges import BELOW_ONE

from .engine.averaging import Averaging

COUNT = (1.0, math.inf)


class LAWA(Averaging):
    r"""Latest weight averaging: of snapshots of x taken every few steps.

    Snapshots :math:`s_1, s_2, \dots` are the iterates after the steps start + 1,
    start + 1 + interval, start + 1 + 2 interval, ... The average is, after n of them,

    .. math::
        \bar x = \frac1k \sum_{i=n-k+1}^n s_i \quad (n \ge k, \text{ queue})
        \qquad\text{or}\qquad
        e_1 = s_1, \quad e_n = \beta e_{n-1} + (1 - \beta) s_n \quad (\text{ema}).

    ::

        optimizer = LAWA(AdamW(model.parameters()), interval=50)  # train with it as ever, then
        with optimizer.averaged():
            evaluate(model)

    Args:
        optimizer: any ``torch.optim.Optimizer``; its iterates are not changed.
        mode: "queue" or "ema".
        k: length of the queue, >= 1; there is no average before it is full (10).
        interval: steps from one snapshot to the next, >= 1 (100).
        start: steps before the first snapshot may be taken, >= 0 (0).
        beta: weight of the old average in mode "ema", in [0, 1); 0 is the last snapshot (0.9).
        device: where the snapshots are kept, None being with the parameters ("cpu").

    Raises:
        TypeError, ValueError: an argument is not of the kind or size said; by name.

    Source: Kaddour (2022), as in the submissions to AlgoPerf v0.5.
    """

    settings = dict(mode="queue", k=10, interval=100, start=0, beta=0.9)
    choices = {"mode": ("queue", "ema")}
    ranges = {"k": COUNT, "interval": COUNT, "start": (0.0, math.inf), "beta": BELOW_ONE}

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "queue",
        k: int = 10,
        interval: int = 100,
        start: int = 0,
        beta: float = 0.9,
        device: Any = "cpu",
    ) -> None:
        super().__init__(optimizer, device, (mode, k, interval, start, beta))

    def due(self, j: int) -> bool:
        return super().due(j) and (j - self.h.start) % self.h.interval == 0

    def add(self, values: list[Tensor]) -> None:
        if self.exact or not self.kept:
            self.kept = [*self.kept, self._copies(values, self.exact)][-self.h.k :]
        else:
            for e, s in zip(self.kept[0], values, strict=True):
                e.lerp_(s.to(e), 1 - self.h.beta)

    def average(self) -> list[Tensor] | None:
        if len(self.kept) < (self.h.k if self.exact else 1):
            return None
        means = self._copies(self.kept[0], exact=False)
        for mean, *others in zip(means, *self.kept[1:], strict=True):
            for s in others:
                mean.add_(s)
            mean.div_(len(self.kept))
        return means

    @property
    def exact(self) -> bool:
        return self.h.mode == "queue"


class PolyakAverage(Averaging):
    r"""The mean of all iterates after the first ``start`` steps.

    .. math:: \bar x_n = \bar x_{n-1} + (x - \bar x_{n-1}) / n.

    Args:
        optimizer: any ``torch.optim.Optimizer``; its iterates are not changed.
        start: steps whose iterates are left out, >= 0; the start x is never in (0).
        device: where the mean is kept; None is with the parameters (None).

    Raises:
        TypeError, ValueError: an argument is not of the kind or size said; by name.

    Source: Polyak and Juditsky (1992).
    """

    settings = dict(start=0)
    ranges = {"start": (0.0, math.inf)}

    def __init__(self, optimizer: Optimizer, start: int = 0, device: Any = None) -> None:
        super().__init__(optimizer, device, (start,))

    def add(self, values: list[Tensor]) -> None:
        if not self.kept:
            self.kept = [self._copies(values, exact=False)]
        for mean, x in zip(self.kept[0], values, strict=True):
            mean.lerp_(x.to(mean), 1 / self.n)

    def average(self) -> list[Tensor] | None:
        return [mean.clone() for mean in self.kept[0]] if self.kept else None

"""Latest weight averaging, of the iterates of any method."""

import math
from collections import deque

import numpy as np

from adaopt.numpy.averaging import Averaging, each
from adaopt.numpy.rule import Arrays, Rule
from adaopt.ranges import BELOW_ONE, checked


class LAWA(Averaging):
    r"""Latest weight averaging: of snapshots of x taken every few steps.

    Snapshots :math:`s_1, s_2, \dots` are the iterates after the steps start + 1,
    start + 1 + interval, start + 1 + 2 interval, ... The average is, after n of them,

    .. math::

        \bar x = \frac1k \sum_{i=n-k+1}^n s_i \quad (n \ge k, \text{ queue})
        \qquad\text{or}\qquad
        e_1 = s_1, \quad e_n = \beta e_{n-1} + (1 - \beta)\, s_n \quad (\text{ema}).

    Args:
        optimizer: any rule of ``adaopt.numpy``; its iterates are not changed.
        mode: "queue" or "ema".
        k: length of the queue, >= 1, default 10. There is no average before it is full.
        interval: steps from one snapshot to the next, >= 1, default 100.
        start: steps before the first snapshot may be taken, >= 0, default 0.
        beta: weight of the old average in mode "ema", in [0, 1), default 0.9; 0 is the last
            snapshot.

    Raises:
        TypeError, ValueError: an argument is not of the kind or size said; by name.

    Source: Kaddour, Stop wasting my time! (2022), as in the submissions to AlgoPerf v0.5.
    """

    def __init__(
        self,
        optimizer: Rule,
        mode: str = "queue",
        k: int = 10,
        interval: int = 100,
        start: int = 0,
        beta: float = 0.9,
    ) -> None:
        self.mode = checked("mode", mode, "queue", ("queue", "ema"))
        self.k = checked("k", k, 10, None, (1, math.inf))
        self.interval = checked("interval", interval, 100, None, (1, math.inf))
        self.beta = checked("beta", beta, 0.9, None, BELOW_ONE)
        super().__init__(optimizer, start)

    def forget(self) -> None:
        self.snapshots: deque[Arrays] = deque(maxlen=self.k if self.mode == "queue" else 1)

    def add(self, x: Arrays) -> None:
        beta = self.beta
        if self.mode == "ema" and self.snapshots:
            x = each(lambda e, s: beta * e + (1 - beta) * s, self.snapshots[0], x)
        self.snapshots.append(each(np.copy, x))

    @property
    def average(self) -> Arrays | None:
        """The average, a new array or dict of arrays; None as long as there is none."""
        if len(self.snapshots) < self.snapshots.maxlen:
            return None
        return each(lambda *s: np.asarray(sum(s) / len(s)), *self.snapshots)

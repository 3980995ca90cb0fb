"""Averages of the iterates of any method, which goes on from x; and the mean of all of them."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from adaopt.numpy.rule import Arrays, Rule
from adaopt.ranges import checked


class Averaging:
    """A rule and an average of its iterates; the rule does not notice.

    A subclass defines ``forget()``, ``add(x)`` and the property ``average``.
    """

    interval: int = 1

    def __init__(self, optimizer: Rule, start: int) -> None:
        if not isinstance(optimizer, Rule):
            raise TypeError(f"optimizer must be a rule of adaopt.numpy, not {optimizer!r}")
        self.optimizer = optimizer
        self.start = checked("start", start, 0, None, (0, math.inf))
        self.steps = 0
        self.forget()

    @property
    def lr(self) -> float:
        """The step size of the rule."""
        return self.optimizer.lr

    @lr.setter
    def lr(self, value: float) -> None:
        self.optimizer.lr = value

    def step(self, x: Arrays, g: Arrays) -> Arrays:
        """One step of the rule from x, the un-averaged iterate; it enters the average if due."""
        since = self.steps - self.start
        x = self.optimizer.step(x, g)
        self.steps += 1
        if since >= 0 and since % self.interval == 0:
            self.add(x)
        return x

    def point(self, x: Arrays) -> Arrays:
        """Where the rule wants its next gradient."""
        return self.optimizer.point(x)

    def reset(self) -> None:
        """Forget all steps, of the rule and of the average."""
        self.optimizer.reset()
        self.steps = 0
        self.forget()

    def __repr__(self) -> str:
        names = ("mode", "k", "interval", "start", "beta")
        settings = [f", {n}={vars(self)[n]!r}" for n in names if n in vars(self)]
        return f"{type(self).__name__}({self.optimizer!r}{''.join(settings)})"


class PolyakAverage(Averaging):
    r"""The mean of all iterates after the first ``start`` steps.

    .. math:: \bar x_n = \bar x_{n-1} + (x - \bar x_{n-1}) / n, \qquad \bar x_0 = 0.

    Args:
        optimizer: any rule of ``adaopt.numpy``; its iterates are not changed.
        start: steps whose iterates are left out, >= 0, default 0. The start x is never in.

    Raises:
        TypeError, ValueError: an argument is not of the kind or size said; by name.

    Source: Polyak and Juditsky (1992).
    """

    def __init__(self, optimizer: Rule, start: int = 0) -> None:
        super().__init__(optimizer, start)

    def forget(self) -> None:
        self.n, self.mean = 0, None

    def add(self, x: Arrays) -> None:
        self.n += 1
        mean = each(np.zeros_like, x) if self.mean is None else self.mean
        self.mean = each(lambda mean, x: mean + (x - mean) / self.n, mean, x)

    @property
    def average(self) -> Arrays | None:
        """The average, a new array or dict of arrays; None as long as there is none."""
        return None if self.mean is None else each(np.copy, self.mean)


def each(f: Callable[..., Any], *arrays: Arrays) -> Arrays:
    """f of the arrays, or of those of the same name in each dict."""
    if isinstance(arrays[0], dict):
        return {name: f(*(a[name] for a in arrays)) for name in arrays[0]}
    return f(*arrays)

"""What minimizing and fitting share: their error, their checks, their progress bar."""

import math
from numbers import Real
from typing import Any

import numpy as np

from adaopt.schedules import Schedule


class DivergenceError(FloatingPointError):
    """The run left every sensible range. ``step`` says when, ``trace`` holds what came before."""

    def __init__(self, message: str, step: int = 0, trace: Any = None) -> None:
        super().__init__(message)
        self.step, self.trace = step, trace


def at_least_one(**values: Any) -> None:
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise TypeError(f"{name} must be an integer, not {value!r}")
        if value < 1:
            raise ValueError(f"{name} must be at least 1, not {value}")


def progress_bar(progress: bool, total: int, initial: int) -> Any:
    """A progress bar that works in notebooks and terminals, or one that shows nothing."""
    if progress:
        from tqdm.auto import tqdm
    else:
        from tqdm import tqdm
    return tqdm(total=total, initial=initial, disable=not progress, unit="step")


def step_size(schedule: Schedule, k: int) -> float:
    """What the schedule gives after k steps, refused if it is no step size."""
    lr = schedule(k)
    if not (isinstance(lr, Real | np.ndarray) and math.isfinite(lr) and lr >= 0):
        raise ValueError(f"schedule({k}) is {lr}: a step size must be a number >= 0")
    return float(lr)


def short(value: Any) -> str:
    """As text, cut where it is long."""
    text = str(value)
    return text if len(text) <= 200 else text[:200] + "..."

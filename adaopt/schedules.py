"""Step sizes: rules that know only the step number, and a line search that looks at f.

A rule is a function of k, the number of steps taken before (0 at the first step).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Schedule = Callable[[int], float]


def constant(lr: float) -> Schedule:
    r""":math:`\alpha_k = \alpha`. With noisy gradients f stays above a floor that grows with it."""
    _positive(lr=lr)
    return lambda k: lr


def inverse(lr: float, k0: float = 1.0) -> Schedule:
    r""":math:`\alpha_k = \alpha / (1 + k / k_0)`; the rule of Robbins and Monro (1951)."""
    _positive(lr=lr, k0=k0)
    return lambda k: lr / (1 + k / k0)


def inverse_sqrt(lr: float, k0: float = 1.0) -> Schedule:
    r""":math:`\alpha_k = \alpha / \sqrt{1 + k / k_0}`; the rule when f is not strongly convex.

    Source: Nemirovski, Juditsky, Lan and Shapiro, Robust stochastic approximation (2009).
    """
    _positive(lr=lr, k0=k0)
    return lambda k: lr / (1 + k / k0) ** 0.5


class Backtracking:
    r"""Backtracking along -g until f falls enough (the condition of Armijo, 1966).

    The step :math:`\alpha` is accepted when :math:`f(x - \alpha g) \le f(x) - c\,\alpha \|g\|^2`;
    until then it is multiplied by ``shrink``. The first trial of the next call is the accepted
    step times ``grow``, so the step can become longer again.

    Args:
        lr: the very first trial, > 0.
        shrink: factor after a refused trial, in (0, 1).
        grow: factor between calls, >= 1.
        c: the fraction of the predicted decrease that is asked for, in (0, 1).

    Attributes:
        lr: the next first trial.
        evaluations: how often f has been evaluated.
    """

    def __init__(
        self, lr: float = 1.0, shrink: float = 0.5, grow: float = 2.0, c: float = 1e-4
    ) -> None:
        _positive(lr=lr, shrink=shrink, grow=grow, c=c)
        if shrink >= 1 or c >= 1:
            raise ValueError(f"shrink and c must be below 1, not {shrink} and {c}")
        if grow < 1:
            raise ValueError(f"grow must be at least 1, not {grow}")
        self.lr, self.shrink, self.grow, self.c = lr, shrink, grow, c
        self.evaluations = 0

    def __call__(self, f: Callable[[np.ndarray], float], x: np.ndarray, g: np.ndarray) -> float:
        """The accepted step size at x, where g is the gradient of f.

        Raises:
            ValueError: f falls for no step: then g is not the gradient of f at x.
        """
        value, slope = f(x), float(np.vdot(g, g).real)
        self.evaluations += 1
        if not np.isfinite(value):
            raise ValueError(f"f(x) is {value}: a line search needs a finite value to start from")
        rounding = 8 * np.finfo(float).eps * abs(value)
        settled = self.lr * slope <= 1000 * rounding  # the decrease drowns in the rounding of f
        step = self.lr
        while True:
            self.evaluations += 1
            trial = f(x - step * g)
            if trial <= value - self.c * step * slope + rounding:
                self.lr = step * self.grow
                return step
            step *= self.shrink
            if step * slope <= rounding and not settled:
                raise ValueError(
                    f"no step along -g from {self.lr:g} down to {step:.1e} lowers f = {value:g} "
                    f"(last trial {trial:g}): is g, of norm {slope**0.5:g}, the gradient of f at x?"
                )


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a number > 0, not {value}")

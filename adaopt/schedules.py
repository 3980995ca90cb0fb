"""Step sizes: rules that know only the step number, and a line search that looks at f.

A rule is a function of k, the number of steps taken before (0 at the first step).
"""

import math
from collections.abc import Callable
from numbers import Real

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


def warmup_inverse_sqrt(lr: float, warmup: int) -> Schedule:
    r""":math:`\alpha_k = \alpha \min(k / w, \sqrt{w / k})`: a linear warm-up, then 1/sqrt.

    Args:
        lr: the largest step size :math:`\alpha > 0`, reached at k = ``warmup``.
        warmup: :math:`w \ge 1`. The very first step size, k = 0, is 0.

    Raises:
        TypeError, ValueError: an argument is not of the kind or size said; by name.

    Source: Vaswani et al., Attention is all you need (2017), section 5.3.
    """
    _positive(lr=lr)
    _whole(warmup=(warmup, 1))
    return lambda k: lr * min(k / warmup, (warmup / max(k, 1)) ** 0.5)


def warmup_cosine(lr: float, steps: int, warmup: int = 0, lr_min: float = 0.0) -> Schedule:
    r"""Linear warm-up from ``lr_min`` to ``lr``, then half a cosine down to ``lr_min`` again.

    It is :func:`cyclic` with one cycle.

    Args:
        lr: the largest step size, >= ``lr_min``, reached at k = ``warmup``.
        steps: length of the whole run; from k = ``steps`` on the step size is ``lr_min``.
        warmup: steps of warm-up, 0 <= ``warmup`` < ``steps``.
        lr_min: the smallest step size, >= 0. With a warm-up the very first one: at 0, the default,
            the first step does not move.

    Raises:
        TypeError, ValueError: an argument is not of the kind or size said; by name.

    Source: Loshchilov and Hutter, SGDR (2017); the AlgoPerf baseline (Dahl et al., 2023).
    """
    return cyclic(lr, steps, 1, warmup, lr_min)


def cyclic(
    lr: float, steps: int, cycles: int = 1, warmup: int = 0, lr_min: float = 0.0
) -> Schedule:
    r"""``cycles`` times the same: linear warm-up, then half a cosine down; as in AlgoPerf.

    With the period :math:`P = T / c` and the time :math:`\tau = k \bmod P` within a cycle

    .. math::

        \alpha_k = \alpha_{\min} + (\alpha - \alpha_{\min})
        \begin{cases} \tau / w & \tau < w \\
        \tfrac12 (1 + \cos \pi \frac{\tau - w}{P - w}) & \tau \ge w \end{cases}
        \qquad (\alpha_k = \alpha_{\min} \text{ for } k \ge T).

    It is not the triangle of ``torch.optim.lr_scheduler.CyclicLR``.

    Args:
        lr: the largest step size :math:`\alpha \ge \alpha_{\min}`, > 0.
        steps: length of the whole run :math:`T \ge 1`.
        cycles: :math:`c \ge 1`.
        warmup: steps of warm-up in each cycle, :math:`0 \le w < P`.
        lr_min: :math:`\alpha_{\min} \ge 0`, with a warm-up also the very first step size.

    Raises:
        TypeError, ValueError: an argument is not of the kind or size said; by name.

    Source: Loshchilov and Hutter, SGDR (2017), and the submission "Cyclic LR" to AlgoPerf v0.5.
    """
    _positive(lr=lr)
    _whole(steps=(steps, 1), cycles=(cycles, 1), warmup=(warmup, 0))
    _below(lr_min, lr)
    period = steps / cycles
    if warmup >= period:
        raise ValueError(f"warmup must be below steps / cycles = {period:g}, not {warmup}")

    def schedule(k: int) -> float:
        tau = k * cycles % steps / cycles  # exact: k % period would round
        if k >= steps:
            part = 0.0
        elif tau < warmup:
            part = tau / warmup
        else:
            part = (1 + math.cos(math.pi * (tau - warmup) / (period - warmup))) / 2
        return lr * part + lr_min * (1 - part)

    return schedule


def warmup_stable_decay(
    lr: float,
    steps: int,
    warmup: int = 0,
    decay: int | None = None,
    lr_min: float = 0.0,
    shape: str = "linear",
) -> Schedule:
    r"""Linear warm-up from ``lr_min``, a long constant stretch, and a short decay at the end.

    With :math:`s = (k - (T - d)) / d` in the last d of T steps the part left of
    :math:`\alpha - \alpha_{\min}` is :math:`1 - s` ("linear") or :math:`1 - \sqrt s` ("sqrt").

    Args:
        lr: the step size of the constant stretch, >= ``lr_min``, > 0.
        steps: length of the whole run :math:`T \ge 1`; from k = ``steps`` on it is ``lr_min``.
        warmup: steps of warm-up, >= 0.
        decay: steps of decay :math:`d \ge 0`; None is a fifth of ``steps``. Warm-up and decay
            together fit into ``steps``.
        lr_min: the smallest step size, >= 0, with a warm-up also the very first one.
        shape: "linear" or "sqrt".

    Raises:
        TypeError, ValueError: an argument is not of the kind or size said; by name.

    Source: Hu et al., MiniCPM (2024); the shapes from Haegele et al., Scaling laws and
    compute-optimal training beyond fixed training durations (2024).
    """
    _positive(lr=lr)
    _whole(steps=(steps, 1), warmup=(warmup, 0))
    decay = steps // 5 if decay is None else decay
    _whole(decay=(decay, 0))
    _below(lr_min, lr)
    if shape not in ("linear", "sqrt"):
        raise ValueError(f"shape must be 'linear' or 'sqrt', not {shape!r}")
    if warmup + decay > steps:
        raise ValueError(
            f"warmup {warmup} and decay {decay} are together more than the {steps} steps"
        )

    def schedule(k: int) -> float:
        if k >= steps:
            part = 0.0
        elif k < warmup:
            part = k / warmup
        elif k < steps - decay:
            part = 1.0
        else:
            s = (k - (steps - decay)) / decay
            part = 1 - (s if shape == "linear" else s**0.5)
        return lr * part + lr_min * (1 - part)

    return schedule


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
        if not _number(name, value) > 0:
            raise ValueError(f"{name} must be a number > 0, not {value}")


def _whole(**values: tuple[int, int]) -> None:
    for name, (value, least) in values.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise TypeError(f"{name} must be a whole number, not {value!r}")
        if value < least:
            raise ValueError(f"{name} must be at least {least}, not {value}")


def _below(lr_min: float, lr: float) -> None:
    if not 0 <= _number("lr_min", lr_min) <= lr:
        raise ValueError(f"lr_min must be a number from 0 to lr = {lr}, not {lr_min}")


def _number(name: str, value: float) -> float:
    """The value, or NaN, which compares with nothing, if it is not finite."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, not {value!r}")
    return value if math.isfinite(value) else math.nan

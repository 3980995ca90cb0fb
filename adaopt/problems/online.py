"""The sequence of convex functions on which Adam's average regret does not vanish."""

from dataclasses import dataclass

import numpy as np

from adaopt.numpy import Rule


@dataclass(frozen=True)
class OnlineLinear:
    """One large slope, then several small ones the other way, for ever.

    In round k = 1, 2, ... the player chooses x in [-1, 1] and pays g_k x, where g_k = C in the
    rounds 1, P + 1, 2 P + 1, ... and -1 in all others. In a whole period the slopes sum to
    C - (P - 1) > 0, so the best fixed x is -1.

    Args:
        C: the large slope, above period - 1; default 3.
        period: P, at least 3; default 3.

    Raises:
        ValueError: period < 3, or C <= period - 1: then -1 is not the best x.

    Source: Reddi, Kale and Kumar (2018): theorem 1 has P = 3, theorem 2 has P = C.
    """

    C: float = 3.0
    period: int = 3

    best = -1.0

    def __post_init__(self) -> None:
        if self.period < 3 or not self.C > self.period - 1:
            raise ValueError(f"period must be >= 3 and C > period - 1, not {self.period}, {self.C}")

    def slopes(self, rounds: int) -> np.ndarray:
        """g_1, ..., g_rounds."""
        return np.where(np.arange(rounds) % self.period == 0, self.C, -1.0)

    def play(self, rule: Rule, rounds: int, lr: float = 0.1, x0: float = 0.0) -> np.ndarray:
        """x_1, ..., x_rounds of a rule with the step size lr / sqrt(k), kept in [-1, 1]."""
        xs, x = np.empty(rounds), np.array([x0])
        for k, g in enumerate(self.slopes(rounds), start=1):
            xs[k - 1] = x[0]
            rule.lr = lr / np.sqrt(k)
            x = np.clip(rule.step(x, np.array([g])), -1, 1)
        return xs

    def regret(self, xs: np.ndarray) -> np.ndarray:
        """What x_1, ..., x_k cost more than the best fixed x, for k = 1, ..., len(xs)."""
        g = self.slopes(len(xs))
        return np.cumsum(g * xs) + np.abs(np.cumsum(g))

    def drift(self, beta2: float) -> float:
        """How far Adam with beta1 = 0 and a constant step moves in a period, over the step.

        After many rounds v is periodic: v_1 behind the large slope, then a return towards 1. Where
        the sum of the P steps is positive, the player drifts to +1, the worst place.
        """
        powers = beta2 ** np.arange(self.period)
        v = (beta2 - powers[-1] * beta2 + (1 - beta2) * self.C**2) / (1 - beta2**self.period)
        steps = np.array([-self.C, *[1.0] * (self.period - 1)])
        return float(np.sum(steps / np.sqrt(powers * v + 1 - powers)))

"""Which terms of a finite sum the next gradient averages."""

from typing import Any

import numpy as np

from adaopt.training.common import at_least_one


class Sampler:
    """Which terms the next gradient averages."""

    def __init__(
        self,
        problem: Any,
        rng: np.random.Generator | None,
        batch_size: int,
        replace: bool,
        probabilities: np.ndarray | None,
        reweight: bool,
    ) -> None:
        at_least_one(batch_size=batch_size)
        n = getattr(problem, "n", None)
        if n is None:
            raise TypeError(f"{problem!r} has no n: a batch_size needs a finite sum")
        if batch_size > n:
            raise ValueError(f"batch_size must be at most n = {n}, not {batch_size}")
        if not isinstance(rng, np.random.Generator):
            raise TypeError(
                f"batch_size={batch_size} draws at random: pass rng=numpy.random.default_rng(0), "
                f"not {rng!r}"
            )
        self.n, self.rng, self.batch_size, self.replace = n, rng, batch_size, replace
        self.probabilities, self.weights = None, None
        if probabilities is not None:
            self.probabilities = p = _probabilities(probabilities, n, replace, reweight)
            self.weights = 1 / (n * p) if reweight else None
        self.order, self.position = np.arange(0), 0

    def draw(self) -> np.ndarray:
        if self.probabilities is not None:
            return self.rng.choice(self.n, self.batch_size, p=self.probabilities)
        if self.replace:
            return self.rng.integers(self.n, size=self.batch_size)
        if self.position >= len(self.order):
            self.order, self.position = self.rng.permutation(self.n), 0
        self.position += self.batch_size
        return self.order[self.position - self.batch_size : self.position]

    def state(self) -> tuple[dict, np.ndarray, int]:
        return self.rng.bit_generator.state, self.order, self.position

    def restore(self, rng: dict, order: np.ndarray, position: int) -> None:
        self.rng.bit_generator.state = rng
        self.order, self.position = order, position

    def settings(self) -> dict[str, Any]:
        return {
            "rng": self.rng.bit_generator.state,
            "batch_size": self.batch_size,
            "replace": self.replace,
            "probabilities": self.probabilities,
            "reweight": self.weights is not None,
        }


def _probabilities(p: np.ndarray, n: int, replace: bool, reweight: bool) -> np.ndarray:
    p = np.array(p, dtype=float)
    if p.shape != (n,):
        raise ValueError(f"probabilities have shape {p.shape}, expected ({n},)")
    if not (np.all(p >= 0) and abs(p.sum() - 1) < 1e-8):
        raise ValueError(f"probabilities must be >= 0 with sum 1; the sum is {p.sum()}")
    if not replace:
        raise ValueError("probabilities need replace=True: an epoch visits every term once")
    if reweight and not np.all(p > 0):
        at = int(np.argmin(p))
        raise ValueError(f"probabilities[{at}] is 0: no weight can make up for a term never drawn")
    return p

"""The fair search for a step size: one stated grid for every method, new seeds for the report."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tuned:
    """What :func:`tune` found.

    Attributes:
        best: the value with the least mean score.
        scores: every value that was tried, in increasing order, with its score for each seed.
        report: the scores of ``best`` for the seeds of the report, shape (number of seeds,).
        extended: values tried beyond the grid.
    """

    best: float
    scores: dict[float, np.ndarray]
    report: np.ndarray
    extended: tuple[float, ...]

    @property
    def means(self) -> dict[float, float]:
        """The mean score of every value that was tried, in increasing order of the values."""
        return {value: float(np.mean(scores)) for value, scores in self.scores.items()}


def tune(
    score: Callable[[float, int], float],
    grid: Iterable[float],
    seeds: Iterable[int] = (0, 1),
    report: Iterable[int] = range(2, 7),
    extend: int = 8,
) -> Tuned:
    """Choose the value of a geometric grid whose mean score over ``seeds`` is least.

    A best value on the edge of the grid says nothing about what lies beyond. The grid is then
    extended by its own factor until the best value lies inside.

    Args:
        score: ``score(value, seed)`` runs the method and returns what is to be small. A run that
            raises FloatingPointError (:class:`DivergenceError`, too), or returns NaN, scores
            infinity.
        grid: at least three values > 0, such as ``2.0 ** np.arange(-8, 3)``.
        seeds: for choosing; a run without noise needs one, ``seeds=[0], report=[0]``.
        report: for the scores that are shown. Seeds that took part in choosing would flatter.
        extend: how many values may be added on the edges.

    Raises:
        ValueError: a grid too short or not positive, no seeds, no value with a finite score, or a
            best value that is still on the edge after ``extend`` more.
    """
    grid, seeds, report = sorted(float(v) for v in set(grid)), list(seeds), list(report)
    if len(grid) < 3 or not (grid[0] > 0 and np.isfinite(grid[-1])):
        raise ValueError(f"grid must hold at least three numbers > 0, not {grid}")
    if not seeds or not report:
        raise ValueError("seeds and report must each hold at least one seed")

    def scored(value: float, seed: int) -> float:
        try:
            result = float(score(value, seed))
        except FloatingPointError:
            return np.inf
        return np.inf if np.isnan(result) else result

    scores = {value: np.array([scored(value, seed) for seed in seeds]) for value in grid}
    extended: list[float] = []
    while True:
        values = sorted(scores)
        best = min(values, key=lambda value: scores[value].mean())
        if not np.isfinite(scores[best].mean()):
            raise ValueError(f"no value from {values[0]:g} to {values[-1]:g} has a finite score")
        if values[0] < best < values[-1]:
            break
        if len(extended) == extend:
            raise ValueError(f"the best value, {best:g}, is on the edge of the grid: widen it")
        beyond = best**2 / values[1 if best == values[0] else -2]
        scores[beyond] = np.array([scored(beyond, seed) for seed in seeds])
        extended.append(beyond)
    ordered = {value: scores[value] for value in values}
    return Tuned(best, ordered, np.array([scored(best, s) for s in report]), tuple(extended))

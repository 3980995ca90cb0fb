"""The two editions side by side: 50 steps in float64 along the same gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from adaopt.catalog import Card, card

if TYPE_CHECKING:
    import torch

Arrays = dict[str, np.ndarray]

STEPS = 50
SHAPES = {"matrix": (5, 3), "scalar": (), "empty": (0, 2), "vector": (7,)}
TOLERANCE = 1e-12  # for a Path of the one edition and of the other
PULL = 0.01  # of the gradient toward zero: it depends on the point where it is taken


class Path(NamedTuple):
    """Where an optimizer went: the points where each gradient was wanted, and what it found."""

    points: list[Arrays]
    x: Arrays


class Problem:
    r"""A start and 50 noisy gradients :math:`g_k(y) = n_k + y / 100` of arrays of given shapes.

    The noise changes sign and scale (0.01 to 10) from step to step, so that no two terms of a
    formula stay proportional; the pull to zero makes a gradient taken at the wrong point visible.

    Args:
        shapes: shape of each array, by name.
        dtype: ``float`` or ``complex``.
        steps: number of gradients.
        seed: of the noise.
    """

    def __init__(
        self,
        shapes: Mapping[str, tuple[int, ...]] = SHAPES,
        dtype: type = float,
        steps: int = STEPS,
        seed: int = 0,
    ) -> None:
        rng = np.random.default_rng(seed)
        self.start, *self.noise = (
            {name: _numbers(rng, shape, dtype) for name, shape in shapes.items()}
            for _ in range(steps + 1)
        )
        self.sign = 1.0

    @classmethod
    def recorded(cls, start: Arrays, noise: list[Arrays]) -> Problem:
        """The problem with this start and this noise."""
        problem = cls({}, steps=0)
        problem.start, problem.noise = start, noise
        return problem

    @property
    def steps(self) -> int:
        return len(self.noise)

    def gradient(self, k: int, points: Mapping[str, np.ndarray]) -> Arrays:
        """The gradients of step k, counted from 0, at these points (some of the arrays, or all)."""
        return {n: self.sign * (self.noise[k][n] + PULL * y) for n, y in points.items()}

    def upside_down(self) -> Problem:
        """The problem whose descent is this one's ascent."""
        other = self.recorded(self.start, self.noise)
        other.sign = -self.sign
        return other


def numpy_path(optimizer: Any, problem: Problem) -> Path:
    """The path of an optimizer of the reading edition."""
    x, points = problem.start, []
    for k in range(problem.steps):
        points.append(optimizer.point(x))
        x = optimizer.step(x, problem.gradient(k, points[-1]))
    return Path([*points, optimizer.point(x)], x)


def torch_path(
    make: Callable[[Iterable[torch.nn.Parameter]], torch.optim.Optimizer], problem: Problem
) -> Path:
    """The path of the optimizer of torch that ``make(params)`` returns.

    One with ``train()`` and ``eval()`` is stepped in the first mode and read in the second.
    """
    import torch

    params = {
        name: torch.nn.Parameter(torch.from_numpy(np.array(x))) for name, x in problem.start.items()
    }
    optimizer = make(params.values())
    if hasattr(optimizer, "train"):
        optimizer.train()
    points = [_read(params)]
    for k in range(problem.steps):
        for name, g in problem.gradient(k, points[-1]).items():
            params[name].grad = torch.from_numpy(np.asarray(g))
        optimizer.step()
        points.append(_read(params))
    if hasattr(optimizer, "eval"):
        optimizer.eval()
    return Path(points, _read(params))


def distance(one: Path, other: Path) -> float:
    """The largest ``|a - b| / (1 + |b|)`` over both paths, ``|b|`` being the largest so far (what
    an entry is rounded to at its largest it keeps); infinite where one is not finite."""
    worst, size = 0.0, {name: 1.0 for name in other.x}
    for a, b in zip([*one.points, one.x], [*other.points, other.x], strict=True):
        for name in b:
            if a[name].shape != b[name].shape or not np.isfinite(a[name]).all():
                return np.inf
            size[name] = np.maximum(size[name], 1 + np.abs(b[name]))
            if b[name].size:
                worst = max(worst, float((np.abs(a[name] - b[name]) / size[name]).max()))
    return worst


def path_error(reading: type, hyper: Mapping[str, Any], problem: Problem, other: Path) -> float:
    """:func:`distance` of the path of a NumPy class, which may hold a mistake, from another."""
    try:
        with np.errstate(all="ignore"):  # what it divides by zero shows in its path
            return distance(numpy_path(reading(**hyper), problem), other)
    except ArithmeticError:
        return np.inf


def parity_error(
    key: str | Card,
    hyper: Mapping[str, Any] | None = None,
    *,
    numpy_class: type | None = None,
    torch_class: type | None = None,
    problem: Problem | None = None,
    **way: Any,
) -> float:
    """How far the two editions of a method come apart: :func:`distance` of their paths.

    Args:
        key: of the card in the catalog, or the card.
        hyper: keywords that replace the card's own settings.
        numpy_class, torch_class: classes to take in place of the card's.
        problem: what is descended; by default four arrays, 50 steps.
        way: further keywords of the torch class only: ``foreach=False``, ``fused=True``. Without
            any, the path of the torch class is computed once and kept.
    """
    entry = key if isinstance(key, Card) else card(key)
    hyper = {**entry.preset, **(hyper or {})}
    problem, working = problem or usual(), torch_class or entry.torch_class
    frozen = tuple(sorted(hyper.items()))
    if way:
        theirs = torch_path(partial(working, **hyper, **way), problem)
    else:
        theirs = _working(working, frozen, problem)
    if numpy_class:
        return path_error(numpy_class, hyper, problem, theirs)
    return distance(_reading(entry.numpy_class, frozen, problem), theirs)


@cache
def usual() -> Problem:
    """The problem of :func:`parity_error`: four arrays, 50 steps."""
    return Problem()


@lru_cache(256)
def _working(chosen: type, hyper: tuple, problem: Problem) -> Path:
    return torch_path(partial(chosen, **dict(hyper)), problem)


@lru_cache(256)
def _reading(chosen: type, hyper: tuple, problem: Problem) -> Path:
    return numpy_path(chosen(**dict(hyper)), problem)


def _numbers(rng: np.random.Generator, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """Normal numbers of either sign and of a random scale between 0.01 and 10."""
    scale = rng.choice([-1, 1]) * 10 ** rng.uniform(-2, 1)
    parts = [scale * rng.standard_normal(shape) for _ in range(1 + (dtype is complex))]
    return np.asarray(parts[0] + 1j * parts[1] if dtype is complex else parts[0])


def _read(params: Mapping[str, torch.Tensor]) -> Arrays:
    return {name: p.detach().numpy().copy() for name, p in params.items()}

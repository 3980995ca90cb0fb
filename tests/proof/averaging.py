"""The averages that go around any optimizer, and how far they are from lists averaged by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import adaopt.numpy
from adaopt.catalog.averaging import WRAPPERS
from tests.proof import oracles
from tests.proof.parity import Problem

SGD = {"lr": 0.1}
# Settings of each average, and the oracle of its snapshots.
SETTINGS: dict[str, tuple[dict[str, Any], Callable[[list, Mapping[str, Any]], list | None]]] = {
    "polyak": ({"start": 4}, lambda s, h: oracles.lawa_queue(s, len(s))),
    "lawa_queue": (
        {"mode": "queue", "k": 4, "start": 4, "interval": 3},
        lambda s, h: oracles.lawa_queue(s, h["k"]),
    ),
    "lawa_ema": (
        {"mode": "ema", "beta": 0.8, "start": 4, "interval": 3},
        lambda s, h: oracles.lawa_ema(s, h["beta"]),
    ),
}
Average = list[np.ndarray | None]


def due(hyper: Mapping[str, Any], steps: int) -> range:
    """The snapshots: after how many steps, less one."""
    return range(hyper["start"], steps, hyper.get("interval", 1))


def numpy_averages(make: Callable[[Any], Any], problem: Problem) -> tuple[Average, Average]:
    """The iterates of SGD on the problem's ``x``, and the reading edition's average of them."""
    wrapped, x = make(adaopt.numpy.SGD(**SGD)), problem.start["x"]
    iterates, averages = [], []
    for k in range(problem.steps):
        x = wrapped.step(x, problem.gradient(k, {"x": x})["x"])
        iterates.append(x)
        averages.append(wrapped.average)
    return iterates, averages


def torch_averages(make: Callable[[Any], Any], problem: Problem) -> tuple[Average, Average]:
    """The same of the working edition."""
    import torch

    import adaopt.torch

    p = torch.nn.Parameter(torch.from_numpy(problem.start["x"].copy()))
    wrapped = make(adaopt.torch.SGD([p], **SGD))
    iterates, averages = [], []
    for k in range(problem.steps):
        p.grad = torch.from_numpy(problem.gradient(k, {"x": p.detach().numpy()})["x"])
        wrapped.step()
        found = wrapped.average()
        iterates.append(p.detach().numpy().copy())
        averages.append(None if found is None else found[0].numpy())
    return iterates, averages


def average_error(
    key: str, *, numpy_class: type | None = None, edition: str = "numpy", steps: int = 20
) -> float:
    """How far an average is from its oracle, at the worst step; infinite where only one exists.

    Args:
        key: ``"polyak"``, ``"lawa_queue"`` or ``"lawa_ema"``.
        numpy_class: a class to take in place of the reading edition's.
        edition: ``"numpy"`` or ``"torch"``.
        steps: steps of SGD that are averaged.
    """
    hyper, oracle = SETTINGS[key]
    problem, snapshots, worst = Problem({"x": (2, 3)}, steps=steps), [], 0.0
    classes = {"numpy": numpy_class or WRAPPERS[key].numpy_class}
    run = numpy_averages
    if edition == "torch":
        classes["torch"], run = WRAPPERS[key].torch_class, torch_averages
    iterates, averages = run(lambda optimizer: classes[edition](optimizer, **hyper), problem)
    for k, (x, average) in enumerate(zip(iterates, averages, strict=True)):
        if k in due(hyper, steps):
            snapshots.append(x.ravel().tolist())
        expected = oracle(snapshots, hyper) if snapshots else None
        if (average is None) != (expected is None):
            return np.inf
        if expected is not None:
            worst = max(worst, float(np.abs(average.ravel() - expected).max()))
    return worst

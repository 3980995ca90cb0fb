"""LAWA, Polyak averaging and the cyclic schedule, against torch.optim.swa_utils and oracles."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import swa_utils

import adaopt.numpy
import adaopt.torch
from adaopt import schedules
from adaopt.catalog.averaging import WRAPPERS
from adaopt.proof import Problem, oracles

STEPS, START, INTERVAL = 20, 4, 3
DUE = range(START, STEPS, INTERVAL)  # numbers of steps taken before a snapshot's step
SETTINGS = {
    "polyak": {"start": START},
    "lawa_queue": {"mode": "queue", "k": 4, "start": START, "interval": INTERVAL},
    "lawa_ema": {"mode": "ema", "beta": 0.8, "start": START, "interval": INTERVAL},
}


@pytest.fixture(scope="module")
def problem() -> Problem:
    return Problem({"x": (2, 3)}, steps=STEPS)


def averages(problem: Problem, key: str) -> tuple[list, list, list]:
    """The iterates of SGD, and the averages of both editions after each step."""
    wrapper = WRAPPERS[key]
    reading = wrapper.numpy_class(adaopt.numpy.SGD(lr=0.1), **SETTINGS[key])
    p = torch.nn.Parameter(torch.from_numpy(problem.start["x"].copy()))
    working = wrapper.torch_class(adaopt.torch.SGD([p], lr=0.1), **SETTINGS[key])
    x, found = problem.start["x"], ([], [], [])
    for k in range(STEPS):
        g = problem.gradient(k, {"x": x})["x"]
        x = reading.step(x, g)
        p.grad = torch.from_numpy(g)
        working.step()
        average = working.average()
        found[0].append(x)
        found[1].append(reading.average)
        found[2].append(None if average is None else average[0].numpy())
    return found


def same(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    if a is None or b is None:
        return a is b
    return np.allclose(a, b, rtol=1e-12, atol=1e-12)


def test_every_wrapper_has_a_reference():
    assert set(SETTINGS) == set(WRAPPERS)


@pytest.mark.parametrize("key", ["polyak", "lawa_ema"])
def test_agrees_with_swa_utils(problem, key):
    how = {}
    if key == "lawa_ema":
        how["multi_avg_fn"] = swa_utils.get_ema_multi_avg_fn(0.8)
    iterates, *editions = averages(problem, key)
    model = torch.nn.ParameterList([torch.from_numpy(iterates[0].copy())])
    averaged, due = swa_utils.AveragedModel(model, **how), range(START, STEPS)
    for k, x in enumerate(iterates):
        with torch.no_grad():
            model[0].copy_(torch.from_numpy(x))
        if k in (due if key == "polyak" else DUE):
            averaged.update_parameters(model)
        theirs = averaged.module[0].detach().numpy() if k >= START else None
        assert all(same(averages[k], theirs) for averages in editions)


@pytest.mark.parametrize("key", ["lawa_queue", "lawa_ema"])
def test_agrees_with_its_oracle(problem, key):
    iterates, *editions = averages(problem, key)
    snapshots = []
    for k, x in enumerate(iterates):
        if k in DUE:
            snapshots.append(x.ravel().tolist())
        mean = None
        if snapshots:
            queue = key == "lawa_queue"
            mean = oracles.lawa_queue(snapshots, 4) if queue else oracles.lawa_ema(snapshots, 0.8)
        theirs = None if mean is None else np.reshape(mean, x.shape)
        assert all(same(averages[k], theirs) for averages in editions)
    assert theirs is not None


@given(
    st.integers(1, 60),
    st.integers(1, 4),
    st.integers(0, 9),
    st.sampled_from([0.0, 0.01]),
)
def test_cyclic_agrees_with_its_oracle(length, cycles, warmup, lr_min):
    warmup, steps = min(warmup, length - 1), length * cycles
    ours = schedules.cyclic(0.3, steps, cycles, warmup, lr_min)
    for k in range(steps):
        theirs = oracles.cyclic(k, steps, 0.3, lr_min, cycles, warmup)
        assert ours(k) == pytest.approx(theirs, rel=1e-12, abs=1e-15)


def test_one_cycle_is_torchs_cosine():
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.3)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20, eta_min=0.01)
    ours = schedules.warmup_cosine(0.3, steps=20, lr_min=0.01)
    for k in range(20):
        assert ours(k) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
        optimizer.step()
        theirs.step()

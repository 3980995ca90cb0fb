"""LAWA, Polyak averaging and the cyclic schedule, against torch.optim.swa_utils and oracles."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import swa_utils

from adaopt import schedules
from adaopt.catalog.averaging import WRAPPERS
from tests.proof import Problem, average_error, oracles
from tests.proof.averaging import SETTINGS, due, numpy_averages, torch_averages

RUNS = {"numpy": numpy_averages, "torch": torch_averages}


def test_every_wrapper_has_a_reference():
    assert set(SETTINGS) == set(WRAPPERS)


@pytest.mark.parametrize("edition", RUNS)
@pytest.mark.parametrize("key", SETTINGS)
def test_agrees_with_its_oracle(key, edition):
    assert average_error(key, edition=edition) <= 1e-12


@pytest.mark.parametrize("key", SETTINGS)
def test_a_mistake_is_seen(key):
    class Late(WRAPPERS[key].numpy_class):
        def step(self, x, g):
            return self.optimizer.step(x, g)

    class Wrong(WRAPPERS[key].numpy_class):
        def add(self, x):
            super().add(1.01 * x)

    assert average_error(key, numpy_class=Late) == np.inf
    assert 1e-4 < average_error(key, numpy_class=Wrong) < np.inf


@pytest.mark.parametrize("edition", RUNS)
@pytest.mark.parametrize("key", ["polyak", "lawa_ema"])
def test_agrees_with_swa_utils(key, edition):
    problem, (hyper, _) = Problem({"x": (2, 3)}, steps=20), SETTINGS[key]
    wrapper = getattr(WRAPPERS[key], f"{edition}_class")
    iterates, averages = RUNS[edition](lambda optimizer: wrapper(optimizer, **hyper), problem)
    how = {}
    if key == "lawa_ema":
        how["multi_avg_fn"] = swa_utils.get_ema_multi_avg_fn(hyper["beta"])
    model = torch.nn.ParameterList([torch.from_numpy(iterates[0].copy())])
    averaged = swa_utils.AveragedModel(model, **how)
    for k, (x, average) in enumerate(zip(iterates, averages, strict=True)):
        with torch.no_grad():
            model[0].copy_(torch.from_numpy(x))
        if k in due(hyper, 20):
            averaged.update_parameters(model)
        if k < hyper["start"]:
            assert average is None
        else:
            theirs = averaged.module[0].detach().numpy()
            np.testing.assert_allclose(average, theirs, rtol=1e-12, atol=1e-12)


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

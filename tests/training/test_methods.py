"""Every method of the catalog in our loops: both editions, exact resume, the modes of some."""

import numpy as np
import pytest
import torch

from adaopt import numpy as reading
from adaopt import problems
from adaopt import torch as working
from adaopt.catalog import CARDS
from adaopt.torch import ScheduleFreeSGD
from adaopt.training import fit, minimize

X0 = np.array([3.0, -2.0])
PLANE = problems.plane()
MODES = [key for key in CARDS if hasattr(CARDS[key].torch_class, "eval")]


def make(edition, key):
    """The method at the last variant of its card, which minimizes."""
    variants = [v for v in CARDS[key].variants if not v.get("maximize")]
    hyper = {**(variants[-1] if variants else {}), "lr": 0.05}
    if edition == "numpy":
        return reading.build(key, **hyper)
    return lambda params: working.build(key, params, **hyper)


def run(edition, key, steps=12, **settings):
    rng = np.random.default_rng(3)
    return minimize(PLANE, make(edition, key), X0, steps, rng, batch_size=4, **settings)


@pytest.mark.parametrize("key", CARDS)
def test_both_editions_give_the_same_run(key):
    ours, theirs = run("numpy", key), run("torch", key)
    np.testing.assert_allclose(theirs.iterates, ours.iterates, rtol=1e-11, atol=1e-12)
    assert not np.array_equal(ours.x, X0)


@pytest.mark.parametrize("edition", ["numpy", "torch"])
@pytest.mark.parametrize("key", CARDS)
def test_a_run_goes_on_bitwise_from_a_checkpoint(tmp_path, edition, key):
    path = tmp_path / "run.npz"
    for steps in (1, 7, 12):
        resumed = run(edition, key, steps, checkpoint=path)
    whole = run(edition, key)
    np.testing.assert_array_equal(resumed.iterates, whole.iterates)
    np.testing.assert_array_equal(resumed.values, whole.values)


@pytest.mark.parametrize("key", MODES)
def test_recording_does_not_change_the_run_of_a_method_with_modes(key):
    assert np.array_equal(run("torch", key, record_every=5).x, run("torch", key).x)


def test_an_optimizer_given_in_evaluation_mode_is_trained_and_left_as_it_was():
    parameter = torch.nn.Parameter(torch.zeros(2, dtype=torch.float64))
    optimizer = ScheduleFreeSGD([parameter], lr=0.05)
    optimizer.eval()
    given = minimize(PLANE, optimizer, X0, 12, np.random.default_rng(3), batch_size=4)
    assert not optimizer.training
    ours = minimize(
        PLANE, reading.ScheduleFreeSGD(lr=0.05), X0, 12, np.random.default_rng(3), batch_size=4
    )
    np.testing.assert_allclose(given.iterates, ours.iterates, rtol=1e-12)


def data(n=40):
    generator = torch.Generator().manual_seed(1)
    X = torch.randn(n, 3, generator=generator)
    return X, X @ torch.tensor([[1.0], [-2.0], [0.5]])


def test_fitting_switches_the_optimizer_with_the_model_and_ends_in_evaluation():
    seen = []

    class Spy(torch.nn.Linear):
        def forward(self, x):
            seen.append((self.training, optimizer.training))
            return super().forward(x)

    model = Spy(3, 1)
    optimizer = ScheduleFreeSGD(model.parameters(), lr=0.3)
    optimizer.eval()
    optimizer.watch(model)
    mse = torch.nn.functional.mse_loss
    history = fit(model, optimizer, data(), 4, batch_size=10, validation=data(10), loss=mse)
    assert seen == ([(True, True)] * 4 + [(False, False)]) * 4
    assert not optimizer.training
    assert history.validation_loss[-1] < 0.1 * history.validation_loss[0]
    with torch.no_grad():
        held = data(10)
        assert mse(model.eval()(held[0]), held[1]).item() == pytest.approx(
            history.validation_loss[-1], rel=1e-6
        )
    fit(model, optimizer, data(), 1, loss=mse)  # goes on from there
    assert not optimizer.training

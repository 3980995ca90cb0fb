"""A run of `fit` that is stopped anywhere and goes on ends where one that was not ends."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from adaopt import numpy as rules
from adaopt import schedules
from adaopt.nn import MLP, by_hand
from adaopt.torch import ScheduleFreeAdamW, Shampoo, build
from adaopt.training import fit
from tests.training.test_fit import blobs

ROOT = Path(__file__).parents[2]
EPOCHS, BATCHES = 3, 4  # of 16 of 60 samples


class WithDropout(torch.nn.Module):
    """Draws from torch's global state, as dropout does."""

    def __init__(self):
        super().__init__()
        self.network = MLP((2, 8, 3), generator=torch.Generator().manual_seed(0))

    def forward(self, x):
        return self.network(torch.nn.functional.dropout(x, 0.2, self.training))


def by_torch(key):
    def run(step=None, **settings):
        torch.manual_seed(11)
        model = WithDropout()
        optimizer = build(key, model.parameters(), lr=0.02)
        interrupt(optimizer, step)
        history = fit(model, optimizer, blobs(), EPOCHS, **common(settings))
        return history, {n: p.detach().numpy() for n, p in model.named_parameters()}

    return run


def by_numpy(key):
    def run(step=None, **settings):
        model, optimizer = by_hand.MLP((2, 8, 3)), rules.build(key, lr=0.02)
        if step is not None:
            optimizer = interrupted(optimizer, step)
        history = fit(
            model, optimizer, blobs(), EPOCHS, np.random.default_rng(1), **common(settings)
        )
        return history, model.parameters

    return run


def common(settings):
    how = {"batch_size": 16, "validation": blobs(seed=1), "checkpoint_every": 1}
    return how | {"schedule": schedules.inverse_sqrt(0.02, 5.0)} | settings


def interrupt(optimizer, step):
    """A second Ctrl-C, which does not wait, in the middle of the given step."""

    def hook(*_):
        counted.append(1)
        if len(counted) == step:
            raise KeyboardInterrupt

    counted = []
    if step is not None:
        optimizer.register_step_pre_hook(hook)


def interrupted(rule, step):
    """The same rule, with a Ctrl-C in the middle of the given step."""
    kind = type(rule)

    def stop(self, x, g):
        if self.k + 1 == step:
            raise KeyboardInterrupt
        return kind.step(self, x, g)

    hyper = {name: getattr(rule, name) for name in rule.defaults}
    return type(kind.__name__, (kind,), {"step": stop})(**hyper)


def assert_same(one, other):
    for name in ("epochs", "loss", "accuracy", "validation_loss", "validation_accuracy"):
        assert getattr(one[0], name) == getattr(other[0], name), name
    for name, value in one[1].items():
        np.testing.assert_array_equal(value, other[1][name])


@pytest.mark.parametrize(
    "run",
    [
        *map(by_torch, ("adam", "schedule_free_adamw", "prodigy")),
        *map(by_numpy, ("adam", "schedule_free_sgd", "prodigy", "shampoo", "soap")),
    ],
)
def test_resumes_bitwise_after_a_stop_before_any_step(tmp_path, run):
    whole = run()
    for step in range(2, EPOCHS * BATCHES + 1, 3):
        path = tmp_path / f"{step}.npz"
        with pytest.raises(KeyboardInterrupt):
            run(step, checkpoint=path)
        assert [p.name for p in tmp_path.iterdir()] == [path.name]
        assert_same(run(checkpoint=path), whole)
        assert_same(run(checkpoint=path), whole)  # a finished run is read again
        path.unlink()


def test_a_killed_process_resumes_bitwise(tmp_path):
    path = tmp_path / "run.npz"
    code = f"""
import numpy, torch
from adaopt.nn import MLP
from adaopt.torch import Adam
from adaopt.training import fit
from tests.training.test_fit import blobs

def go(epochs, **settings):
    model = MLP((2, 8, 3))
    fit(model, Adam(model.parameters()), blobs(), epochs, batch_size=16, **settings)
    return torch.cat([p.detach().flatten() for p in model.parameters()]).numpy()

if __name__ == "__main__":
    go(10**6, checkpoint={str(path)!r}, checkpoint_every=7)
"""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    until = time.monotonic() + 60
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.3)
    process.kill()
    process.wait()
    with np.load(path, allow_pickle=False) as file:
        steps = json.loads(str(file["meta"]))["steps"]
    assert steps >= 4
    scope = {"__name__": "again"}
    exec(code, scope)
    epochs = steps // BATCHES + 2
    np.testing.assert_array_equal(
        scope["go"](epochs, checkpoint=path, checkpoint_every=7), scope["go"](epochs)
    )


def test_a_longer_run_goes_on_and_a_shorter_one_is_refused(tmp_path):
    path = tmp_path / "run.npz"

    def go(epochs, **settings):
        model = MLP((2, 8, 3))
        fit(model, ScheduleFreeAdamW(model.parameters()), blobs(), epochs, **settings)
        return [p.detach() for p in model.parameters()]

    go(2, checkpoint=path)
    for ours, whole in zip(go(4, checkpoint=path), go(4), strict=True):
        assert torch.equal(ours, whole)
    content = path.read_bytes()
    with pytest.raises(ValueError, match="is at epoch 4, beyond epochs=3"):
        go(3, checkpoint=path)
    with pytest.raises(ValueError, match=r"another run .* its batch_size is 128, here it is 16"):
        go(5, checkpoint=path, batch_size=16)
    assert path.read_bytes() == content
    path.write_bytes(content[:-100])
    with pytest.raises(ValueError, match="is broken or no checkpoint of adaopt"):
        go(5, checkpoint=path)
    assert path.read_bytes() == content[:-100]


def test_a_checkpoint_of_another_network_or_edition_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    how = {"checkpoint": path, "batch_size": 16}
    fit(by_hand.MLP((2, 8, 3)), rules.Adam(), blobs(), 1, np.random.default_rng(0), **how)
    content = path.read_bytes()
    for model in (by_hand.MLP((2, 9, 3)), by_hand.MLP((2, 3)), by_hand.MLP(dtype=np.float32)):
        with pytest.raises(ValueError, match=r"another run .* its parameters is"):
            fit(model, rules.Adam(), blobs(), 2, np.random.default_rng(0), **how)
    model = MLP((2, 8, 3))
    before = [p.clone() for p in model.parameters()]
    with pytest.raises(ValueError, match=r"another run .* its optimizer is NumPy's Adam, here it"):
        fit(
            model, torch.optim.Adam(model.parameters()), blobs(), 2, np.random.default_rng(0), **how
        )
    assert all(map(torch.equal, model.parameters(), before))
    assert path.read_bytes() == content


def test_where_no_checkpoint_can_be_written_no_step_is_taken(tmp_path):
    model = MLP((2, 8, 3))
    before = [p.clone() for p in model.parameters()]
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*missing"):
        fit(
            model,
            ScheduleFreeAdamW(model.parameters()),
            blobs(),
            1,
            checkpoint=tmp_path / "missing/x",
        )
    shared = Shampoo(model.parameters(), distributed=True)
    with pytest.raises(ValueError, match="checkpoint does not go with distributed=True"):
        fit(model, shared, blobs(), 1, checkpoint=tmp_path / "x")
    assert all(map(torch.equal, model.parameters(), before))

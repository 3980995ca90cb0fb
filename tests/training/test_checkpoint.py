"""Interrupted runs go on exactly; files that are not this run's are refused and kept."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch

from adaopt import problems, schedules
from adaopt.numpy import GD, SGD
from adaopt.torch import SGD as TorchSGD
from adaopt.training import minimize

X0 = np.array([3.0, -2.0])
PLANE = problems.plane()
HYPER = {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1}
OPTIMIZERS = {
    "numpy": lambda: SGD(**HYPER),
    "torch": lambda: lambda parameters: TorchSGD(parameters, **HYPER),
    "torch Adam": lambda: lambda parameters: torch.optim.Adam(parameters, lr=0.05, amsgrad=True),
}
SAMPLINGS = {
    "full": {},
    "replace": {"batch_size": 2},
    "epochs": {"batch_size": 5, "replace": False},
    "weighted": {"batch_size": 2, "probabilities": np.arange(1, 13) / 78},
}


class Interrupted(problems.LeastSquares):
    """The same plane, but the user presses Ctrl-C while it is asked for the k-th time."""

    def __init__(self, at, where):
        super().__init__(PLANE.A, PLANE.b, name="plane")
        self.at, self.where, self.calls = at, where, 0

    def count(self, where):
        if where == self.where:
            self.calls += 1
            if self.calls == self.at:
                raise KeyboardInterrupt

    def f(self, x):
        self.count("f")
        return super().f(x)

    def grad(self, x):
        self.count("grad")
        return super().grad(x)

    def grad_batch(self, indices, x):
        self.count("grad")
        return super().grad_batch(indices, x)

    def grad_i(self, i, x):
        self.count("grad")
        return super().grad_i(i, x)


PLAIN = Interrupted(0, None)  # the same class without an interruption


def run(problem=PLAIN, optimizer="numpy", steps=9, seed=3, **settings):
    rng = np.random.Generator(np.random.PCG64(seed))
    return minimize(problem, OPTIMIZERS[optimizer](), X0, steps, rng, **settings)


def assert_same(a, b):
    for name in ("steps", "iterates", "values", "evaluations", "function_evaluations"):
        left, right = getattr(a, name), getattr(b, name)
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_resume_is_bitwise_after_an_interruption_at_any_step(tmp_path, optimizer, sampling):
    settings = SAMPLINGS[sampling] | {"schedule": schedules.inverse_sqrt(0.05, 5.0)}
    whole = run(optimizer=optimizer, **settings)
    for where in ("grad", "f"):
        for at in range(1, 10):
            path = tmp_path / f"{where}{at}.npz"
            with pytest.raises(KeyboardInterrupt):
                run(Interrupted(at, where), optimizer, checkpoint=path, **settings)
            assert path.exists() == (where == "grad" or at > 1)
            assert_same(run(optimizer=optimizer, checkpoint=path, **settings), whole)


@pytest.mark.parametrize("stop", range(1, 9))
@pytest.mark.parametrize("record_every", [1, 4])
def test_a_longer_run_goes_on_from_a_shorter_one(tmp_path, stop, record_every):
    settings = {"batch_size": 5, "replace": False, "record_every": record_every}
    path = tmp_path / "run.npz"
    run(steps=stop, checkpoint=path, **settings)
    assert_same(run(checkpoint=path, **settings), run(**settings))
    assert_same(run(checkpoint=path, **settings), run(**settings))  # nothing left to do


def test_interrupted_line_search_resumes_with_its_step_and_its_count(tmp_path):
    def search(problem, **settings):
        line_search = schedules.Backtracking()
        return minimize(problem, GD(), X0, 12, line_search=line_search, **settings)

    whole, path = search(PLAIN), tmp_path / "run.npz"
    for at in (3, 17, 30, 41):
        with pytest.raises(KeyboardInterrupt):
            search(Interrupted(at, "f"), checkpoint=path)
        assert_same(search(PLAIN, checkpoint=path), whole)
        path.unlink()


@pytest.mark.parametrize("name", ["MT19937", "Philox", "SFC64", "PCG64DXSM"])
def test_every_bit_generator_resumes(tmp_path, name):
    def go(problem, **settings):
        rng = np.random.Generator(getattr(np.random, name)(1))
        rng.integers(3)
        return minimize(problem, SGD(lr=0.1), X0, 9, rng, batch_size=3, **settings)

    path = tmp_path / "run.npz"
    with pytest.raises(KeyboardInterrupt):
        go(Interrupted(5, "grad"), checkpoint=path)
    assert_same(go(PLAIN, checkpoint=path), go(PLAIN))


def test_periodic_checkpoints_are_written_and_no_part_is_left(tmp_path):
    class Crash(Interrupted):
        def count(self, where):
            try:
                super().count(where)
            except KeyboardInterrupt:
                raise RuntimeError("power cut") from None

    path = tmp_path / "run.npz"
    with pytest.raises(RuntimeError, match="power cut"):
        run(Crash(8, "grad"), checkpoint=path, checkpoint_every=3, batch_size=2)
    with np.load(path, allow_pickle=False) as file:
        assert json.loads(str(file["meta"]))["step"] == 6
    assert_same(run(Crash(0, None), checkpoint=path, batch_size=2), run(batch_size=2))
    assert os.listdir(tmp_path) == ["run.npz"]


def test_control_c_waits_for_the_end_of_the_step(tmp_path):
    path = tmp_path / "run.npz"
    settings = {"batch_size": 2, "record_every": 1000}
    handler = signal.getsignal(signal.SIGINT)

    class Slow(Interrupted):
        def grad_batch(self, indices, x):
            self.calls += 1
            if self.calls == 50:
                signal.raise_signal(signal.SIGINT)
            return super().grad_batch(indices, x)

    with pytest.raises(KeyboardInterrupt):
        run(slow := Slow(0, None), steps=100, checkpoint=path, **settings)
    assert slow.calls == 50
    with np.load(path, allow_pickle=False) as file:
        assert json.loads(str(file["meta"]))["step"] == 50  # the 50th step was completed
    assert signal.getsignal(signal.SIGINT) is handler
    slow.calls = 50
    assert_same(run(slow, steps=100, checkpoint=path, **settings), run(steps=100, **settings))


def test_a_second_control_c_is_raised_at_once():
    from adaopt.training.checkpoint import interrupts_between_steps

    with interrupts_between_steps() as raise_pending:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            raise_pending()


def test_checkpoints_work_outside_the_main_thread(tmp_path):
    results = []
    path = tmp_path / "run.npz"
    thread = threading.Thread(target=lambda: results.append(run(checkpoint=path, batch_size=2)))
    thread.start()
    thread.join()
    assert_same(results[0], run(batch_size=2))


def test_a_killed_process_leaves_a_checkpoint_to_go_on_from(tmp_path):
    path = tmp_path / "run.npz"
    code = f"""
import numpy as np
from adaopt import problems
from adaopt.numpy import SGD
from adaopt.training import minimize
minimize(problems.plane(), SGD(lr=0.01), [3.0, -2.0], 10**9, np.random.default_rng(0), batch_size=2,
         record_every=10**8, checkpoint={str(path)!r}, checkpoint_every=200)
"""
    process = subprocess.Popen([sys.executable, "-c", code])
    until = time.monotonic() + 60
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.02)
    process.kill()
    process.wait()
    with np.load(path, allow_pickle=False) as file:
        step = json.loads(str(file["meta"]))["step"]
    assert step > 0
    assert step % 200 == 0

    def go(**settings):
        rng, x0 = np.random.default_rng(0), [3.0, -2.0]
        return minimize(problems.plane(), SGD(lr=0.01), x0, step + 5, rng, batch_size=2, **settings)

    resumed = go(record_every=10**8, checkpoint=path)
    assert_same(resumed, go(record_every=10**8))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not an archive at all",
        "cut",
        "flipped",
        "foreign archive",
        "foreign meta",
        "pickle",
    ],
)
def test_a_broken_or_foreign_file_is_refused_by_name_and_kept(tmp_path, content):
    path = tmp_path / "run.npz"
    run(checkpoint=path)
    good = path.read_bytes()
    if content == "cut":
        path.write_bytes(good[: len(good) // 2])
    elif content == "flipped":
        at = good.index(b"iterates.npy") + 200
        path.write_bytes(good[:at] + bytes([good[at] ^ 255]) + good[at + 1 :])
    elif content == "foreign archive":
        np.savez(path, weights=np.ones(3))
    elif content == "foreign meta":
        np.savez(path, meta=np.array(json.dumps({"format": "somebody else's 2"})))
    elif content == "pickle":
        np.savez(path, meta=np.array([{"a": 1}], dtype=object))
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"checkpoint .*run\.npz is broken or no checkpoint"):
        run(checkpoint=path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["run.npz"]


def other_data():
    p = Interrupted(0, None)
    p.b = p.b + 1
    return p


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"batch_size": 3}, "its sampling is .*'batch_size': 2.*, here it is .*'batch_size': 3"),
        ({"replace": False}, "its sampling is"),
        ({"seed": 4}, "its sampling is .*'rng'"),
        ({"optimizer": "torch"}, r"its optimizer is SGD\(lr=0.05, momentum=0.9"),
        ({"record_every": 2}, "its record_every is 1, here it is 2"),
        ({"schedule": schedules.constant(0.1)}, "its schedule is False, here it is True"),
        ({"problem": problems.plane(n=13)}, "its problem is"),
        ({"problem": other_data()}, r"its f\(x0\) is .*, here it is"),
        ({"steps": 4}, "is at step 9, beyond steps=4"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_by_name_and_kept(tmp_path, changed, message):
    path = tmp_path / "run.npz"
    run(checkpoint=path, batch_size=2)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=message):
        run(**({"checkpoint": path, "batch_size": 2} | changed))
    assert path.read_bytes() == before


def test_another_schedule_is_noticed(tmp_path):
    path = tmp_path / "run.npz"
    run(checkpoint=path, schedule=schedules.inverse(0.05))
    with pytest.raises(ValueError, match="its schedule gave"):
        run(checkpoint=path, steps=20, schedule=schedules.inverse(0.05, 2.0))

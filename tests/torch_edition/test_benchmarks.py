"""The benchmark runner: interleaving, records, usage; one quick run of the real thing."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from adaopt.catalog import CARDS
from adaopt.torch import SOAP, Shampoo
from benchmarks import matrix, runner, step
from benchmarks.__main__ import main

ROOT = Path(__file__).parents[2]


def test_candidates_take_turns():
    order = []
    candidates = {name: (lambda name=name: order.append(name)) for name in "abc"}
    samples = runner.interleaved(candidates, rounds=2, calls=2, before=order.append)
    assert {name: len(seconds) for name, seconds in samples.items()} == dict(a=2, b=2, c=2)
    assert "".join(order) == "".join(3 * name for name in "cababcbca")
    assert runner.summary([1e-3, 2e-3, 9e-3])["ms"] == pytest.approx(2)


def test_an_interrupted_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "result.json"
    runner.write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        runner.write_json(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_sizes_are_what_their_names_say():
    counts = [sum(map(math.prod, shapes)) for shapes in step.SIZES.values()]
    assert counts == [79_510, 10_000_000, 124_439_808]
    assert [len(shapes) for shapes in step.SIZES.values()] == [4, 100, 148]


def test_every_elementwise_method_is_measured():
    matrix = {k for k, card in CARDS.items() if ".matrix." in card.torch_class.__module__}
    assert {method.key for method in step.METHODS.values()} == CARDS.keys() - matrix - {"gd"}


def test_the_bytes_are_what_must_be_read_and_written():
    """The gradient once, parameter and buffers twice; more where a first pass is needed."""
    torch.manual_seed(0)
    for method in step.METHODS.values():
        card = CARDS[method.key]
        p = torch.nn.Parameter(torch.randn(64, 32))
        optimizer = card.torch_class([p], **{**card.preset, **method.hyper})
        for _ in range(2):
            p.grad = torch.randn_like(p)
            optimizer.step()
        kept = [t for t in optimizer.state[p].values() if torch.is_tensor(t) and t.shape == p.shape]
        once = 12 + 8 * len(kept)
        if method.key in ("amos", "adafactor", "prodigy", "schedule_free_prodigy"):
            assert method.bytes > 12
        else:
            assert method.bytes == once, method


def test_extra_memory_is_the_peak_of_a_step():
    tensors = step.Tensors([torch.ones(1000)], [torch.ones(1000)], [])

    def one():
        a = tensors.params[0] + 1  # 4000 bytes
        del a
        b = tensors.params[0] * tensors.params[0]  # 4000, and 2000 more at the same time
        return b[:500] - b[500:]

    assert step.extra_on_cpu(one) == 6000


def test_an_interrupted_run_goes_on(tmp_path, monkeypatch, capsys):
    measured = []

    def measure(size, name, tensors, rounds):
        if name == step.QUICK[1] and len(measured) == 1:
            measured.append("stopped")
            raise KeyboardInterrupt
        measured.append(name)
        row = {"size": size, "method": name, "key": step.METHODS[name].key, "bytes": 12, "ms": 1.0}
        ratios = {"gb_per_s": 1.0, "to_foreach": 0.9, "to_fused_by_bytes": 2.0}
        return [
            row | ratios | {"candidate": candidate, "extra_memory": 0.5}
            for candidate in ("adaopt", "adaopt fused")
        ]

    monkeypatch.setattr(step, "measure", measure)
    with pytest.raises(KeyboardInterrupt):
        step.run(tmp_path, quick=True)
    assert [path.name for path in tmp_path.iterdir()] == ["step.part.json"]
    step.run(tmp_path, quick=True)
    assert measured == [step.QUICK[0], "stopped", step.QUICK[1]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step.json", "step.md", "step.png"]
    assert "Compiled over the target: momentum; Prodigy" in (tmp_path / "step.md").read_text()
    assert "2.00 !" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["warp"], "unknown question 'warp'; there is step"),
        (["--rounds", "0"], "'0' is not a whole number of 1 or more"),
        (["--threads", "two"], "'two' is not a whole number"),
    ],
)
def test_wrong_usage(capsys, arguments, message):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


# Methods of matrices


def test_the_models_are_what_their_names_say():
    counts = [sum(p.numel() for p in make().parameters()) for make in matrix.MODELS.values()]
    assert counts == [79_510, 813_824]


def products(name, model):
    """Multiplications of a cycle's products, and the sides of what is factorized."""
    total, sides = 0, []
    for operation in matrix.operations(name, model):
        a = operation.args[0]
        if operation.func is torch.bmm:
            total += a.numel() * operation.args[1].shape[2]
        else:
            sides += [a.shape[-1]] * len(a)
    return total, sorted(sides)


def test_the_floor_counts_what_the_formula_asks_for():
    """One weight (300, 40) and one bias (300,), in even blocks of at most so much, or whole."""
    model = torch.nn.Linear(40, 300)
    parts = -(-300 // Shampoo.hyper["block_size"])
    n = 300 // parts
    step = 2 * parts * (n * n * 40 + n * 40 * 40 + n * n)
    blocked = 10 * step + parts * (2 * n**3 + 40**3)
    assert products("floor of Shampoo", model) == (blocked, [40] * parts + [n] * 2 * parts)
    whole = 300 * 300 * 40 + 300 * 40 * 40
    roots = 2 * 300**3 + 40**3
    unblocked = 10 * 2 * (whole + 300**2) + roots
    assert products("floor of Shampoo, unblocked", model) == (unblocked, [40, 300, 300])
    soap = 10 * 3 * whole + 300**3 + 40**3
    assert products("floor of SOAP, unblocked", model) == (soap, [40, 300])
    parts = -(-300 // SOAP.hyper["block_size"])
    n = 300 // parts
    soap = parts * (10 * 3 * (n * n * 40 + n * 40 * 40) + n**3 + 40**3)
    assert products("floor of SOAP", model) == (soap, [40] * parts + [n] * parts)
    two = torch.nn.Sequential(model, torch.nn.Linear(300, 3))  # the last one is a head
    muon = 10 * 5 * (2 * 40 * 40 * 300 + 40**3)
    assert products("floor of Muon", two) == (muon, [])


def test_bytes_in_objects_count():
    class Kept:
        def __init__(self):
            self.matrices = [torch.zeros(3, 3), {"a": torch.zeros(2)}]

    assert sum(matrix.tensors([Kept(), 7, "text", torch.zeros(1)])) == 4 * 12


@pytest.mark.usefixtures("compiler")
def test_a_quick_run_measures_every_candidate():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "step", "matrix", "--quick", "--threads", "1"],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads((ROOT / "benchmarks/results/scratch/step.json").read_text())
    measured = {(row["method"], row["candidate"]) for row in result["rows"]}
    assert {method for method, _ in measured} == set(step.QUICK)
    assert {name for _, name in measured} == set(step.CANDIDATES)
    assert all(row["ms"] > 0 and row["to_fused_by_bytes"] > 0 for row in result["rows"])
    assert all(row["extra_memory"] >= 0 for row in result["rows"] if row["candidate"] != "NumPy")
    assert result["machine"]["allocator"] == runner.ALLOCATOR
    assert result["machine"]["threads"] == 1
    assert "adaopt fused" in done.stdout
    result = json.loads((ROOT / "benchmarks/results/scratch/matrix.json").read_text())
    assert [row["method"] for row in result["rows"]] == list(matrix.QUICK)
    ours, theirs, adamw = result["rows"]
    assert ours["to_theirs"] == pytest.approx(ours["ms"] / theirs["ms"])
    assert adamw["to_theirs"] is adamw["floor_ms"] is None
    for row in (ours, theirs):
        assert row["ms"] > 0
        assert row["worst"] >= 1
        assert row["to_floor"] == pytest.approx(row["ms"] / row["floor_ms"])
    assert ours["state_bytes"] < theirs["state_bytes"]
    assert not list((ROOT / "benchmarks/results/scratch").glob("*.part*"))

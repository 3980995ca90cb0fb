"""The benchmark runner: interleaving, records, usage; one quick run of the real thing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import runner, sgd_step
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
    counts = [sum(map(sgd_step.math.prod, shapes)) for shapes in sgd_step.SIZES.values()]
    assert counts == [79_510, 10_000_000, 124_439_808]
    assert [len(shapes) for shapes in sgd_step.SIZES.values()] == [4, 100, 148]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["warp"], "unknown question 'warp'; there is sgd_step"),
        (["--rounds", "0"], "'0' is not a whole number of 1 or more"),
        (["--threads", "two"], "'two' is not a whole number"),
    ],
)
def test_wrong_usage(capsys, arguments, message):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.usefixtures("compiler")
def test_a_quick_run_measures_every_candidate():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--threads", "1"],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads((ROOT / "benchmarks/results/scratch/sgd_step.json").read_text())
    assert [row["candidate"] for row in result["rows"]] == list(sgd_step.CANDIDATES)
    assert all(row["ms"] > 0 for row in result["rows"])
    assert result["machine"]["allocator"] == runner.ALLOCATOR
    assert result["machine"]["threads"] == 1
    assert "adaopt fused" in done.stdout

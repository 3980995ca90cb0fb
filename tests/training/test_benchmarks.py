"""The benchmark questions about training: the file of results that lecture 11 reads, epochs."""

import csv
import json

import numpy as np
import pytest

from adaopt.catalog import CARDS
from adaopt.data import drawn_garments
from benchmarks import fashion_mnist, training


@pytest.fixture
def small(monkeypatch):
    """Few images, epochs and rates, and no process besides this one."""
    X, y = drawn_garments(90, seed=0)
    X = X.astype(np.float32) / 255
    monkeypatch.setattr(fashion_mnist, "images", lambda quick: 3 * [(X, y)])
    monkeypatch.setattr(fashion_mnist, "METHODS", ["sgd", "muon"])
    monkeypatch.setattr(fashion_mnist, "GRID", [0.1, 1.0, 10.0])
    how = {"tuning": (60, 1, 20, "relu", 1), "tuned": (90, 3, 20, "relu", 2)}
    monkeypatch.setattr(fashion_mnist, "HOW", how | {"shared": (90, 2, 30, "elu", 1)})
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_file_holds_every_run(tmp_path, small, capsys):
    fashion_mnist.run(tmp_path, None, False, "cpu")
    rows = rows_of(tmp_path / "fashion_mnist.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "fashion_mnist.csv",
        "fashion_mnist.json",
    ]
    for method in ("sgd", "muon"):
        mine = [row for row in rows if row["method"] == method]
        tried = {row["lr"]: float(row["accuracy"]) for row in mine if row["experiment"] == "tuning"}
        rates = sorted(map(float, tried))
        best = float(max(tried, key=tried.get))
        assert len(rates) >= 3 and rates[0] < best < rates[-1]
        epochs = [(r["seed"], r["epoch"]) for r in mine if r["experiment"] == "tuned"]
        assert epochs == [(seed, epoch) for seed in "01" for epoch in "123"]
        assert {float(row["lr"]) for row in mine if row["experiment"] == "tuned"} == {best}
        assert [float(r["lr"]) for r in mine if r["experiment"] == "shared"] == 2 * [4e-4]
    assert "torch" in json.loads((tmp_path / "fashion_mnist.json").read_text())["versions"]
    assert CARDS["muon"].name in capsys.readouterr().out


def test_an_interrupted_run_goes_on(tmp_path, small, monkeypatch):
    real, trained = fashion_mnist.train, []

    def train(experiment, method, lr, seed, *rest):
        if (experiment, seed, len(trained)) == ("tuned", 1, 0):
            trained.append("stopped")
            raise KeyboardInterrupt
        trained.extend([(experiment, method, seed)] if trained else [])
        return real(experiment, method, lr, seed, *rest)

    monkeypatch.setattr(fashion_mnist, "train", train)
    with pytest.raises(KeyboardInterrupt):
        fashion_mnist.run(tmp_path, None, False, "cpu")
    assert not (tmp_path / "fashion_mnist.csv").exists()
    fashion_mnist.run(tmp_path, None, False, "cpu")
    left = {("tuned", "sgd", 1), ("tuned", "muon", 1), ("shared", "sgd", 0), ("shared", "muon", 0)}
    # The last of the runs before it may have ended, or not, when the stop came.
    assert left <= set(trained[1:]) <= left | {("tuned", "muon", 0)}
    assert len(trained[1:]) == len(set(trained[1:]))


def test_a_run_that_diverges_keeps_its_rows(small):
    rows = fashion_mnist.train("tuned", "sgd", 1e30, 0, fashion_mnist.images(True), "cpu")
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert rows[-1]["loss"] == np.inf and rows[-1]["accuracy"] == 0


def test_methods_that_are_left_out_are_equal_to_another(small):
    data = fashion_mnist.images(True)
    for method, other in fashion_mnist.EQUAL.items():
        one, two = (
            fashion_mnist.train("tuned", key, 1e-2, 0, data, "cpu") for key in (method, other)
        )
        assert [row["loss"] for row in one] == [row["loss"] for row in two]


def test_epochs_are_timed_and_compared(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(training, "N", 200)
    training.run(tmp_path, rounds=1)
    rows = json.loads((tmp_path / "training.json").read_text())["rows"]
    assert rows.keys() == {"torch edition", "plain loop", "NumPy edition"}
    ratio = rows["torch edition"]["ms"] / rows["plain loop"]["ms"]
    assert rows["torch edition"]["ratio"] == pytest.approx(ratio)
    text = (tmp_path / "training.md").read_text()
    assert "torch edition" in text and "torch edition" in capsys.readouterr().out

"""How do the methods of the catalog train the 79,510-parameter network on Fashion-MNIST?

Three experiments, the rows of ``fashion_mnist.csv``:

- ``tuning``: 6,000 training images, four epochs, batches of 128, one seed; nine rates from 1e-4 to
  1, more while the best lies on the edge, scored on 5,000 other training images.
- ``shared``: the setting of the slides: all 60,000 images, ELU, batches of 1024, ten epochs, every
  rate 4e-4; one seed.
- ``tuned``: all images, eight epochs, batches of 128, three seeds, each method at its best rate.

When tuning and when tuned the rate falls along half a cosine, except in schedule-free methods.
Accuracies of the last two are of the 10,000 test images, after every epoch. ``seconds`` are of the
processor, one thread, a mean epoch with its evaluation. Lecture 11 reads the file.
``LOKY_MAX_CPU_COUNT`` limits how many runs are trained at once.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import torch
from joblib import Parallel, delayed
from tqdm import tqdm

from adaopt.catalog import CARDS
from adaopt.data import drawn_garments, load_fashion_mnist
from adaopt.nn import MLP
from adaopt.schedules import warmup_cosine
from adaopt.torch import AdamW, Combined, Muon, build, split_parameters
from adaopt.training import DivergenceError, fit, tune
from benchmarks import runner

EQUAL = {"gd": "sgd", "nadamp": "nadamw", "generalized_adam": "nadamw"}  # here, at the defaults
METHODS = [key for key in CARDS if key not in EQUAL]
GRID = [float(f"{10 ** (m / 2):.3g}") for m in range(-8, 1)]
SHARED_LR = 4e-4
ROOTS = {"grafting": "adam", "precondition_frequency": 10}
HYPER = {"shampoo": ROOTS, "caspr": ROOTS}  # besides the rate; all else is at its default
FIELDS = ("experiment", "method", "lr", "seed", "epoch", "loss", "accuracy", "seconds")
HOW = {  # training images, epochs, batch size, activation, seeds
    "tuning": (6_000, 4, 128, "relu", 1),
    "shared": (60_000, 10, 1024, "elu", 1),
    "tuned": (60_000, 8, 128, "relu", 3),
}
Row = dict[str, Any]


def optimizer(method: str, model: torch.nn.Module, lr: float, others: float = 1e-3) -> Any:
    """The method; Muon takes the hidden layer's matrix, and AdamW at ``others`` all else."""
    if method != "muon":
        return build(method, model.parameters(), lr=lr, **HYPER.get(method, {}))
    matrices, rest = split_parameters(model)
    return Combined([Muon(matrices, lr=lr), AdamW(rest, lr=others)], model)


def train(experiment: str, method: str, lr: float, seed: int, data: Any, device: str) -> list[Row]:
    """A row per epoch, of the last one only in tuning; after a run diverges, a loss of inf."""
    torch.set_num_threads(1)
    n, epochs, batch_size, activation, _ = HOW[experiment]
    (X, y), validation, test = data
    X, y = X[:n], y[:n]
    model = MLP(activation=activation, generator=torch.Generator().manual_seed(seed)).to(device)
    shared = experiment == "shared"
    chosen = optimizer(method, model, lr, lr if shared else 1e-3)
    falls = not shared and not method.startswith("schedule_free")
    steps = epochs * -(-len(X) // batch_size)
    how = {"schedule": warmup_cosine(lr, steps) if falls else None, "batch_size": batch_size}
    held, begin = (validation if experiment == "tuning" else test), process_time()
    generator = torch.Generator().manual_seed(seed)
    try:
        history = fit(model, chosen, (X, y), epochs, generator, validation=held, **how)
    except DivergenceError as error:
        history = error.trace
        missing = epochs - len(history.epochs)
        history.epochs = list(range(1, epochs + 1))
        history.validation_loss += missing * [np.inf]
        history.validation_accuracy += missing * [0.0]
    columns = history.epochs, history.validation_loss, history.validation_accuracy
    seconds = (process_time() - begin) / epochs
    rows = [
        dict(zip(FIELDS, (experiment, method, f"{lr:.3g}", seed, *row, seconds), strict=True))
        for row in zip(*columns, strict=True)
    ]
    return rows[-1:] if experiment == "tuning" else rows


def tuned(method: str, data: Any, device: str) -> list[Row]:
    """The rows of every rate that the search for the best one tries."""
    rows = []

    @cache
    def wrong(lr: float, seed: int) -> float:
        rows.extend(train("tuning", method, lr, seed, data, device))
        return 1 - rows[-1]["accuracy"]

    tune(wrong, GRID, seeds=[0], report=[0])
    return rows


def best_rate(rows: Iterable[Row], method: str) -> float:
    """The rate with the most right validation images, the smallest of equals."""
    tried = [r for r in rows if (r["experiment"], r["method"]) == ("tuning", method)]
    return float(min(tried, key=lambda row: (-float(row["accuracy"]), float(row["lr"])))["lr"])


def waiting(rows: list[Row], experiment: str, methods: Iterable[str]) -> Iterator[tuple]:
    """What of an experiment is still to be trained: methods, rates and seeds."""
    done = {(r["method"], int(r["seed"])) for r in rows if r["experiment"] == experiment}
    for seed in range(HOW[experiment][-1]):
        for method in methods:
            if (method, seed) in done:
                continue
            if experiment == "tuning":
                yield (method,)
            else:
                lr = best_rate(rows, method) if experiment == "tuned" else SHARED_LR
                yield experiment, method, lr, seed


def run(folder: Path, rounds: int | None, quick: bool, device: str) -> None:
    """Train what an interrupted run has not; print and write the results and their machine."""
    del rounds  # the seeds are part of the question
    path = folder / "fashion_mnist.csv"
    part = path.with_suffix(".part.csv")
    rows = read(part) if part.is_file() else []
    methods = METHODS[:2] if quick else METHODS
    data = images(quick)
    for experiment in HOW:
        function = tuned if experiment == "tuning" else train
        left = list(waiting(rows, experiment, methods))
        jobs = (delayed(function)(*what, data, device) for what in left)
        with Parallel(n_jobs=-1, return_as="generator_unordered") as parallel:
            for new in tqdm(parallel(jobs), experiment, len(left), unit="run"):
                write(part, new)
                rows = read(part)
    table = summary(rows, methods)
    runner.show("Test accuracy of the last epoch, mean over seeds", *table)
    order = {name: i for i, name in enumerate([*HOW, *methods])}
    rows.sort(
        key=lambda r: (
            *(order[r[name]] for name in ("experiment", "method")),
            *(float(r[name]) for name in ("lr", "seed", "epoch")),
        )
    )
    runner.write_json(path.with_suffix(".json"), runner.machine() | {"threads": 1})
    sorted_part = path.with_suffix(".sorted.csv")
    write(sorted_part, rows)
    sorted_part.replace(path)
    part.unlink()


def summary(rows: list[Row], methods: Iterable[str]) -> tuple[list[str], list[list[str]]]:
    """Header and lines of the table that is printed."""

    def last(experiment: str, method: str) -> str:
        final = {}
        for r in rows:
            if (r["experiment"], r["method"]) == (experiment, method):
                final[r["seed"]] = float(r["accuracy"])
        return f"{np.mean(list(final.values())):.4f}"

    lines = [
        [CARDS[m].name, f"{best_rate(rows, m):g}", last("tuned", m), last("shared", m)]
        for m in methods
    ]
    return ["method", "best rate", "tuned", "all at 4e-4"], lines


def images(quick: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """Training, validation (the last 5,000 of them) and test images in [0, 1], with labels.

    Fashion-MNIST, fetched if it is not at hand; a quick run draws 300 garments.
    """
    if quick:
        X, y = drawn_garments(300, seed=0)
        return 3 * [(X.astype(np.float32) / 255, y)]
    (X, y), (X_test, y_test) = load_fashion_mnist("train"), load_fashion_mnist("test")
    X, X_test = (x.astype(np.float32) / 255 for x in (X, X_test))
    return [(X, y), (X[-5_000:], y[-5_000:]), (X_test, y_test)]


def read(path: Path) -> list[Row]:
    """The rows of a file of results, every value as text."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[Row]) -> None:
    """Append rows, numbers with four decimals."""
    new = not path.is_file()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        if new:
            writer.writeheader()
        for row in rows:
            writer.writerow(row | {name: f"{float(row[name]):.4f}" for name in FIELDS[-3:]})

"""How long does an epoch of the 79,510-parameter network take, in either edition and by hand?

60,000 images of noise and batches of 128, AdamW, float32: the time does not depend on what the
images show. The plain loop is the usual one: TensorDataset, DataLoader and torch.optim.AdamW with
foreach.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from adaopt import numpy as rules
from adaopt.nn import MLP, by_hand
from adaopt.torch import AdamW
from adaopt.training import fit
from benchmarks import runner

N, BATCH, ROUNDS, LR = 60_000, 128, 5, 1e-3
TARGETS = {"torch edition": ("plain loop", 1.0), "NumPy edition": ("torch edition", 2.5)}
HEADER = {
    "one epoch": "",
    "ms": "the median",
    "quartiles": "of that",
    "ratio": "the torch edition to the plain loop, the NumPy edition to the torch edition",
}


def candidates(n: int, device: str) -> dict[str, Any]:
    """What is timed: functions that train one epoch, each a network of its own."""
    rng = np.random.default_rng(0)
    X, y = rng.random((n, 28, 28), dtype=np.float32), rng.integers(0, 10, n)
    ours, theirs = MLP().to(device), MLP().to(device)
    optimizer = AdamW(ours.parameters(), lr=LR)
    other = torch.optim.AdamW(theirs.parameters(), lr=LR, foreach=True)
    dataset = TensorDataset(torch.from_numpy(X), torch.from_numpy(y))
    loader = DataLoader(dataset, batch_size=BATCH, shuffle=True)
    network, rule = by_hand.MLP(dtype=np.float32), rules.AdamW(lr=LR)

    def plain() -> None:
        for inputs, labels in loader:
            outputs = theirs(inputs.to(device))
            loss = torch.nn.functional.cross_entropy(outputs, labels.to(device))
            other.zero_grad()
            loss.backward()
            other.step()

    return {
        "torch edition": lambda: fit(ours, optimizer, (X, y), 1),
        "plain loop": plain,
        "NumPy edition": lambda: fit(network, rule, (X, y), 1),
    }


def run(folder: Path, rounds: int | None = None, quick: bool = False, device: str = "cpu") -> None:
    """Measure, print, and write ``training`` .json and .md into ``folder``."""
    rounds = rounds or (2 if quick else ROUNDS)
    samples = runner.interleaved(candidates(2_000 if quick else N, device), rounds)
    rows = {name: runner.summary(seconds) for name, seconds in samples.items()}
    for name, (against, target) in TARGETS.items():
        rows[name] |= {"ratio": rows[name]["ms"] / rows[against]["ms"], "target": target}
    described, lines = runner.machine(), table(rows)
    result = {"question": __doc__.strip(), "machine": described, "rounds": rounds, "rows": rows}
    runner.write_json(folder / "training.json", result)
    how = f"Float32, medians of {rounds} interleaved epochs"
    text = runner.markdown("**An epoch of 60,000 images**, batches of 128", HEADER, lines)
    runner.write(folder / "training.md", text + runner.footnote(HEADER, described, how))
    runner.show("an epoch; a ratio over its target has a !", HEADER, lines)


def table(rows: dict[str, dict[str, float]]) -> list[list[str]]:
    """One line of text per candidate."""
    return [
        [
            name,
            runner.milliseconds(row["ms"]),
            f"{runner.milliseconds(row['ms_low'])} to {runner.milliseconds(row['ms_high'])}",
            runner.ratio(row.get("ratio"), row.get("target")),
        ]
        for name, row in rows.items()
    ]

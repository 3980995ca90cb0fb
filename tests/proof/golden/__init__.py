"""Paths recorded once from programs that are too heavy to install: see ``record.py``."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path as File
from typing import Any

import numpy as np

from tests.proof.parity import Path, Problem

FILE = File(__file__).with_name("paths.json")


@cache
def content() -> dict[str, Any]:
    """The file: versions, problem, and one entry a path."""
    return json.loads(FILE.read_text())


def write(file: dict[str, Any]) -> None:
    """Write the file anew: a line for each entry of a list."""
    lines = []
    for name, value in file.items():
        text = json.dumps(value)
        if isinstance(value, list):
            text = "[\n" + ",\n".join(map(json.dumps, value)) + "\n]"
        lines.append(f"{json.dumps(name)}: {text}")
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


@cache
def problem() -> Problem:
    """The problem that all recorded paths descend."""
    file = content()
    return Problem.recorded(arrays(file["start"]), [arrays(noise) for noise in file["noise"]])


def entries(key: str) -> list[dict[str, Any]]:
    """The entries of one card, hyper-parameters as the classes take them."""
    found = [entry for entry in content()["paths"] if entry["key"] == key]
    return [{**entry, "hyper": {n: plain(v) for n, v in entry["hyper"].items()}} for entry in found]


def path(entry: dict[str, Any]) -> Path:
    """The path of an entry."""
    return Path([arrays(point) for point in entry["points"]], arrays(entry["x"]))


def arrays(lists: dict[str, list]) -> dict[str, np.ndarray]:
    return {name: np.asarray(values, dtype=float) for name, values in lists.items()}


def plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value

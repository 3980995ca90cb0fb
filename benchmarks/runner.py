"""Fair timing: candidates interleaved, medians, the allocator fixed, the machine recorded."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

HERE = Path(__file__).parent

# Where freed memory goes back to the system, every large temporary is paged in anew, which makes
# single steps many times slower at random. These settings keep freed memory in the process.
ALLOCATOR = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "1000000000000"}


def with_allocator() -> None:
    """Start this program again with the allocator settings, which are read at its start only."""
    if any(os.environ.get(name) != value for name, value in ALLOCATOR.items()):
        command = [sys.executable, "-m", "benchmarks", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **ALLOCATOR})


def interleaved(
    candidates: Mapping[str, Callable[[], object]],
    rounds: int,
    calls: int = 1,
    before: Callable[[str], object] | None = None,
    progress: Callable[[], object] | None = None,
) -> dict[str, list[float]]:
    """Seconds per call of every candidate, one sample of ``calls`` calls in each round.

    The order turns by one place in every round, so that none always follows the same other one.
    ``before(name)`` runs, untimed, before every sample. One round of warming up is not counted.
    """
    names = list(candidates)
    samples: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(-1, rounds):
        for i in range(len(names)):
            name = names[(i + turn) % len(names)]
            if before:
                before(name)
            call = candidates[name]
            start = perf_counter()
            for _ in range(calls):
                call()
            seconds = (perf_counter() - start) / calls
            if turn >= 0:
                samples[name].append(seconds)
            if progress:
                progress()
    return samples


def summary(seconds: list[float]) -> dict[str, float]:
    """Median and quartiles in milliseconds."""
    seconds = seconds * 2 if len(seconds) == 1 else seconds
    low, middle, high = statistics.quantiles(seconds, n=4, method="inclusive")
    return {"ms": 1e3 * middle, "ms_low": 1e3 * low, "ms_high": 1e3 * high}


def machine() -> dict[str, Any]:
    """What the numbers depend on: processor, memory, versions, threads, allocator, commit, load."""
    import torch

    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in ("torch", "numpy", "adaopt")},
        "threads": torch.get_num_threads(),
        "allocator": {name: os.environ.get(name) for name in ALLOCATOR},
        "commit": _git("rev-parse", "--short", "HEAD") + ("+" if _git("diff", "HEAD") else ""),
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def write(path: Path, text: str) -> None:
    """Write beside the target, then rename: an interruption leaves the old file."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def write_json(path: Path, result: Mapping[str, Any]) -> None:
    """Write the result as readable JSON."""
    write(path, json.dumps(result, indent=1, ensure_ascii=False) + "\n")


def _processor() -> str:
    """The model's name; its family and model numbers where a virtual machine hides the name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    facts = dict(line.split("\t: ", 1) for line in reversed(lines) if "\t: " in line)
    facts = {name.strip(): value for name, value in facts.items()}
    return (
        f"{facts.get('model name', 'unknown')} "
        f"(family {facts.get('cpu family', '?')}, model {facts.get('model', '?')})"
    )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _git(*arguments: str) -> str:
    """The output of git on the package and the benchmarks, empty where there is no git."""
    paths = ["--", "adaopt/torch", "benchmarks/*.py"] if arguments[0] == "diff" else []
    try:
        command = ["git", *arguments, *paths]
        done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()

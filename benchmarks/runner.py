"""Fair timing: candidates interleaved, medians, the allocator fixed, the machine recorded."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

from tqdm import tqdm

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


def resumed(path: Path, asked: Any, cases: Iterable[str], answer: Callable[[str], Any]) -> Any:
    """The answer to every case; ``path`` keeps them until all are known.

    What an interrupted run has measured there, of the same code on the same machine with the same
    wishes ``asked``, is not measured again.
    """
    same = {**machine(), "load": None, "commit": None}
    asked = {"machine": same, "code": code(), "asked": asked}
    done: dict[str, Any] = {}
    if path.is_file() and (begun := json.loads(path.read_text()))["asked"] == asked:
        done = begun["done"]
    with tqdm(list(cases), unit="case") as bar:
        for case in bar:
            bar.set_description(case)
            if case not in done:
                done[case] = answer(case)
                write_json(path, {"asked": asked, "done": done})
    return done


def code() -> str:
    """A checksum of what is measured and of what measures it."""
    folders = (HERE, *(HERE.parent / "adaopt" / name for name in ("numpy", "torch")))
    files = sorted(path for folder in folders for path in folder.rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def show(title: str, header: Iterable[str], lines: Iterable[Sequence[str]]) -> None:
    """Print a table, numbers to the right."""
    from rich.console import Console
    from rich.table import Table

    printed = Table(title=title)
    for i, name in enumerate(header):
        printed.add_column(name, justify="right" if i else "left", no_wrap=True)
    for line in lines:
        printed.add_row(*line)
    Console(width=max(150, Console().width)).print(printed)


def markdown(title: str, header: Iterable[str], lines: Iterable[Sequence[str]]) -> str:
    """The same table for a page."""
    header = list(header)
    rule = f"| --- |{' ---: |' * (len(header) - 1)}"
    rows = [f"| {' | '.join(line)} |" for line in (header, *lines)]
    return "\n".join([title, "", rows[0], rule, *rows[1:]]) + "\n\n"


def footnote(header: Mapping[str, str], described: Mapping[str, Any], how: str) -> str:
    """What the columns mean, how they were measured and where."""
    columns = "; ".join(f"*{name}*: {what}" for name, what in header.items() if what)
    place = described["gpu"] or f"{described['threads']} threads on {described['processor']}"
    return (
        f"Columns: {columns}. A ratio over its target carries an exclamation mark. {how}; {place}, "
        f"torch {described['versions']['torch']}, Python {described['python']}.\n"
    )


def milliseconds(value: float) -> str:
    """Three digits."""
    return f"{value:.3g}" if value < 100 else f"{value:,.0f}"


def ratio(value: float | None, target: float | None = None) -> str:
    """Two decimals, an exclamation mark over the target; nothing for None."""
    over = target is not None and value is not None and value > target
    return "" if value is None else f"{value:.2f}" + (" !" if over else "")


def save(fig: Any, path: Path) -> None:
    """Write a figure beside the target, then rename."""
    part = path.with_name(path.name + ".part")
    fig.savefig(part, format="png", dpi=110)
    part.replace(path)


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

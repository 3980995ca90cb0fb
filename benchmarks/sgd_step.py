"""How long does one step of SGD take, ours against torch.optim's three ways of computing it?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from adaopt import torch as ours
from benchmarks.runner import interleaved, machine, summary, write, write_json

GPT2_BLOCK = [(768,), (768,), (2304, 768), (2304,), (768, 768), (768,)]
GPT2_BLOCK += [(768,), (768,), (3072, 768), (3072,), (768, 3072), (768,)]
SIZES = {
    "MLP 79,510 (4 tensors)": [(100, 784), (100,), (10, 100), (10,)],
    "10M (100 tensors)": [(1000, 100)] * 100,
    "GPT-2 124M (148 tensors)": [(50257, 768), (1024, 768), *12 * GPT2_BLOCK, (768,), (768,)],
}


class Method(NamedTuple):
    """A setting of SGD and the bytes per parameter that a step must move in float32."""

    hyper: dict[str, Any]
    bytes: int


METHODS = {
    "SGD": Method({}, 12),  # read x, g; write x
    "momentum": Method({"momentum": 0.9}, 20),  # and read and write v
    "Nesterov": Method({"momentum": 0.9, "nesterov": True}, 20),
}
CANDIDATES: dict[str, tuple[Callable[..., torch.optim.Optimizer], dict[str, bool]]] = {
    "torch single": (torch.optim.SGD, {"foreach": False}),
    "torch foreach": (torch.optim.SGD, {"foreach": True}),
    "torch fused": (torch.optim.SGD, {"fused": True}),
    "adaopt": (ours.SGD, {}),
    "adaopt fused": (ours.SGD, {"fused": True}),
}
COLORS = ["#999999", "#56B4E9", "#0072B2", "#E69F00", "#D55E00"]


def run(folder: Path, rounds: int | None = None, quick: bool = False) -> None:
    """Measure, print, and write ``sgd_step`` .json, .md and .png into ``folder``."""
    sizes = dict(list(SIZES.items())[: 1 if quick else None])
    methods = {"momentum": METHODS["momentum"]} if quick else METHODS
    rounds = rounds or (3 if quick else 15)
    described = machine()
    cases = [(size, method) for size in sizes for method in methods]
    rows = []
    with tqdm(total=len(cases) * len(CANDIDATES) * (rounds + 1), unit="sample") as bar:
        for size, method in cases:
            bar.set_description(f"{method}, {size.split(' (')[0]}")
            rows += measure(size, method, rounds, bar.update)
    alt = finding(rows)
    write_json(
        folder / "sgd_step.json",
        {"question": __doc__, "machine": described, "rounds": rounds, "alt": alt, "rows": rows},
    )
    write(folder / "sgd_step.md", markdown(rows, described))
    draw(rows, folder / "sgd_step.png")
    show(rows)


def measure(
    size: str, method: str, rounds: int, progress: Callable[[], object] | None = None
) -> list[dict[str, Any]]:
    """One row per candidate: time, ratios, bytes and bandwidth of one step."""
    generator = torch.Generator().manual_seed(0)
    params = [torch.randn(shape, generator=generator) for shape in SIZES[size]]
    grads = [torch.randn(shape, generator=generator) for shape in SIZES[size]]
    count = sum(p.numel() for p in params)
    steps, own = {}, {}
    for name, (optimizer, way) in CANDIDATES.items():
        mine = [p.detach().requires_grad_() for p in params]  # the same storage, a gradient each
        own[name] = [torch.empty_like(g) for g in grads]
        for p, g in zip(mine, own[name], strict=True):
            p.grad = g
        steps[name] = optimizer(mine, lr=1e-6, **METHODS[method].hyper, **way).step

    def fresh_gradients(name: str) -> None:  # torch's foreach Nesterov overwrites them
        torch._foreach_copy_(own[name], grads)

    for name, step in steps.items():  # make the state, compile
        fresh_gradients(name)
        step()
        step()
    calls = max(1, min(100, 4_000_000 // count))
    samples = interleaved(steps, rounds, calls, fresh_gradients, progress)
    times = {name: summary(seconds) for name, seconds in samples.items()}
    moved = METHODS[method].bytes * count
    return [
        {
            "size": size,
            "parameters": count,
            "method": method,
            "candidate": name,
            **time,
            "to_foreach": time["ms"] / times["torch foreach"]["ms"],
            "to_fused": time["ms"] / times["torch fused"]["ms"],
            "megabytes": moved / 1e6,
            "gb_per_s": moved / time["ms"] / 1e6,
        }
        for name, time in times.items()
    ]


def cells(rows: list[dict[str, Any]]) -> Iterator[list[str]]:
    """The table's rows as text."""
    for row in rows:
        yield [
            row["size"],
            row["method"],
            row["candidate"],
            f"{row['ms']:.3g}" if row["ms"] < 100 else f"{row['ms']:.0f}",
            f"{row['to_foreach']:.2f}",
            f"{row['to_fused']:.2f}",
            f"{row['megabytes']:,.1f}",
            f"{row['gb_per_s']:.1f}",
        ]


HEADER = ["size", "method", "candidate", "ms", "/ foreach", "/ fused", "MB moved", "GB/s"]


def show(rows: list[dict[str, Any]]) -> None:
    """Print the table."""
    table = Table(title="One step, median; ratios to torch.optim.SGD foreach and fused")
    for i, name in enumerate(HEADER):
        table.add_column(name, justify="left" if i < 3 else "right", no_wrap=True)
    for i, row in enumerate(cells(rows)):
        table.add_row(*row, end_section=(i + 1) % len(CANDIDATES) == 0)
    Console(width=max(110, Console().width)).print(table)


def markdown(rows: list[dict[str, Any]], described: dict[str, Any]) -> str:
    """The same table for a page, with the machine named under it."""
    head = f"| {' | '.join(HEADER)} |\n|{'|'.join([' --- '] * 3 + [' ---: '] * 5)}|\n"
    body = "".join(f"| {' | '.join(row)} |\n" for row in cells(rows))
    return (
        f"{finding(rows)}\n\n{head}{body}\n"
        f"One step in float32, medians of interleaved runs; {described['threads']} threads on "
        f"{described['processor']}, torch {described['versions']['torch']}, "
        f"Python {described['python']}. Ratios are to `torch.optim.SGD` with `foreach=True` and "
        "with `fused=True`; the bytes are the least that the method must move.\n"
    )


def finding(rows: list[dict[str, Any]]) -> str:
    """What the table and the figure show, a sentence per size."""

    def span(size: str, candidate: str, ratio: str) -> str:
        found = [r[ratio] for r in rows if (r["size"], r["candidate"]) == (size, candidate)]
        return f"{min(found):.2f} to {max(found):.2f}"

    return " ".join(
        f"{size}: adaopt takes {span(size, 'adaopt', 'to_foreach')} of the time of torch foreach, "
        f"and compiled {span(size, 'adaopt fused', 'to_fused')} of the time of torch fused."
        for size in dict.fromkeys(row["size"] for row in rows)
    )


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Bars of time relative to torch foreach, one panel per size."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    sizes = list(dict.fromkeys(row["size"] for row in rows))
    methods = list(dict.fromkeys(row["method"] for row in rows))
    figure, axes = plt.subplots(
        1, len(sizes), figsize=(9, 3.4), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, size in zip(axes[0], sizes, strict=True):
        for i, (name, color) in enumerate(zip(CANDIDATES, COLORS, strict=True)):
            heights = [r["to_foreach"] for r in rows if (r["size"], r["candidate"]) == (size, name)]
            places = [j + (i - 2) * 0.17 for j in range(len(methods))]
            hatch = "//" if name.startswith("adaopt") else None
            axis.bar(places, heights, 0.16, color=color, hatch=hatch, edgecolor="white", label=name)
        axis.axhline(1, color="black", linewidth=0.8)
        axis.set_xticks(range(len(methods)), methods)
        axis.set_title(size, fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0][0].set_ylabel("time / torch foreach")
    axes[0][0].set_ylim(0, math.ceil(10 * max(row["to_foreach"] for row in rows)) / 10)
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    part = path.with_name(path.name + ".part")
    figure.savefig(part, format="png", dpi=110)
    part.replace(path)
    plt.close(figure)

"""How long does a step of the methods that treat a weight as a matrix take, beside its floor?

The floor of a method is the time of the matrix products and factorizations that its published
formula asks for, in float32 (eigenvalues on the CPU in float64), on stacks of equal shapes and
nothing else, measured in the same run. Who needs fewer products, or rougher ones, goes below it.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterable
from enum import Enum
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import pytorch_optimizer
import torch
from torch import Tensor, nn

from adaopt import torch as ours
from adaopt.nn import GPT, MLP, GPTConfig
from adaopt.torch import Combined, split_parameters
from adaopt.torch.matrix.blocks import layout
from benchmarks import runner
from benchmarks.runner import interleaved, machine, milliseconds, ratio, summary, write, write_json

FREQUENCY = 10  # steps from one refresh of the preconditioners to the next, of all of them
WHOLE = 10**6  # a size that no dimension has
LR = 1e-6
MODELS = {
    "MLP 79,510": MLP,
    "GPT of 4 layers, width 128": partial(GPT, GPTConfig(4, 4, 128, 64, 96)),
}
ROUNDS = {"MLP": 20, "GPT": 10}  # of FREQUENCY steps each


class Method(NamedTuple):
    """How to make it from a model, whose time it should stay below, how far, and its floor."""

    make: Callable[[nn.Module], torch.optim.Optimizer]
    color: str
    against: str | None = None
    target: float | None = None
    floor: str | None = None


def with_all(optimizer: Any, **keywords: Any) -> Callable[[nn.Module], torch.optim.Optimizer]:
    """An optimizer of all parameters."""
    return lambda model: optimizer(model.parameters(), lr=LR, **keywords)


def with_adamw(muon: Any, adamw: Any) -> Callable[[nn.Module], torch.optim.Optimizer]:
    """Muon for the matrices between layers, AdamW for all else."""

    def make(model: nn.Module) -> torch.optim.Optimizer:
        matrices, others = split_parameters(model)
        return Combined([muon(matrices, lr=LR), adamw(others, lr=LR)], model)

    return make


OURS, THEIRS = "#D55E00", "#0072B2"
METHODS = {
    "Shampoo": Method(
        with_all(ours.Shampoo, precondition_frequency=FREQUENCY),
        OURS,
        "Shampoo of pytorch_optimizer",
        0.4,
        "floor of Shampoo",
    ),
    "Shampoo, unblocked": Method(
        with_all(ours.Shampoo, precondition_frequency=FREQUENCY, block_size=WHOLE),
        OURS,
        "Shampoo of pytorch_optimizer",
        None,
        "floor of Shampoo, unblocked",
    ),
    "CASPR": Method(
        with_all(ours.CASPR, precondition_frequency=FREQUENCY), OURS, floor="floor of CASPR"
    ),
    "Shampoo of pytorch_optimizer": Method(
        with_all(pytorch_optimizer.Shampoo, preconditioning_compute_steps=FREQUENCY),
        THEIRS,
        floor="floor of Shampoo, unblocked",
    ),
    "ScalableShampoo of pytorch_optimizer": Method(
        with_all(
            pytorch_optimizer.ScalableShampoo,
            preconditioning_compute_steps=FREQUENCY,
            start_preconditioning_step=1,
            block_size=ours.Shampoo.hyper["block_size"],
        ),
        THEIRS,
        floor="floor of Shampoo",
    ),
    "SOAP": Method(
        with_all(ours.SOAP, precondition_frequency=FREQUENCY, stagger=True),
        OURS,
        "SOAP of pytorch_optimizer",
        0.7,
        "floor of SOAP",
    ),
    "SOAP, unblocked": Method(
        with_all(ours.SOAP, precondition_frequency=FREQUENCY, stagger=True, block_size=WHOLE),
        OURS,
        "SOAP of pytorch_optimizer",
        None,
        "floor of SOAP, unblocked",
    ),
    "SOAP of pytorch_optimizer": Method(
        with_all(pytorch_optimizer.SOAP, precondition_frequency=FREQUENCY),
        THEIRS,
        floor="floor of SOAP, unblocked",
    ),
    "Muon": Method(with_adamw(ours.Muon, ours.AdamW), OURS, "Muon of torch", 0.75, "floor of Muon"),
    "Muon of torch": Method(
        with_adamw(torch.optim.Muon, torch.optim.AdamW), THEIRS, floor="floor of Muon"
    ),
    "AdamW": Method(with_all(ours.AdamW), OURS),
}
QUICK = ("Shampoo", "Shampoo of pytorch_optimizer", "AdamW")
WORST = 3.0  # times the median step


class Run:
    """An optimizer with a model of its own; called, it takes the steps of a cycle and times each.

    Every step has another of the cycle's gradients, drawn normal: so the statistics are as full as
    they are in training on many batches.
    """

    def __init__(self, method: Method, model: nn.Module) -> None:
        self.model = copy.deepcopy(model)
        self.params = list(self.model.parameters())
        self.optimizer = method.make(self.model)
        self.times: list[list[float]] = []

    def __call__(self, gradients: list[list[Tensor]]) -> None:
        times = []
        for drawn in gradients:
            for p, g in zip(self.params, drawn, strict=True):
                p.grad = g
            wait(self.params[0])
            start = perf_counter()
            self.optimizer.step()
            wait(self.params[0])
            times.append(perf_counter() - start)
        self.times.append(times)

    def state(self) -> int:
        """Bytes of all tensors that the optimizer keeps."""
        kept = (t for values in self.optimizer.state.values() for t in values.values())
        return sum(tensors(kept))


def tensors(values: Iterable[Any]) -> Iterable[int]:
    """The bytes of each tensor, of those in lists, dicts and objects too."""
    for value in values:
        if isinstance(value, Tensor):
            yield value.nbytes
        elif isinstance(value, list | tuple):
            yield from tensors(value)
        elif isinstance(value, dict):
            yield from tensors(value.values())
        elif hasattr(value, "__dict__") and not isinstance(value, type | Enum):
            yield from tensors(vars(value).values())


def wait(like: Tensor) -> None:
    if like.is_cuda:
        torch.cuda.synchronize()


def operations(name: str, model: nn.Module) -> list[Callable[[], object]]:
    """What a cycle of the method asks for at least: each entry is one product or factorization.

    Shampoo multiplies a gradient (m, n) twice by m x m and twice by n x n matrices (statistics and
    roots), CASPR and SOAP three times (SOAP: statistics, into the basis and back); a refresh takes
    for each side the eigenvalues (SOAP: a QR decomposition) and a product. Muon takes five times
    X X', its square and its product with X.
    """
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator).to(device)

    muon, soap = "Muon" in name, "SOAP" in name
    params = split_parameters(model)[0] if muon else model.parameters()
    most = (
        WHOLE
        if muon or "unblocked" in name
        else (ours.SOAP if soap else ours.Shampoo).hyper["block_size"]
    )
    plans = [layout(tuple(p.shape), most, 0, WHOLE, "skip") for p in params]
    step, refresh = [], []
    for shape, count in Counter(block for plan in plans for block in plan.blocks).items():
        if soap and len(shape) == 1:  # a vector is stepped as by Adam
            continue
        g = draw(count, *shape, *[1] * (2 - len(shape)))
        if muon:
            g = g if shape[0] <= shape[1] else g.mT
            a = draw(count, min(shape), min(shape))
            step += 5 * [partial(torch.bmm, *pair) for pair in ((g, g.mT), (a, a), (a, g))]
            continue
        for side, u in zip(shape, (g, g.mT), strict=False):  # a column has one factor
            a = draw(count, side, side)
            step += (2 if "Shampoo" in name else 3) * [partial(torch.bmm, a, u)]
            full = a @ a.mT if device.type == "cuda" else (a @ a.mT).double()
            roots = partial(torch.linalg.qr, a) if soap else partial(torch.linalg.eigh, full)
            refresh += [roots, partial(torch.bmm, a, a)]
    return FREQUENCY * step + refresh


def measure(size: str, names: Iterable[str], rounds: int, device: str) -> list[dict[str, Any]]:
    """One row per method: time of a step, worst against median, against others and its floor."""
    model = MODELS[size]().to(device)
    generator = torch.Generator().manual_seed(1)
    drawn = [
        [torch.randn(p.shape, generator=generator).to(device) for p in model.parameters()]
        for _ in range(FREQUENCY)
    ]
    gradients = [[g.clone() for g in each] for each in drawn]
    runs = {name: Run(METHODS[name], model) for name in names}
    floors = {METHODS[name].floor for name in names} - {None}
    asked = {name: operations(name, model) for name in sorted(floors)}

    def floor(name: str) -> None:
        for operation in asked[name]:
            operation()
        wait(drawn[0][0])

    def fresh(_: str) -> None:  # some write into gradients
        for g, d in zip(gradients, drawn, strict=True):
            torch._foreach_copy_(g, d)

    candidates = {name: partial(run, gradients) for name, run in runs.items()}
    candidates |= {name: partial(floor, name) for name in asked}
    for name in runs:  # the state is made, and refreshed once; interleaved() takes another cycle
        fresh(name)
        candidates[name]()
    samples = interleaved(candidates, rounds, 1, fresh)
    rows = []
    for name, run in runs.items():
        cycles, bottom = run.times[-rounds:], METHODS[name].floor
        # Noise of single steps goes in the median over cycles, what a refresh takes stays.
        steps = [median(times) for times in zip(*cycles, strict=True)]
        rows.append(
            {
                "size": size,
                "parameters": sum(p.numel() for p in run.params),
                "method": name,
                **summary([sum(times) / FREQUENCY for times in cycles]),
                "worst": max(steps) / median(steps),
                "floor_ms": 1e3 * median(samples[bottom]) / FREQUENCY if bottom else None,
                "state_bytes": run.state(),
                "against": METHODS[name].against,
                "target": METHODS[name].target,
            }
        )
    found = {row["method"]: row["ms"] for row in rows}
    for row in rows:
        row["to_theirs"] = row["ms"] / found[row["against"]] if row["against"] else None
        row["to_floor"] = row["ms"] / row["floor_ms"] if row["floor_ms"] else None
        row["to_adamw"] = row["ms"] / found["AdamW"]
    return rows


def run(folder: Path, rounds: int | None = None, quick: bool = False, device: str = "cpu") -> None:
    """Measure, print, and write ``matrix`` .json, .md and .png into ``folder``; it can go on."""
    stem = "matrix" if device == "cpu" else f"matrix_{device}"
    described, part = machine(), folder / f"{stem}.part.json"

    def answer(size: str) -> list[dict[str, Any]]:
        usual = 2 if quick else ROUNDS[size.split()[0]]
        return measure(size, QUICK if quick else METHODS, rounds or usual, device)

    sizes = list(MODELS)[: 1 if quick else None]
    done = runner.resumed(part, [rounds, quick], sizes, answer)
    rows = [row for case in done.values() for row in case]
    result = {
        "question": __doc__.strip(),
        "machine": described,
        "rounds": rounds or ROUNDS,
        "alt": finding(rows),
        "rows": rows,
    }
    write_json(folder / f"{stem}.json", result)
    write(folder / f"{stem}.md", markdown(rows, described))
    figure(rows, folder / f"{stem}.png")
    part.unlink()
    for size in sizes:
        title = f"{size}: milliseconds a step; ratios over their target have a !"
        runner.show(title, HEADER, table(rows, size))


HEADER = {
    "method": "",
    "ms": "a step, the mean over a cycle of ten",
    "quartiles": "of that",
    "to theirs": "to the other implementation of the same method",
    "worst": "the slowest step of the cycle to the median step, at most 3 aimed at",
    "floor": "ms, the products (float32) and factorizations of the published formula alone",
    "to floor": "the step to that",
    "to AdamW": "the step to one of adaopt's AdamW",
    "state": "bytes kept for each parameter",
}


def table(rows: list[dict[str, Any]], size: str) -> Iterable[list[str]]:
    """One line of text per method; a ratio over its target carries an exclamation mark."""
    for row in rows:
        if row["size"] == size:
            yield [
                row["method"],
                milliseconds(row["ms"]),
                f"{milliseconds(row['ms_low'])} to {milliseconds(row['ms_high'])}",
                ratio(row["to_theirs"], row["target"]),
                ratio(row["worst"], row["target"] and WORST),
                milliseconds(row["floor_ms"]) if row["floor_ms"] else "",
                ratio(row["to_floor"]),
                f"{row['to_adamw']:.3g}",
                f"{row['state_bytes'] / row['parameters']:.1f}",
            ]


def markdown(rows: list[dict[str, Any]], described: dict[str, Any]) -> str:
    """The same tables for a page, with the machine named under them."""
    text = finding(rows) + "\n\n"
    for size in dict.fromkeys(row["size"] for row in rows):
        text += runner.markdown(f"**{size}**, milliseconds a step", HEADER, table(rows, size))
    how = f"Float32, medians of interleaved cycles, a refresh every {FREQUENCY} steps"
    return text + runner.footnote(HEADER, described, how)


def finding(rows: list[dict[str, Any]]) -> str:
    """What the tables and the figure show, a sentence per size."""
    text = []
    for size in dict.fromkeys(row["size"] for row in rows):
        here = [row for row in rows if row["size"] == size]
        ratios = [f"{r['method']} {r['to_theirs']:.2f}" for r in here if r["target"]]
        floors = [
            r["to_floor"] for r in here if r["to_floor"] and METHODS[r["method"]].color == OURS
        ]
        text.append(
            f"{size}: of the time of the other implementation adaopt takes {', '.join(ratios)}; of "
            f"that of the products and factorizations alone {min(floors):.1f} to {max(floors):.1f}"
        )
    return ". ".join(text) + "."


def figure(rows: list[dict[str, Any]], path: Path) -> None:
    """Time of a step, a bar per method, and the floor as a line in it; a panel per size."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    sizes = list(dict.fromkeys(row["size"] for row in rows))
    names = list(dict.fromkeys(row["method"] for row in rows))[::-1]
    fig, axes = plt.subplots(
        1,
        len(sizes),
        figsize=(3 + 3.2 * len(sizes), 1.2 + 0.3 * len(names)),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for axis, size in zip(axes[0], sizes, strict=True):
        for row in (row for row in rows if row["size"] == size):
            place = names.index(row["method"])
            axis.barh(place, row["ms"], color=METHODS[row["method"]].color, height=0.6)
            if row["floor_ms"]:
                axis.plot(2 * [row["floor_ms"]], [place - 0.4, place + 0.4], color="black", lw=2)
            end = max(row["ms"], row["floor_ms"] or 0)
            axis.annotate(f"  {milliseconds(row['ms'])}", (end, place), va="center", fontsize=8)
        axis.set_yticks(range(len(names)), names)
        axis.set_title(size, fontsize=10)
        axis.margins(x=0.15)
        axis.spines[["top", "right"]].set_visible(False)
    fig.supxlabel("milliseconds a step (orange: adaopt; black line: the floor)")
    runner.save(fig, path)
    plt.close(fig)

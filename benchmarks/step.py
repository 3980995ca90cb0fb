"""How long does one step of each method take, ours against torch.optim, packages and the memory?

A step is bounded by memory: the yardstick of a method is the time of torch's fused AdamW at the
same size, scaled by the bytes that the method must move.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any, NamedTuple

import torch

from adaopt.catalog import CARDS
from benchmarks import runner
from benchmarks.runner import interleaved, machine, milliseconds, ratio, summary, write, write_json

GPT2_BLOCK = [(768,), (768,), (2304, 768), (2304,), (768, 768), (768,)]
GPT2_BLOCK += [(768,), (768,), (3072, 768), (3072,), (768, 3072), (768,)]
SIZES = {
    "MLP 79,510 (4 tensors)": [(100, 784), (100,), (10, 100), (10,)],
    "10M (100 tensors)": [(1000, 100)] * 100,
    "GPT-2 124M (148 tensors)": [(50257, 768), (1024, 768), *12 * GPT2_BLOCK, (768,), (768,)],
}
ROUNDS = {"MLP": 15, "10M": 15, "GPT-2": 5}
# Times that a compiled step may take of the yardstick, and an eager one of torch's foreach.
FUSED_TARGET = {"MLP": 1.6, "10M": 1.15, "GPT-2": 1.15}
EAGER_TARGET = {"sgd": 1.05}
OTHERWISE = 0.85
ADAMW = 28  # bytes per parameter of the yardstick


class Method(NamedTuple):
    """A setting of a card, the bytes per parameter that its step must move in float32, and the
    package that has it: module, class, keywords."""

    key: str
    bytes: int
    hyper: dict[str, Any] = {}
    package: tuple[str, str, dict[str, Any]] | None = None


def po(name: str, **keywords: Any) -> tuple[str, str, dict[str, Any]]:
    return "pytorch_optimizer", name, keywords


# Bytes: the gradient is read (4), the parameter and every buffer are read and written (8 each).
# Where a statistic over the whole tensor or all parameters must be known first, what the first
# pass reads and writes counts too.
METHODS = {
    "SGD": Method("sgd", 12),
    "momentum": Method("momentum", 20),
    "Nesterov": Method("nesterov", 20),
    "AdaGrad": Method("adagrad", 20),
    "RMSProp": Method("rmsprop", 20),
    "RMSProp, centered, momentum": Method("rmsprop", 36, {"centered": True, "momentum": 0.9}),
    "Adadelta": Method("adadelta", 28),
    "Adam": Method("adam", 28),
    "AMSGrad of torch": Method("adam", 36, {"amsgrad": True}),
    "AMSGrad": Method("amsgrad", 36),
    "AdamW": Method("adamw", 28),
    "NAdam": Method("nadam", 28),
    "NAdamW": Method("nadamw", 28),
    "NadamP": Method("nadamp", 28),
    "generalized Adam": Method("generalized_adam", 28),
    "generalized Adam, momentum": Method("generalized_adam", 20, {"preconditioning": False}),
    "SignSGD": Method("signsgd", 12, {}, po("SignSGD", momentum=0.0)),
    "Signum": Method("signum", 20, {}, po("SignSGD", momentum=0.9)),
    "Lion": Method("lion", 20, {}, po("Lion")),
    "Amos": Method("amos", 16, {}, po("Amos")),  # g; then g, x
    "LaProp": Method("laprop", 28, {}, po("LaProp")),
    "AdEMAMix": Method("ademamix", 36, {}, po("AdEMAMix")),
    # g and x for the moments and the norm of x; g for the norm of the update; then g, x
    "Adafactor": Method("adafactor", 24, {}, po("AdaFactor", lr=1e-3, relative_step=False)),
    "Schedule-Free SGD": Method(
        "schedule_free_sgd", 20, {}, ("schedulefree", "SGDScheduleFree", {})
    ),
    "Schedule-Free AdamW": Method(
        "schedule_free_adamw", 28, {}, ("schedulefree", "AdamWScheduleFree", {})
    ),
    # g, x, x0 and s for the estimate; then g, x, m, v
    "Prodigy": Method("prodigy", 48, {}, ("prodigyopt", "Prodigy", {})),
    # g, z, z0 and s for the estimate; then g, x, z, v
    "Schedule-Free Prodigy": Method("schedule_free_prodigy", 48),
}
QUICK = ("momentum", "Prodigy")
CANDIDATES = {
    "torch single": "#999999",
    "torch foreach": "#56B4E9",
    "torch fused": "#0072B2",
    "package": "#CC79A7",
    "NumPy": "#009E73",
    "adaopt": "#E69F00",
    "adaopt fused": "#D55E00",
}
YARDSTICK = "torch AdamW fused"


class Tensors(NamedTuple):
    """What all candidates share: parameters and gradients, and how both were drawn."""

    params: list[torch.Tensor]
    grads: list[torch.Tensor]
    drawn: list[torch.Tensor]

    @property
    def count(self) -> int:
        return sum(p.numel() for p in self.params)

    def fresh(self, *_: object) -> None:
        """As drawn again: torch's foreach Nesterov overwrites gradients, which then grow."""
        torch._foreach_copy_([*self.params, *self.grads], self.drawn)


@lru_cache(maxsize=1)
def draw(size: str, device: str) -> Tensors:
    """Normal numbers in float32 of the size's shapes."""
    generator = torch.Generator().manual_seed(0)

    def normal() -> list[torch.Tensor]:
        return [torch.randn(s, generator=generator).to(device) for s in SIZES[size]]

    params, grads = normal(), normal()
    return Tensors(params, grads, [t.clone() for t in (*params, *grads)])


def optimizers(method: Method, tensors: Tensors) -> dict[str, torch.optim.Optimizer]:
    """Every candidate there is for the method; each with parameters of its own, the same memory."""
    card = CARDS[method.key]
    hyper = {**card.preset, **method.hyper, "lr": 1e-6}

    def make(optimizer: Callable[..., Any], **keywords: Any) -> Any:
        mine = [p.detach().requires_grad_() for p in tensors.params]
        for p, g in zip(mine, tensors.grads, strict=True):
            p.grad = g
        made = optimizer(mine, **keywords)
        if hasattr(made, "train"):
            made.train()
        return made

    found = {}
    if card.torch_reference:
        theirs = getattr(torch.optim, card.torch_reference.rsplit(".", 1)[1])
        ways = {
            "single": {"foreach": False},
            "foreach": {"foreach": True},
            "fused": {"fused": True},
        }
        for word, way in ways.items():
            if way.keys() <= signature(theirs).parameters.keys():
                found[f"torch {word}"] = make(theirs, **hyper, **way)
    if method.package:
        module, name, keywords = method.package
        found["package"] = make(getattr(import_module(module), name), **{"lr": 1e-6, **keywords})
    found["adaopt"] = make(card.torch_class, **hyper)
    found["adaopt fused"] = make(card.torch_class, **hyper, fused=True)
    return found | {YARDSTICK: make(torch.optim.AdamW, lr=1e-6, fused=True)}


def measure(
    size: str,
    name: str,
    tensors: Tensors,
    rounds: int,
    progress: Callable[[], object] | None = None,
) -> list[dict[str, Any]]:
    """One row per candidate: time, ratios, bandwidth and extra memory of one step."""
    method, count = METHODS[name], tensors.count
    cuda = tensors.params[0].is_cuda
    made = optimizers(method, tensors)
    steps: dict[str, Callable[[], object]] = {k: o.step for k, o in made.items()}
    if cuda:
        steps = {k: partial(_and_wait, step) for k, step in steps.items()}
    extra = {}
    for candidate, step in steps.items():  # make the state, compile
        tensors.fresh()
        step()
        step()
        extra[candidate] = (extra_on_gpu if cuda else extra_on_cpu)(step) / (4 * count)
    calls = max(1, min(100, 40_000_000 // count))

    def ready(name: str) -> None:
        tensors.fresh()
        if count < 50_000_000:  # else what the copy has left in the caches counts for little
            steps[name]()

    samples = interleaved(steps, rounds, calls, ready, progress)
    made.clear()
    steps.clear()
    gc.collect()
    if not cuda:
        samples["NumPy"] = numpy_seconds(method, tensors)
    times = {candidate: summary(seconds) for candidate, seconds in samples.items()}
    scaled = times.pop(YARDSTICK)["ms"] * method.bytes / ADAMW
    foreach = times.get("torch foreach", {}).get("ms")
    return [
        {
            "size": size,
            "parameters": count,
            "method": name,
            "key": method.key,
            "hyper": method.hyper,
            "candidate": candidate,
            "package": method.package[0] if candidate == "package" else None,
            **times[candidate],
            "bytes": method.bytes,
            "gb_per_s": method.bytes * count / times[candidate]["ms"] / 1e6,
            "to_foreach": times[candidate]["ms"] / foreach if foreach else None,
            "to_fused_by_bytes": times[candidate]["ms"] / scaled,
            "extra_memory": extra.get(candidate),
        }
        for candidate in CANDIDATES
        if candidate in times
    ]


def _and_wait(step: Callable[[], object]) -> None:
    step()
    torch.cuda.synchronize()


@contextmanager
def silent() -> Iterator[None]:
    """Nothing on standard error, of C++ either: there the profiler says when it starts."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def extra_on_cpu(step: Callable[[], object]) -> int:
    """The most bytes that a step has allocated at a time, beyond what was there before."""
    with silent(), torch.autograd.profiler.profile(profile_memory=True) as profile:
        step()
    events = [e for e in profile.kineto_results.events() if e.name() == "[memory]"]
    held = most = 0
    for event in sorted(events, key=lambda e: e.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return most


def extra_on_gpu(step: Callable[[], object]) -> int:
    """The same on the GPU."""
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    step()
    return torch.cuda.max_memory_allocated() - before


def numpy_seconds(method: Method, tensors: Tensors) -> list[float]:
    """Seconds of a step of the reading edition, alone: a few, as they are long."""
    card = CARDS[method.key]
    optimizer = card.numpy_class(**{**card.preset, **method.hyper, "lr": 1e-6})
    tensors.fresh()
    x = {str(i): p.numpy().copy() for i, p in enumerate(tensors.params)}
    g = {str(i): grad.numpy() for i, grad in enumerate(tensors.grads)}

    def step() -> None:
        nonlocal x
        x = optimizer.step(x, g)

    rounds = max(1, min(9, 100_000_000 // tensors.count))
    return interleaved({"NumPy": step}, rounds)["NumPy"]


def run(folder: Path, rounds: int | None = None, quick: bool = False, device: str = "cpu") -> None:
    """Measure, print, and write ``step`` .json, .md and .png into ``folder``.

    What an interrupted run of the same code on the same machine has measured is not measured again.
    """
    stem = "step" if device == "cpu" else f"step_{device}"
    described = machine()
    sizes = list(SIZES)[: 1 if quick else None]
    cases = {
        f"{s.split()[0]}, {name}": (s, name)
        for s in sizes
        for name in (QUICK if quick else METHODS)
    }

    def answer(case: str) -> list[dict[str, Any]]:
        size, name = cases[case]
        usual = 3 if quick else ROUNDS[size.split()[0]]
        return measure(size, name, draw(size, device), rounds or usual)

    part = folder / f"{stem}.part.json"
    done = runner.resumed(part, [rounds, quick], cases, answer)
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
    "bytes": "moved per parameter",
    "single": "torch, ms",
    "foreach": "torch, ms",
    "fused": "torch, ms",
    "package": "ms",
    "NumPy": "ms",
    "adaopt": "ms",
    "adaopt fused": "ms",
    "/ foreach": "adaopt to torch foreach",
    "/ bytes": "adaopt fused to torch's fused AdamW, scaled by the bytes",
    "GB/s": "adaopt fused",
    "memory": "adaopt, beyond state, of the parameters' bytes",
}


def table(rows: list[dict[str, Any]], size: str) -> Iterable[list[str]]:
    """One line of text per method; a ratio over its target carries an exclamation mark."""
    for name in dict.fromkeys(row["method"] for row in rows):
        found = {r["candidate"]: r for r in rows if (r["size"], r["method"]) == (size, name)}
        if not found:
            continue
        eager, fused = found["adaopt"], found["adaopt fused"]
        yield [
            name,
            str(fused["bytes"]),
            *(milliseconds(found[c]["ms"]) if c in found else "" for c in CANDIDATES),
            ratio(eager["to_foreach"], EAGER_TARGET.get(eager["key"], OTHERWISE)),
            ratio(fused["to_fused_by_bytes"], FUSED_TARGET[size.split()[0]]),
            f"{fused['gb_per_s']:.1f}",
            f"{eager['extra_memory']:.1%}",
        ]


def markdown(rows: list[dict[str, Any]], described: dict[str, Any]) -> str:
    """The same tables for a page, with the machine named under them."""
    text = finding(rows) + "\n\n"
    for size in dict.fromkeys(row["size"] for row in rows):
        text += runner.markdown(f"**{size}**, milliseconds a step", HEADER, table(rows, size))
    how = "One step in float32, medians of interleaved runs (NumPy: alone)"
    return text + runner.footnote(HEADER, described, how)


def finding(rows: list[dict[str, Any]]) -> str:
    """What the tables and the figure show, a sentence or two per size."""
    text = []
    for size in dict.fromkeys(row["size"] for row in rows):
        label = size.split()[0]
        here = [row for row in rows if row["size"] == size]
        eager = [r for r in here if r["candidate"] == "adaopt" and r["to_foreach"]]
        fused = [r for r in here if r["candidate"] == "adaopt fused"]
        ratios = [r["to_fused_by_bytes"] for r in fused]
        text.append(
            f"{size}: compiled, adaopt takes {min(ratios):.2f} to {max(ratios):.2f} of the time of "
            "torch's fused AdamW, scaled by the bytes that the method must move"
        )
        if eager:
            ratios = [r["to_foreach"] for r in eager]
            text[-1] += f"; as it stands {min(ratios):.2f} to {max(ratios):.2f} of torch foreach"
        over = [r["method"] for r in fused if r["to_fused_by_bytes"] > FUSED_TARGET[label]]
        slow = [
            r["method"] for r in eager if r["to_foreach"] > EAGER_TARGET.get(r["key"], OTHERWISE)
        ]
        for what, names in (("Compiled", over), ("Eager", slow)):
            if names:
                text[-1] += f". {what} over the target: {'; '.join(names)}"
    return ". ".join(text) + "."


TICKS = (0.5, 1, 2, 5, 10, 20)


def figure(rows: list[dict[str, Any]], path: Path) -> None:
    """Time relative to the scaled yardstick, a line per method, a panel per size."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    sizes = list(dict.fromkeys(row["size"] for row in rows))
    names = list(dict.fromkeys(row["method"] for row in rows))[::-1]
    size = (3 + 2.7 * len(sizes), 1.6 + 0.24 * len(names))
    fig, axes = plt.subplots(
        1, len(sizes), figsize=size, sharey=True, squeeze=False, layout="constrained"
    )
    for axis, size in zip(axes[0], sizes, strict=True):
        for candidate, color in CANDIDATES.items():
            here = [r for r in rows if (r["size"], r["candidate"]) == (size, candidate)]
            places = [names.index(r["method"]) for r in here]
            ratios = [r["to_fused_by_bytes"] for r in here]
            marker = "D" if candidate.startswith("adaopt") else "o"
            axis.plot(ratios, places, marker, color=color, ms=4.5, mec="white", mew=0.5)
        axis.axvline(1, color="black", linewidth=0.8)
        axis.axvline(FUSED_TARGET[size.split()[0]], color="black", linewidth=0.8, linestyle=":")
        axis.set_xscale("log")
        axis.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS], minor=False)
        axis.xaxis.set_minor_formatter("")
        axis.set_yticks(range(len(names)), names)
        axis.set_title(size, fontsize=10)
        axis.grid(axis="y", linewidth=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    fig.supxlabel("time / time of torch's fused AdamW for as many bytes (dotted: the target)")
    handles = [
        plt.Line2D(
            [], [], marker="D" if c.startswith("adaopt") else "o", color=color, ls="", label=c
        )
        for c, color in CANDIDATES.items()
    ]
    fig.legend(handles=handles, loc="outside upper center", ncols=len(handles), fontsize=9)
    runner.save(fig, path)
    plt.close(fig)

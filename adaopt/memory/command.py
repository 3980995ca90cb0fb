"""The command ``adaopt memory``: the budget of one device, as a table or as JSON.

Torch is imported when the command runs, not when its options are read.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import re
import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adaopt.memory.models import Model
    from adaopt.memory.planning import Budget

UNITS = {"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
UNITS |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
SIZES = ("layers", "heads", "width", "vocabulary", "context")


def add_parser(commands: Any) -> None:
    """Add ``memory`` to the subcommands of ``adaopt``."""
    parser = commands.add_parser(
        "memory",
        help="where the memory of training a GPT goes, and what fits",
        description="The memory of training a GPT on one device, line by line.",
    )
    add = parser.add_argument
    add(
        "model",
        nargs="?",
        metavar="MODEL",
        help="gpt2, gpt2-medium, gpt2-large or gpt2-xl; or a "
        "number of parameters, as 7.5e9: then the model states alone",
    )
    for name in SIZES:
        add(f"--{name}", type=_positive, metavar="N", help=f"{name}, if not the model's")
    add("--dropout", type=float, metavar="P", help="dropout, if not the model's")
    add("--batch", type=_positive, default=1, help="sequences per device in one pass (1)")
    add("--seq", type=_positive, help="tokens per sequence (the model's context)")
    add("--optimizer", default="adamw", help="key of the catalog (adamw)")
    add("--precision", default="fp16", help="fp32, fp16, bf16 (both mixed) or bf16-pure (fp16)")
    add("--zero", type=int, default=0, help="ZeRO stage, 0 to 3 (0)")
    add("--devices", type=_positive, default=1, help="number of devices (1)")
    add(
        "--checkpoint",
        type=_segment,
        default=0,
        metavar="K",
        help="none, every-layer, best, or layers per segment (none)",
    )
    add("--attention", default="eager", help="eager or flash (eager)")
    add("--device-memory", type=_size, metavar="SIZE", help="memory of one device, as 32GB")
    add(
        "--buffer",
        type=_buffer,
        default="bucket",
        metavar="SIZE",
        help="gradient buffer: bucket, fused, or a size (bucket)",
    )
    add(
        "--reserve", type=_size, default=0, metavar="SIZE", help="kept free for what is not counted"
    )
    add("--terms", action="store_true", help="the activations term by term, formula and measured")
    add("--json", action="store_true", help="print JSON")
    add("--verify", action="store_true", help="compare a small model with a CUDA device")
    parser.set_defaults(run=lambda options: _without_collector(parser, options))


def _without_collector(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Run with garbage collection off: while torch is imported it takes a second for nothing."""
    was = gc.isenabled()
    gc.disable()
    try:
        return _run(parser, options)
    finally:
        if was:
            gc.enable()


def _run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if options.verify:
        return _verify(options)
    if options.model is None:
        parser.error("the following arguments are required: MODEL")
    from adaopt.memory.formulas import best_segment
    from adaopt.memory.planning import budget

    model = _model(options)
    how = options.batch, options.seq, options.precision, options.attention
    checkpoint = options.checkpoint
    if checkpoint == "best":
        checkpoint = best_segment(model, *how)
    answer = budget(
        model,
        options.batch,
        options.seq,
        options.optimizer,
        options.precision,
        options.zero,
        options.devices,
        checkpoint,
        options.attention,
        options.device_memory,
        options.buffer,
        options.reserve,
    )
    terms = _terms(model, *how, checkpoint) if options.terms else None
    if options.json:
        print(json.dumps(_as_json(options.model, answer, terms), indent=2))
    else:
        _print(options.model, answer, terms)
    return 0


def _model(options: argparse.Namespace) -> Model:
    from adaopt.memory.models import gpt_config

    own = {n: v for n in (*SIZES, "dropout") if (v := getattr(options, n)) is not None}
    try:
        number = float(options.model)
    except ValueError:
        return replace(gpt_config(options.model), **own)
    if own or options.terms:
        raise ValueError("A number of parameters has no layers: name a model to change its sizes")
    return int(number) if number.is_integer() else number


def _terms(model: Model, *how: Any) -> list[dict[str, Any]]:
    from adaopt.memory.formulas import activations_formula
    from adaopt.memory.measure import activations_measured

    formula = activations_formula(model, *how)
    measured = activations_measured(model, *how).by_term()
    names = [*formula, *(name for name in measured if name not in formula)]
    return [
        {"term": n, "formula": formula.get(n, 0), "measured": measured.get(n, 0)} for n in names
    ]


def _as_json(name: str, answer: Budget, terms: list | None) -> dict[str, Any]:
    result = {"model": name, **asdict(answer), "total": answer.total, "fits": answer.fits}
    return result if terms is None else {**result, "terms": terms}


def _print(name: str, answer: Budget, terms: list | None) -> None:
    from rich.console import Console
    from rich.table import Table

    width = None if sys.stdout.isatty() else 100
    console = Console(highlight=False, width=width)
    table = Table(title=f"{name}: memory of one device", title_justify="left")
    table.add_column("part")
    table.add_column("GB", justify="right")
    table.add_column("assumption", overflow="fold")
    for line in answer.lines:
        table.add_row(line.name, f"{line.bytes / 1e9:.2f}", line.assumption)
    table.add_section()
    table.add_row("total", f"{answer.total / 1e9:.2f}", "1 GB = 10^9 bytes")
    console.print(table)
    if terms:
        console.print(_term_table(terms))
    for text in (*_verdict(answer), *(f"Not counted: {what}." for what in answer.not_counted)):
        console.print(text, markup=False)


def _term_table(terms: list[dict[str, Any]]) -> Any:
    from rich.table import Table

    table = Table("term", title="Saved activations, bytes", title_justify="left")
    for column in ("formula", "measured", "difference"):
        table.add_column(column, justify="right")
    rows = [
        *terms,
        {"term": "total"} | {k: sum(t[k] for t in terms) for k in ("formula", "measured")},
    ]
    for row in rows:
        formula, measured = row["formula"], row["measured"]
        table.add_row(row["term"], f"{formula:,}", f"{measured:,}", f"{measured - formula:,}")
    return table


def _verdict(answer: Budget) -> list[str]:
    if answer.device_memory is None:
        return []
    room = f"{answer.device_memory / 1e9:.2f} GB"
    says = [f"It {'fits' if answer.fits else 'does not fit'} into {room}."]
    if answer.largest_batch is not None:
        says.append(f"Largest batch that fits as planned: {answer.largest_batch}.")
    if not answer.fits and answer.cheapest:
        after = f"{answer.cheapest_total / 1e9:.2f} GB"
        says.append(f"Cheapest change that fits: {', and '.join(answer.cheapest)}: {after}.")
    elif not answer.fits:
        says.append("None of the changes fits: it needs more devices, or a smaller model.")
    return says


def _verify(options: argparse.Namespace) -> int:
    from adaopt.memory.cuda import verify

    try:
        found = verify()
    except RuntimeError as error:
        print(f"adaopt memory: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps([asdict(c) for c in found], indent=2))
        return 0
    for c in found:
        print(
            f"{c.attention}: saved {c.saved_meta:,} on meta, {c.saved_cuda:,} on CUDA "
            f"({c.saved_error:+.2%}); peak {c.peak_meta:,} and {c.peak_cuda:,} "
            f"({c.peak_error:+.2%})"
        )
    return 0


# What argparse reads: an ArgumentTypeError becomes a usage error with status 2.


def _positive(text: str) -> int:
    if not re.fullmatch(r"\d+", text) or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no positive integer")
    return int(text)


def _size(text: str) -> int:
    match = re.fullmatch(r"([\d.]+(?:[eE]\d+)?)\s*([A-Za-z]*)", text.strip())
    unit = UNITS.get(match[2].upper()) if match else None
    try:
        size = float(match[1]) * unit if unit is not None else math.nan
    except ValueError:
        size = math.nan
    if not math.isfinite(size):
        raise argparse.ArgumentTypeError(f"{text!r} is no size: write 32GB, 40GiB or 16e9")
    return int(size)


def _buffer(text: str) -> str | int:
    return text if text in ("bucket", "fused") else _size(text)


def _segment(text: str) -> str | int:
    named = {"none": 0, "every-layer": 1, "best": "best"}
    if text in named:
        return named[text]
    if not re.fullmatch(r"\d+", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither none, every-layer, best nor a number"
        )
    return int(text)

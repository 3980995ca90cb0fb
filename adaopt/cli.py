"""The command ``adaopt``: look things up without opening a notebook.

Exit status: 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from adaopt import __version__, catalog
from adaopt.catalog.papers import PAPERS

WIDTH = 100  # of what is printed to a file or a pipe
ORDER = (
    *("made by", "formula", "paper", "state", "memory", "lecture"),
    *("torch", "paper says", "AlgoPerf", "unverified"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (default: the process's) and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except ValueError as error:
        print(f"adaopt: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="adaopt", description=__doc__.splitlines()[0])
    parser.add_argument("--version", action="version", version=f"adaopt {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    show = commands.add_parser("catalog", help="list the optimizers, or show one of them")
    show.add_argument("name", nargs="?", help="a key of the catalog, for instance 'momentum'")
    show.set_defaults(run=_catalog)
    from adaopt.memory import command  # loads no torch before it runs

    command.add_parser(commands)
    return parser


def _catalog(options: argparse.Namespace) -> int:
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    if options.name is None:
        console.print(_all_cards())
    else:
        entry = catalog.WRAPPERS.get(options.name) or catalog.card(options.name)
        _print_card(console, entry)
    return 0


def _all_cards() -> Table:
    table = Table("lecture", "key", "method", "year", "bytes", "in torch.optim", box=None)
    table.caption = "bytes: of state for each float32 parameter, at the defaults"
    number = None
    for card in sorted(catalog.CARDS.values(), key=lambda card: card.lecture):
        if number not in (None, card.lecture):
            table.add_row()
        table.add_row(
            str(card.lecture) if card.lecture != number else "",
            card.key,
            card.name,
            str(card.year),
            str(card.state_bytes),
            (card.torch_reference or "").removeprefix("torch.optim."),
        )
        number = card.lecture
    table.add_row()
    for wrapper in catalog.WRAPPERS.values():
        first = "averages" if wrapper.key == next(iter(catalog.WRAPPERS)) else ""
        extra = str(wrapper.extra_bytes)
        table.add_row(first, wrapper.key, wrapper.name, str(wrapper.year), extra, "")
    return table


def _print_card(console: Console, card: catalog.Card | catalog.Wrapper) -> None:
    if isinstance(card, catalog.Wrapper):
        hyper = "".join(f", {name}={value!r}" for name, value in card.preset.items())
        facts = {
            "made by": f"{card.class_name}(optimizer{hyper}), in adaopt.numpy and adaopt.torch",
            "memory": f"{card.extra_bytes} bytes per float32 parameter, besides the optimizer's",
            "paper says": card.differences,
        }
    else:
        facts = {
            "made by": f'build("{card.key}", ...) or {card.call}, in adaopt.numpy and adaopt.torch',
            "state": f"{card.state_bytes} bytes per float32 parameter",
            "torch": _beside_torch(card),
            "unverified": card.unverified,
        }
    facts |= {
        "formula": card.formula,
        "paper": PAPERS[card.paper],
        "lecture": str(card.lecture),
        "AlgoPerf": card.algoperf or "not among the submissions of the lecture",
    }
    console.print(f"{card.name} ({card.key})", style="bold", highlight=False)
    for label in ORDER:
        text = facts.get(label, "")
        if text and label != "formula":  # which may be copied, so that it stays in one line
            lines = textwrap.wrap(text, WIDTH - 13, break_on_hyphens=False)
            text = ("\n" + 13 * " ").join(lines)
        if text:
            console.print(f"  {label:10} {text}", markup=False, highlight=False, soft_wrap=True)
    table = Table("keyword", "default", "range", "meaning")
    for hyper in card.hyper:
        value = card.preset.get(hyper.name, hyper.default)
        table.add_row(hyper.name, repr(value), hyper.range, hyper.meaning)
    console.print(table)


def _beside_torch(card: catalog.Card) -> str:
    reference = card.torch_reference or "no counterpart"
    return f"{reference}; differences: {card.differences}" if card.differences else reference


if __name__ == "__main__":
    sys.exit(main())

"""The command ``adaopt``: look things up without opening a notebook.

Exit status: 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from adaopt import __version__, catalog


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
    return parser


def _catalog(options: argparse.Namespace) -> int:
    console = Console()
    if options.name is None:
        console.print(_all_cards())
    else:
        _print_card(console, catalog.card(options.name))
    return 0


def _all_cards() -> Table:
    table = Table("key", "name", "class", "year", "lecture", "state, bytes per parameter")
    for card in catalog.CARDS.values():
        table.add_row(
            card.key,
            card.name,
            card.class_name,
            str(card.year),
            str(card.lecture),
            str(card.state_bytes),
        )
    return table


def _print_card(console: Console, card: catalog.Card) -> None:
    preset = ", ".join(f"{name}={value!r}" for name, value in card.preset.items())
    facts = {
        "class": f"adaopt.numpy.{card.class_name}, adaopt.torch.{card.class_name}",
        "preset": preset or "none",
        "formula": card.formula,
        "paper": f"{card.paper} ({card.year})",
        "state": f"{card.state_bytes} bytes per float32 parameter",
        "lecture": str(card.lecture),
        "torch": f"{card.torch_reference or 'no counterpart'}; differences: {card.differences}",
        "AlgoPerf": card.algoperf or "not among the submissions of the lecture",
    }
    console.print(f"{card.name} ({card.key})", style="bold", highlight=False)
    for label, text in facts.items():
        console.print(f"  {label:9} {text}", markup=False, highlight=False, soft_wrap=True)
    table = Table("keyword", "default", "range", "meaning")
    for hyper in card.hyper:
        table.add_row(hyper.name, repr(hyper.default), hyper.range, hyper.meaning)
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())

"""The command ``adaopt``: look things up without opening a notebook.

Exit status: 0 done, 1 failed, 2 wrong usage.
"""

import argparse
import sys
import textwrap
from collections.abc import Sequence

from rich.console import Console
from rich.table import Column, Table

from adaopt import __version__, catalog
from adaopt.catalog.papers import PAPERS

WIDTH = 100  # of what is printed to a file or a pipe
# Columns of the list, and the narrowest terminal that shows each.
COLUMNS = {"lecture": 0, "key": 0, "method": 64, "year": 0, "bytes": 0, "in torch.optim": 84}
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
        console.print(_all_cards(console.width))
    else:
        entry = catalog.WRAPPERS.get(options.name) or catalog.card(options.name)
        _print_card(console, entry)
    return 0


def _all_cards(width: int) -> Table:
    """All methods by lecture, with the columns for which the terminal is wide enough."""
    shown = [column for column, least in COLUMNS.items() if width >= least]
    longest = max(map(len, (*catalog.CARDS, *catalog.WRAPPERS)))
    least = {"key": longest}  # to be typed: never cut
    table = Table(*(Column(c, no_wrap=True, min_width=least.get(c)) for c in shown), box=None)
    table.caption = "bytes: of state for each float32 parameter, at the defaults"
    groups: dict[str, list] = {}
    for card in sorted(catalog.CARDS.values(), key=lambda card: card.lecture):
        groups.setdefault(str(card.lecture), []).append(card)
    for head, cards in (groups | {"averages": [*catalog.WRAPPERS.values()]}).items():
        for card in cards:
            row = {
                "lecture": head if card is cards[0] else "",
                "key": card.key,
                "method": card.name,
                "year": str(card.year),
                "bytes": str(card.extra_bytes if head == "averages" else card.state_bytes),
                "in torch.optim": (getattr(card, "torch_reference", None) or "").split(".")[-1],
            }
            table.add_row(*(row[column] for column in shown))
        table.add_row()
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
            lines = textwrap.wrap(text, max(console.width - 13, 20), break_on_hyphens=False)
            text = ("\n" + 13 * " ").join(lines)
        if text:
            console.print(f"  {label:10} {text}", markup=False, highlight=False, soft_wrap=True)
    rows = [(h.name, repr(card.preset.get(h.name, h.default)), h) for h in card.hyper]
    whole = (max(len(name) for name, *_ in rows), max(len(value) for _, value, _ in rows))
    heads = zip(("keyword", "default"), whole, strict=True)
    table = Table(*(Column(head, no_wrap=True, min_width=width) for head, width in heads))
    for head in ("range", "meaning"):
        table.add_column(head, overflow="fold")
    for name, value, hyper in rows:
        table.add_row(name, value, hyper.range, hyper.meaning)
    console.print(table)


def _beside_torch(card: catalog.Card) -> str:
    reference = card.torch_reference or "no counterpart"
    return f"{reference}; differences: {card.differences}" if card.differences else reference


if __name__ == "__main__":
    sys.exit(main())

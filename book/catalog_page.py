"""The catalog page, written from the cards of adaopt.catalog at every build."""

from __future__ import annotations

from pathlib import Path

from adaopt.catalog import CARDS, Card

HEAD = """\
# Optimizer catalog

Every optimizer of the package has one card.
Tests, this page, the command line and the lectures read the same cards.
The class has the same name in both editions, `adaopt.numpy` and `adaopt.torch`.
Memory counts what the method keeps besides the parameters and the gradient:
bytes for each float32 parameter, at the defaults.

| key | method | paper | class | state, bytes per parameter | lecture |
| --- | --- | --- | --- | --- | --- |
"""


def lecture(root: Path, number: int) -> str:
    """A link to the lecture, or its number while it is not written."""
    found = sorted((root / "lectures").glob(f"{number:02d}_*.ipynb"))
    return (
        f"[lecture {number}](../lectures/{found[0].name})"
        if found
        else f"lecture {number}, planned"
    )


def row(root: Path, card: Card) -> str:
    cells = (
        f"[`{card.key}`](#catalog-{card.key.replace('_', '-')})",
        card.name,
        f"{{cite:t}}`{card.paper}`",
        f"`{card.class_name}`",
        str(card.state_bytes),
        lecture(root, card.lecture),
    )
    return "| " + " | ".join(cells) + " |\n"


def call(card: Card) -> str:
    """How the method is built by hand."""
    preset = ", ".join(f"{name}={value!r}" for name, value in card.preset.items())
    return f"{card.class_name}({preset})"


def section(root: Path, card: Card) -> str:
    hyper = "".join(
        f"| `{h.name}` | `{card.preset.get(h.name, h.default)}` | {h.range} | {h.meaning} |\n"
        for h in card.hyper
    )
    reference = f" `{card.torch_reference}`" if card.torch_reference else " torch.optim"
    return f"""
(catalog-{card.key.replace("_", "-")})=
## {card.name}

Source: {{cite:t}}`{card.paper}`. Explained in {lecture(root, card.lecture)}.

$$
{card.formula}
$$

Made by `build("{card.key}")`, or by hand as `{call(card)}`.

| keyword | default | range | meaning |
| --- | --- | --- | --- |
{hyper}
Differences from{reference}: {card.differences or "it has no such class"}.
"""


def page(root: Path) -> str:
    """The whole page as MyST markdown."""
    rows = "".join(row(root, card) for card in CARDS.values())
    return HEAD + rows + "".join(section(root, card) for card in CARDS.values())

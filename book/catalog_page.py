"""The catalog page, written from the cards of adaopt.catalog at every build."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path

from adaopt.catalog import CARDS, WRAPPERS, Card, Hyper, Wrapper

HEAD = """\
# Optimizer catalog

Every optimizer of the package has one card; the last rows are averages that go around any of them.
Tests, this page, the command line and the lectures read the same cards.
The class has the same name in both editions, `adaopt.numpy` and `adaopt.torch`.
State is what the method keeps besides the parameters and the gradient: bytes for each float32
parameter, at the defaults.

| key | method | paper | state | lecture |
| --- | --- | --- | --- | --- |
"""


def lecture(root: Path, number: int, word: str = "lecture ") -> str:
    """A link to the lecture, or its number while it is not written."""
    found = sorted((root / "lectures").glob(f"{number:02d}_*.ipynb"))
    if found:
        return f"[{word}{number}](../lectures/{found[0].name})"
    return f"{word}{number}, planned" if word else str(number)


def row(root: Path, card: Card) -> str:
    return line(
        f"[`{card.key}`](#catalog-{anchor(card)})",
        card.name,
        f"{{cite:t}}`{card.paper}`",
        str(card.state_bytes),
        lecture(root, card.lecture, ""),
    )


def line(*cells: str) -> str:
    """A row of a table."""
    return "| " + " | ".join(cells) + " |\n"


def anchor(card: Card | Wrapper) -> str:
    return card.key.replace("_", "-")


def keywords(card: Card | Wrapper) -> str:
    """The table of the hyper-parameters, with the defaults of this card."""

    def one(h: Hyper) -> str:
        value = f"`{card.preset.get(h.name, h.default)!r}`"
        return line(f"`{h.name}`", value, h.range, h.meaning)

    head = "| keyword | default | range | meaning |\n| --- | --- | --- | --- |\n"
    return head + "".join(map(one, card.hyper))


def begin(root: Path, card: Card | Wrapper) -> str:
    """Heading, source and formula."""
    return f"""
(catalog-{anchor(card)})=
## {card.name}

Source: {{cite:t}}`{card.paper}`. Explained in {lecture(root, card.lecture)}.

$$
{card.formula}
$$
"""


def section(root: Path, card: Card) -> str:
    reference = f" `{card.torch_reference}`" if card.torch_reference else " torch.optim"
    facts = [f"Differences from{reference}: {card.differences or 'it has no such class'}."]
    facts += [f"In AlgoPerf: {card.algoperf}."] if card.algoperf else []
    facts += [f"Not verified: {card.unverified}."] if card.unverified else []
    return (
        f"""{begin(root, card)}
Made by `build("{card.key}")`, or by hand as `{card.call}`.

{keywords(card)}
"""
        + "\n\n".join(facts)
        + "\n"
    )


def wrapper_section(root: Path, wrapper: Wrapper) -> str:
    preset = "".join(f", {name}={value!r}" for name, value in wrapper.preset.items())
    facts = [f"Besides: {wrapper.differences}."] if wrapper.differences else []
    facts += [f"In AlgoPerf: {wrapper.algoperf}."]
    return (
        f"""{begin(root, wrapper)}
Made by `{wrapper.class_name}(optimizer{preset})` around any optimizer of either edition. It keeps
{wrapper.extra_bytes} bytes for each float32 parameter besides the optimizer's own.

{keywords(wrapper)}
"""
        + "\n\n".join(facts)
        + "\n"
    )


BESIDE_TORCH = """
## Beside torch.optim

Where torch has the class, its keywords have torch's names and, but for this table, its defaults.
The table is made from both signatures. With equal hyper-parameters the results are equal too, as
the [proof of the rules](proof.md) shows; the sections above say what else differs.

| method | in torch | other defaults | keywords that torch has not |
| --- | --- | --- | --- |
"""


def beside_torch(card: Card) -> str:
    """How the keywords differ from those of torch's class."""
    module, _, name = card.torch_reference.rpartition(".")
    signature = inspect.signature(getattr(import_module(module), name))
    theirs = {n: p.default for n, p in signature.parameters.items()}
    ours = {h.name: h.default for h in card.hyper}
    other = [
        f"`{n}={value!r}`, not `{theirs[n]!r}`"
        for n, value in ours.items()
        if n in theirs and theirs[n] != value
    ]
    more = [f"`{n}`" for n in ours if n not in theirs]
    return line(
        card.name,
        f"`{card.torch_reference}`",
        "; ".join(other) or "none",
        ", ".join(more) or "none",
    )


def page(root: Path) -> str:
    """The whole page as MyST markdown."""
    cards, wrappers = CARDS.values(), WRAPPERS.values()
    averages = (
        line(
            f"[`{w.key}`](#catalog-{anchor(w)})",
            w.name,
            f"{{cite:t}}`{w.paper}`",
            f"{w.extra_bytes} more",
            lecture(root, w.lecture, ""),
        )
        for w in wrappers
    )
    return "".join(
        (
            HEAD,
            *(row(root, card) for card in cards),
            *averages,
            *(section(root, card) for card in cards),
            *(wrapper_section(root, wrapper) for wrapper in wrappers),
            BESIDE_TORCH,
            *(beside_torch(card) for card in cards if card.torch_reference and not card.preset),
        )
    )

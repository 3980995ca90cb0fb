"""What a method changes in the formula of the one before it, pointed at."""

import re

from adaopt.catalog.averaging import Wrapper
from adaopt.catalog.card import Card


def highlighted(card: Card | Wrapper) -> list[str]:
    r"""The parts of the card's formula that are new, as LaTeX, the new terms in a ``\boxed{}``.

    A formula is cut where it leaves space (``\quad``, ``\qquad``, a new line); what holds no new
    term is left out.

    Raises:
        ValueError: the card names no new term, or one that does not stand in its formula once.
    """
    formula = re.sub(r"\\(begin|end)\{aligned\}|&", "", card.formula)
    if not card.changed:
        raise ValueError(f"the card {card.key!r} does not say what the method changes")
    for term in card.changed:
        if formula.count(term) != 1:
            raise ValueError(f"{term!r} stands {formula.count(term)} times in {card.formula!r}")
        formula = formula.replace(term, rf"\boxed{{{term}}}")
    parts = (part.strip(" ,") for part in re.split(r"\\q?quad|\\\\", formula))
    return [part for part in parts if r"\boxed" in part]

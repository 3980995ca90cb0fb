"""One card per optimizer: what it is, where it comes from, and the classes that implement it.

Tests, documentation, the command line and the lectures iterate over :data:`CARDS`, so a method
that has a card is tested, documented, coloured and listed, and one without a card does not exist.
Neither torch nor matplotlib is imported here: a card finds its classes when asked.
"""

import difflib

from adaopt.catalog import adagrad, adam, amos, beyond, matrix, nesterov, parameter_free, sgd, sign
from adaopt.catalog.averaging import WRAPPERS, Wrapper
from adaopt.catalog.card import Card, Hyper
from adaopt.catalog.changes import highlighted

__all__ = ["CARDS", "WRAPPERS", "Card", "Hyper", "Wrapper", "card", "highlighted"]

CARDS: dict[str, Card] = {
    card.key: card
    for family in (sgd, adagrad, adam, nesterov, sign, amos, beyond, parameter_free, matrix)
    for card in family.CARDS
}


def card(key: str) -> Card:
    """The card with this catalog key.

    Raises:
        ValueError: no such key, and the message suggests the nearest one; or that of an average,
            which is no optimizer by itself.
    """
    if key in CARDS:
        return CARDS[key]
    if key in WRAPPERS:
        made = f"{WRAPPERS[key].class_name}(optimizer, ...)"
        raise ValueError(f"{key!r} is an average that goes around an optimizer: {made}")
    near = difflib.get_close_matches(str(key).lower(), (*CARDS, *WRAPPERS), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"Unknown optimizer {key!r}.{hint} The catalog has: {', '.join(CARDS)}")

"""One card per optimizer: what it is, where it comes from, and the classes that implement it.

Tests, documentation, the command line and the lectures iterate over :data:`CARDS`, so a method
that has a card is tested, documented, coloured and listed, and one without a card does not exist.
Neither torch nor matplotlib is imported here: a card finds its classes when asked.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Hyper:
    """One hyper-parameter: its keyword, default, admissible range and meaning."""

    name: str
    default: Any
    range: str
    meaning: str


@dataclass(frozen=True)
class Card:
    """What the course knows of one optimizer.

    ``class_name`` is the class in both editions; ``preset`` are the keywords that make this method
    out of that class; ``variants`` are the keyword sets that tests run besides the defaults;
    ``state_bytes`` is the state's size per float32 parameter in bytes, at the defaults.
    """

    key: str
    name: str
    class_name: str
    paper: str
    year: int
    formula: str
    hyper: tuple[Hyper, ...]
    state_bytes: int
    lecture: int
    color: str
    linestyle: str = "-"
    preset: Mapping[str, Any] = field(default_factory=dict)
    variants: tuple[Mapping[str, Any], ...] = ()
    torch_reference: str | None = None
    differences: str = ""
    algoperf: str = ""

    @property
    def numpy_class(self) -> type:
        """The class of the reading edition."""
        return getattr(import_module("adaopt.numpy"), self.class_name)

    @property
    def torch_class(self) -> type:
        """The class of the working edition (imports torch)."""
        return getattr(import_module("adaopt.torch"), self.class_name)


_SGD_HYPER = (
    Hyper("lr", 1e-3, "lr >= 0", "step size (learning rate) alpha"),
    Hyper("momentum", 0.0, "momentum >= 0", "weight mu of the old velocity"),
    Hyper("dampening", 0.0, "any number", "tau: the gradient enters the velocity times 1 - tau"),
    Hyper("weight_decay", 0.0, "weight_decay >= 0", "lambda: adds lambda x to the gradient"),
    Hyper("nesterov", False, "bool", "look ahead along the velocity"),
    Hyper("maximize", False, "bool", "ascend instead of descend"),
)

CARDS: dict[str, Card] = {
    card.key: card
    for card in (
        Card(
            key="gd",
            name="GD",
            class_name="SGD",
            paper="cauchy1847",
            year=1847,
            formula=r"x_{k+1} = x_k - \alpha \nabla f(x_k)",
            hyper=_SGD_HYPER,
            state_bytes=0,
            lecture=1,
            color="#000000",
            torch_reference="torch.optim.SGD",
            differences="none: GD is SGD fed the full gradient",
        ),
        Card(
            key="sgd",
            name="SGD",
            class_name="SGD",
            paper="robbins1951",
            year=1951,
            formula=r"x_{k+1} = x_k - \alpha \nabla f_{i_k}(x_k)",
            hyper=_SGD_HYPER,
            state_bytes=0,
            lecture=1,
            color="#0072B2",
            variants=(
                {"lr": 0.03, "weight_decay": 0.1},
                {"lr": 0.02, "maximize": True, "weight_decay": 0.01},
            ),
            torch_reference="torch.optim.SGD",
            differences="none",
        ),
        Card(
            key="momentum",
            name="Momentum",
            class_name="SGD",
            paper="polyak1964",
            year=1964,
            formula=r"v_{k+1} = \mu v_k + (1 - \tau) g_k, \qquad x_{k+1} = x_k - \alpha v_{k+1}",
            hyper=_SGD_HYPER,
            state_bytes=4,
            lecture=1,
            color="#E69F00",
            linestyle="--",
            preset={"momentum": 0.9},
            variants=(
                {"lr": 0.02, "momentum": 0.83, "dampening": 0.3, "weight_decay": 0.07},
                {"lr": 0.02, "momentum": 0.9, "maximize": True},
            ),
            torch_reference="torch.optim.SGD",
            differences="none: the first velocity is the gradient itself, not damped, as in torch",
        ),
        Card(
            key="nesterov",
            name="Nesterov momentum",
            class_name="SGD",
            paper="nesterov1983",
            year=1983,
            formula=r"v_{k+1} = \mu v_k + g_k, \qquad x_{k+1} = x_k - \alpha (g_k + \mu v_{k+1})",
            hyper=_SGD_HYPER,
            state_bytes=4,
            lecture=1,
            color="#009E73",
            linestyle="-.",
            preset={"momentum": 0.9, "nesterov": True},
            variants=(
                {"lr": 0.01, "momentum": 0.77, "nesterov": True, "weight_decay": 0.03},
                {"lr": 0.01, "momentum": 0.9, "nesterov": True, "maximize": True},
            ),
            torch_reference="torch.optim.SGD",
            differences="none; torch's foreach path overwrites p.grad, ours never does",
        ),
    )
}


def card(key: str) -> Card:
    """The card with this catalog key.

    Raises:
        ValueError: no such key; the message suggests the nearest one.
    """
    if key in CARDS:
        return CARDS[key]
    near = difflib.get_close_matches(str(key).lower(), CARDS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"Unknown optimizer {key!r}.{hint} The catalog has: {', '.join(CARDS)}")

"""What a card of the catalog holds, and the table of keywords that the cards share."""

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
    ``exempt`` names the tests of torch's contract that cannot hold for it, with the reason;
    ``unverified`` says what of the method has been checked against no independent source;
    ``changed`` are the parts of the formula that the method it descends from does not have;
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
    linestyle: str | tuple = "-"
    preset: Mapping[str, Any] = field(default_factory=dict)
    variants: tuple[Mapping[str, Any], ...] = ()
    torch_reference: str | None = None
    differences: str = ""
    algoperf: str = ""
    exempt: Mapping[str, str] = field(default_factory=dict)
    unverified: str = ""
    changed: tuple[str, ...] = ()

    @property
    def call(self) -> str:
        """How the method is made by hand, for instance ``SGD(momentum=0.9)``."""
        preset = ", ".join(f"{name}={value!r}" for name, value in self.preset.items())
        return f"{self.class_name}({preset})"

    @property
    def numpy_class(self) -> type:
        """The class of the reading edition."""
        return getattr(import_module("adaopt.numpy"), self.class_name)

    @property
    def torch_class(self) -> type:
        """The class of the working edition (imports torch)."""
        return getattr(import_module("adaopt.torch"), self.class_name)


# Range and meaning of the keywords that mean the same in every method that has them.
SHARED = {
    "lr": ("lr >= 0", "step size (learning rate) alpha"),
    "eps": ("eps >= 0", "keeps the division away from zero"),
    "betas": ("0 <= beta < 1", "decay rates of the two moving averages"),
    "weight_decay": ("weight_decay >= 0", "lambda: decay of the weights"),
    "maximize": ("bool", "ascend instead of descend"),
    "momentum": ("momentum >= 0", "weight mu of the old velocity"),
    "nesterov": ("bool", "look ahead along the velocity"),
    "rho": ("0 <= rho <= 1", "decay rate of the moving averages"),
    "lr_decay": ("lr_decay >= 0", "the step size falls as lr / (1 + (k - 1) lr_decay)"),
    "initial_accumulator_value": (
        "initial_accumulator_value >= 0",
        "what the sum of squared gradients starts from",
    ),
    "momentum_decay": ("momentum_decay >= 0", "psi: the momentum grows along 1 - 0.96^(k psi) / 2"),
    "decoupled_weight_decay": ("bool", "decay the weights apart from the gradient, as in AdamW"),
    "eps_inside": ("bool", "eps inside the root (the lecture's form) or outside (torch's)"),
}


def keywords(**defaults: Any) -> tuple[Hyper, ...]:
    """One :class:`Hyper` a keyword, ``maximize`` last.

    A value is the default of a keyword in ``SHARED``, or ``(default, range, meaning)``; a default
    that is itself a tuple stays one: ``betas=(0.9, 0.999)``, or
    ``betas=((0.9, 0.99), "0 <= beta < 1", "...")``.
    """
    table = []
    for name, value in (defaults | {"maximize": False}).items():
        own = isinstance(value, tuple) and len(value) == 3 and isinstance(value[1], str)
        table.append(Hyper(name, *(value if own else (value, *SHARED[name]))))
    return tuple(table)

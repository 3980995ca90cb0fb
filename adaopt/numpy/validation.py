"""Which hyper-parameter values are valid: one line per name, with the messages of torch.optim."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np


def nonnegative(value: float) -> bool:
    return value >= 0


def below_one(value: float) -> bool:
    return 0 <= value < 1


def fraction(value: float) -> bool:
    return 0 <= value <= 1


# What torch.optim calls the value in "Invalid ...: value", and when it is valid.
VALID: dict[str, tuple[str, Callable[[float], bool]]] = {
    "lr": ("learning rate", nonnegative),
    "momentum": ("momentum value", nonnegative),
    "weight_decay": ("weight_decay value", nonnegative),
    "betas": ("beta parameter at index {}", below_one),
    "eps": ("epsilon value", nonnegative),
    "alpha": ("alpha value", nonnegative),
    "rho": ("rho value", fraction),
    "lr_decay": ("lr_decay value", nonnegative),
    "initial_accumulator_value": ("initial_accumulator_value value", nonnegative),
    "momentum_decay": ("momentum_decay value", nonnegative),
}


def checked(name: str, value: Any, default: Any) -> Any:
    """The value of hyper-parameter ``name`` if it is valid; its type must be the default's.

    Numbers become Python floats, so that they never change the dtype of an array.

    Raises:
        TypeError: not of the default's type (number, bool, string, tuple of numbers).
        ValueError: out of range, not finite, or a tuple of the wrong length.
    """
    label, valid = VALID.get(name, (f"{name} value", math.isfinite))
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(default, tuple):
        if not isinstance(value, tuple | list) or len(value) != len(default):
            raise TypeError(f"Invalid {name}: {value!r} (expected {len(default)} numbers)")
        return tuple(_number(label.format(i), v, valid) for i, v in enumerate(value))
    if isinstance(default, bool | str):
        if type(value) is not type(default):
            kind = type(default).__name__
            raise TypeError(f"Invalid {label}: {value!r} (expected a {kind})")
        return value
    return _number(label, value, valid)


def _number(label: str, value: Any, valid: Callable[[float], bool]) -> float:
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"Invalid {label}: {value!r} (expected a number)")
    try:
        number = float(value)
    except OverflowError:  # an integer beyond every float
        number = math.inf
    if not (math.isfinite(number) and valid(number)):
        raise ValueError(f"Invalid {label}: {value}")
    return number

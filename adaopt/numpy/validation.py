"""Which hyper-parameter values are valid, with the messages of torch.optim."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np

from adaopt.ranges import RANGES, words


def checked(
    name: str,
    value: Any,
    default: Any,
    choices: tuple | None = None,
    interval: tuple[float, float] | None = None,
) -> Any:
    """The value of hyper-parameter ``name`` if it is valid; its type must be the default's.

    Numbers become Python floats (integers where the default is one), so that they never change the
    dtype of an array. None is allowed where the default is None. ``choices`` lists the only values
    there are, ``interval`` replaces the range of the shared table.

    Raises:
        TypeError: not of the default's type (number, bool, tuple of numbers).
        ValueError: out of range, not finite, or not among the choices.
    """
    value = value.item() if isinstance(value, np.generic) else value
    if choices is not None:
        for choice in choices:
            if type(value) is type(choice) and value == choice:
                return choice
        expected = ", ".join(map(repr, choices))
        raise ValueError(f"Invalid {words(name)}: {value!r} (expected one of {expected})")
    low, high = interval or RANGES.get(name, (-math.inf, math.inf))
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise TypeError(f"Invalid {words(name)}: {value!r} (expected a bool)")
        return value
    if isinstance(default, tuple):
        if not isinstance(value, tuple | list) or len(value) != len(default):
            raise TypeError(f"Invalid {name}: {value!r} (expected {len(default)} numbers)")
        pairs = enumerate(zip(value, default, strict=True))
        return tuple(_number(words(name, i), v, d, low, high) for i, (v, d) in pairs)
    return _number(words(name), value, default, low, high)


def _number(label: str, value: Any, default: Any, low: float, high: float) -> float | int | None:
    value = value.item() if isinstance(value, np.generic) else value
    if type(value) is type(default) and value == default:
        return default  # None, or infinity, where that is the default
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"Invalid {label}: {value!r} (expected a number)")
    try:
        number = float(value)
    except OverflowError:  # an integer beyond every float
        number = math.inf
    if not (math.isfinite(number) and low <= number <= high):
        raise ValueError(f"Invalid {label}: {value}")
    if isinstance(default, int):
        if not number.is_integer():
            raise TypeError(f"Invalid {label}: {value!r} (expected a whole number)")
        return int(number)
    return number

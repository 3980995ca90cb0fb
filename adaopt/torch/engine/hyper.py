"""Hyper-parameters: the constructor made from a table, and torch.optim's checks and messages."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from inspect import Parameter, Signature
from numbers import Real
from typing import Any

import numpy as np
from torch import Tensor

from adaopt.ranges import RANGES, words

# The keywords every optimizer of torch.optim has; they choose the way of computing, not the method.
ENGINE = {"maximize": False, "foreach": None, "differentiable": False, "fused": None}


class Hyper:
    """The checked hyper-parameters of one parameter group, as attributes."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            setattr(self, name, value)


def signature(hyper: Mapping[str, Any]) -> Signature:
    """``(params, <hyper...>, *, maximize, foreach, differentiable, fused)`` with the defaults."""
    place, keyword = Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY
    return Signature(
        [
            Parameter("params", place),
            *(Parameter(name, place, default=default) for name, default in hyper.items()),
            *(Parameter(name, keyword, default=default) for name, default in ENGINE.items()),
        ]
    )


def bind(name: str, form: Signature, args: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name, defaults filled in.

    Raises:
        TypeError: an unknown keyword (the nearest known one is suggested) or a missing argument.
    """
    for keyword in kwargs:
        if keyword not in form.parameters:
            near = difflib.get_close_matches(keyword, form.parameters, n=1)
            hint = f". Did you mean {near[0]!r}?" if near else ""
            raise TypeError(f"{name}() got an unexpected keyword argument {keyword!r}{hint}")
    try:
        bound = form.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{name}() {error}") from None
    bound.apply_defaults()
    return dict(bound.arguments)


def checked(
    name: str,
    value: Any,
    default: Any,
    choices: tuple | None = None,
    interval: tuple[float, float] | None = None,
) -> Any:
    """The value as plain Python numbers, if it is one that ``name`` may have.

    The kind that is expected is the kind of the default: a number, a whole number, a flag, a tuple
    of numbers, a word; None is allowed where the default is None. ``choices`` lists the only
    values there are, ``interval`` replaces the range of the shared table.

    Raises:
        ValueError: out of range, not finite or not among the choices; torch.optim's message.
        TypeError: not of the kind expected; the same message, and what is expected.
    """
    if choices is not None:
        # by type too: 1 == True, but a word is expected to be spelled out
        for choice in choices:
            if type(value) is type(choice) and value == choice:
                return choice
        expected = ", ".join(map(repr, choices))
        raise ValueError(f"{_invalid(name, value)} (expected one of {expected})")
    low, high = interval or RANGES.get(name, (-math.inf, math.inf))
    if isinstance(default, bool):
        if isinstance(value, bool | np.bool_) or (isinstance(value, Real) and value in (0, 1)):
            return bool(value)
        raise TypeError(f"{_invalid(name, value)} (True or False is expected)")
    if isinstance(default, tuple):
        if not isinstance(value, tuple | list) or len(value) != len(default):
            raise TypeError(f"{_invalid(name, value)} ({len(default)} numbers are expected)")
        pairs = enumerate(zip(value, default, strict=True))
        return tuple(_number(name, v, d, low, high, i) for i, (v, d) in pairs)
    return _number(name, value, default, low, high)


def _number(
    name: str, value: Any, default: Any, low: float, high: float, index: int | None = None
) -> float | int | None:
    if type(value) is type(default) and value == default:
        return default  # None, or infinity, where that is the default
    number = value
    if type(value) is not float:
        if isinstance(value, Tensor):
            if value.numel() != 1:
                raise ValueError(f"Tensor {name} must be 1-element")
            number = value.item()
        if not isinstance(number, Real):
            raise TypeError(f"{_invalid(name, value, index)} (a number is expected)")
        try:
            number = float(number)
        except OverflowError:  # an integer beyond every float
            number = math.inf
    if not (low <= number <= high and math.isfinite(number)):
        raise ValueError(_invalid(name, value, index))
    if isinstance(default, int):
        if not number.is_integer():
            raise TypeError(f"{_invalid(name, value, index)} (a whole number is expected)")
        return int(number)
    return number


def _invalid(name: str, value: Any, index: int | None = None) -> str:
    shown = repr(value) if isinstance(value, str) else value
    return f"Invalid {words(name, index)}: {shown}"

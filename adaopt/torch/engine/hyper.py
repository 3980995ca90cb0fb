"""Hyper-parameters: the constructor made from a table."""

import difflib
from collections.abc import Iterable, Mapping
from inspect import Parameter, Signature
from typing import Any

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


def refuse_misspelt(group: Mapping[str, Any], known: Iterable[str]) -> None:
    """Refuse a key of a parameter group that is nearly, but not, one of the ``known``.

    Other keys belong to the user or to a scheduler and are left alone, as in torch.optim.
    """
    for key in group.keys() - {"params", *known}:
        if near := difflib.get_close_matches(key, known, n=1, cutoff=0.85):
            raise TypeError(f"a parameter group has the keyword {key!r}. Did you mean {near[0]!r}?")

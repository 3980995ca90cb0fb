"""How the compiler reads a rule: its numbers, and torch's words in a form it carries exactly."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import count
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

from .eager import Row
from .hyper import Hyper

LOW = (torch.float16, torch.bfloat16)


class Number(float):
    """A number that is known only when the step is taken: the Python text that computes it.

    The text speaks of ``n``, the list of the step's numbers; arithmetic extends it. Questions are
    answered from the values that it ``never`` has and refused otherwise. As a float it is NaN, so
    that a use that could not be followed shows.
    """

    text: str
    never: tuple[float, ...]

    def __new__(cls, text: str, *never: float) -> Number:
        self = super().__new__(cls, math.nan)
        self.text, self.never = text, never
        return self

    def __ne__(self, other: object) -> bool:
        return other in self.never or self < other

    def __eq__(self, other: object) -> bool:
        return not self != other

    def __bool__(self) -> bool:
        return self != 0

    def __lt__(self, other: object) -> bool:
        raise TypeError(
            "a rule may ask of a number only whether it is zero, and of the step whether it is the "
            "first: compute what depends on other questions in `numbers`"
        )

    __le__ = __gt__ = __ge__ = __lt__
    __hash__ = float.__hash__


def _arithmetic(form: str) -> Callable[..., Any]:
    def apply(self: Number, *others: Any) -> Any:
        if not all(isinstance(other, int | float) for other in others):
            return NotImplemented  # a tensor takes it from here
        return Number(form.format(self.text, *(getattr(o, "text", repr(o)) for o in others)))

    return apply


for _name, _sign in {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "pow": "**"}.items():
    setattr(Number, f"__{_name}__", _arithmetic(f"({{0}} {_sign} {{1}})"))
    setattr(Number, f"__r{_name}__", _arithmetic(f"({{1}} {_sign} {{0}})"))
Number.__neg__ = _arithmetic("(-{0})")
Number.__abs__ = _arithmetic("abs({0})")


# What is added to x, in the operators that every kernel has.
ADDED = {
    "add": lambda x, a: a,
    "sub": lambda x, a: -a,
    "addcmul": lambda x, a, b: a * b,
    "addcdiv": lambda x, a, b: a / b,
    "lerp": lambda x, end, weight: (end - x) * weight,  # torch's own branches on the weight
}


class Traceable(TorchFunctionMode):
    """Hands Numbers to tensors as elements of ``numbers``, and says a few words differently.

    ``x.add_(g, alpha=a)`` becomes ``x.add_(g * a)``, exponents and limits tensors: inductor takes
    such scalars into a kernel in float32, which would spoil float64. Writing, in place or to
    ``out``, is a ``copy_`` of the result: torch makes functions of both, but not for sizes that
    are unknown.
    ``elements`` maps the text of every number that a tensor has met to its element, in order.
    """

    def __init__(self, numbers: Tensor) -> None:
        super().__init__()
        self.numbers = numbers
        self.elements: dict[str, Tensor] = {}

    def _element(self, value: Any) -> Any:
        if not isinstance(value, Number):
            return value
        if value.text not in self.elements:
            self.elements[value.text] = self.numbers[len(self.elements)]
        return self.elements[value.text]

    def _tensor(self, value: Any) -> Any:
        exact = not isinstance(value, float) or (2 * value).is_integer()
        return value if exact else self.numbers.new_full((), value)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        args, kwargs = tree_map(self._element, (args, kwargs or {}))
        name = getattr(func, "__name__", "")
        word = name.removesuffix("_")
        out = kwargs.pop("out", None)
        if word != name and not name.startswith("__") and hasattr(Tensor, word) and word != "copy":
            func, out = getattr(Tensor, word), args[0]
        if word in ADDED:
            x, first, *others = args
            factor = kwargs.pop("alpha", kwargs.pop("value", 1))
            first = first * factor if isinstance(factor, Tensor) or factor != 1 else first
            func, args = Tensor.add, (x, ADDED[word](x, first, *others))
        elif word == "pow":
            args = (args[0], self._tensor(args[1]))
        elif word == "clamp":
            args, kwargs = tree_map(self._tensor, (args, kwargs))
        result = func(*args, **kwargs)
        return result if out is None else out.copy_(result)


class Traced:
    """``rule`` or ``measure`` of an optimizer as a function of a row's tensors, numbers unknown.

    Called with a row to take after, then the size and the numbers (see :class:`Traceable`), then
    the tensors.
    """

    def __init__(self, optimizer: Any, name: str, hyper: Mapping[str, Any]) -> None:
        self.name = f"{optimizer.__class__.__name__}: `{name}`"
        self.call = partial(getattr(optimizer.__class__, name), optimizer)
        places = count(1)
        self.h = Hyper({word: _unknown(value, places) for word, value in hyper.items()})
        self.texts: list[str] = []

    def __call__(self, row: Row, size: Any, numbers: Tensor, *tensors: Tensor) -> tuple:
        given = iter(tensors)
        narrow = [None if t is None else next(given) for t in row]
        # Low precision is computed in float32 and rounded once.
        wide = [t.float() if t is not None and t.dtype in LOW else t for t in narrow]
        self.h.dtype = row[0].dtype  # what the parameter is kept in
        mode = Traceable(numbers)
        with mode:
            x, g, *kept = wide
            if row[1].is_neg() != self.h.maximize:
                g = -g
            found = self.call(x, g, self.h, Number("n[0]", 0, 1), *kept)
        for place, (t, w) in enumerate(zip(narrow, wide, strict=True)):
            if t is not w and place != 1:
                t.copy_(w)
        self.texts = list(mode.elements)
        return tuple(found or ())

    def numbers(self) -> Callable[[list[float]], tuple[float, ...]]:
        """What the last trace reads, computed from the numbers of a step."""
        return eval(f"lambda n: ({''.join(text + ', ' for text in self.texts)})", {"inf": math.inf})


def _unknown(value: Any, places: Iterator[int]) -> Any:
    if type(value) is float and value:
        return Number(f"n[{next(places)}]", 0)
    return tuple([_unknown(v, places) for v in value]) if type(value) is tuple else value

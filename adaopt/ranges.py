"""Which values a hyper-parameter may have, with torch.optim's messages: for both editions."""

import math
from numbers import Real
from typing import Any

NON_NEGATIVE = (0.0, math.inf)
FRACTION = (0.0, 1.0)
BELOW_ONE = (0.0, math.nextafter(1.0, 0.0))
POSITIVE = (math.nextafter(0.0, 1.0), math.inf)

# The words of torch.optim's messages, "Invalid <words>: <value>"; else "<name> value".
WORDS = {"lr": "learning rate", "eps": "epsilon value"}
PLACED = {"betas": "beta parameter"}  # of one number in a tuple: "<words> at index 0"

# Closed intervals [low, high]; a name that is not listed is any finite number.
RANGES = {
    "lr": NON_NEGATIVE,
    "momentum": NON_NEGATIVE,
    "weight_decay": NON_NEGATIVE,
    "eps": NON_NEGATIVE,
    "betas": BELOW_ONE,
    "alpha": NON_NEGATIVE,
    "rho": FRACTION,
    "lr_decay": NON_NEGATIVE,
    "initial_accumulator_value": NON_NEGATIVE,
    "momentum_decay": NON_NEGATIVE,
}


def words(name: str, index: int | None = None) -> str:
    """What the value is called in a message; ``index`` is its place in a tuple."""
    plain = WORDS.get(name, f"{name} value")
    return plain if index is None else f"{PLACED.get(name, plain)} at index {index}"


def checked(
    name: str,
    value: Any,
    default: Any,
    choices: tuple | None = None,
    interval: tuple[float, float] | None = None,
) -> Any:
    """The value as plain Python numbers, if it is one that hyper-parameter ``name`` may have.

    The kind that is expected is the kind of the default: a number, a whole number, a flag, a tuple
    of numbers; None is allowed where the default is None. An array or tensor of one element is its
    number. ``choices`` lists the only values there are, ``interval`` replaces the range of the
    table.

    Raises:
        ValueError: out of range, not finite or not among the choices; torch.optim's message.
        TypeError: not of the kind expected; the same message, and what is expected.
    """
    if choices is not None:
        for choice in choices:
            if type(value) is type(choice) and value == choice:
                return choice
        expected = ", ".join(map(repr, choices))
        raise ValueError(f"Invalid {words(name)}: {value!r} (expected one of {expected})")
    if isinstance(default, bool):
        flag = _plain(name, value)
        if not (isinstance(flag, Real) and flag in (0, 1)):
            raise TypeError(f"Invalid {words(name)}: {value!r} (expected True or False)")
        return bool(flag)
    low, high = interval or RANGES.get(name, (-math.inf, math.inf))
    if isinstance(default, tuple):
        if not isinstance(value, tuple | list) or len(value) != len(default):
            raise TypeError(f"Invalid {words(name)}: {value!r} (expected {len(default)} numbers)")
        pairs = enumerate(zip(value, default, strict=True))
        return tuple([_number(name, v, d, low, high, i) for i, (v, d) in pairs])
    return _number(name, value, default, low, high)


def _number(
    name: str, value: Any, default: Any, low: float, high: float, index: int | None = None
) -> float | int | None:
    if type(value) is type(default) is float and low <= value <= high and value - value == 0:
        return value  # the usual case, at every step
    if type(value) is type(default) and value == default:
        return default  # None, or infinity, where that is the default
    number = _plain(name, value)
    shown = repr(value) if isinstance(value, str) else value
    invalid = f"Invalid {words(name, index)}: {shown}"
    if isinstance(number, bool) or not isinstance(number, Real):
        raise TypeError(f"{invalid} (expected a number)")
    try:
        number = float(number)
    except OverflowError:  # an integer beyond every float
        number = math.inf
    if isinstance(default, int) and math.isfinite(number) and not number.is_integer():
        raise TypeError(f"{invalid} (expected a whole number)")
    if not (low <= number <= high and math.isfinite(number)):
        raise ValueError(invalid)
    return int(number) if isinstance(default, int) else number


def _plain(name: str, value: Any) -> Any:
    """The Python number in an array or tensor of one element; anything else as it is."""
    if not hasattr(value, "item"):
        return value
    if math.prod(value.shape) != 1:
        raise ValueError(f"Tensor {name} must be 1-element")
    return value.item()

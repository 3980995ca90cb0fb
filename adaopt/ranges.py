"""Which values a hyper-parameter may have, and what torch.optim calls it: for both editions."""

from __future__ import annotations

import math

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

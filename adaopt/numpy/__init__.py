"""The reading edition: every optimizer in NumPy, one line per formula. Imports no torch."""

from __future__ import annotations

from typing import Any

from adaopt.catalog import card
from adaopt.numpy.adadelta import Adadelta
from adaopt.numpy.adagrad import Adagrad
from adaopt.numpy.adam import Adam
from adaopt.numpy.adamw import AdamW
from adaopt.numpy.amos import Amos
from adaopt.numpy.amsgrad import AMSGrad
from adaopt.numpy.rmsprop import RMSprop
from adaopt.numpy.rule import Rule, State
from adaopt.numpy.sgd import GD, SGD
from adaopt.numpy.sign import Lion, SignSGD, Signum

__all__ = [
    "GD",
    "SGD",
    "AMSGrad",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Amos",
    "Lion",
    "RMSprop",
    "Rule",
    "SignSGD",
    "Signum",
    "State",
    "build",
]


def build(name: str, **hyper: Any) -> Rule:
    """The optimizer with this catalog key, e.g. ``build("nesterov", lr=0.1)``.

    Raises:
        ValueError: no such key (the nearest is suggested), or an invalid value.
        TypeError: an unknown keyword.
    """
    entry = card(name)
    return entry.numpy_class(**{**entry.preset, **hyper})

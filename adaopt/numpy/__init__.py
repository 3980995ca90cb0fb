"""The reading edition: every optimizer in NumPy, one line per formula. Imports no torch."""

from __future__ import annotations

from typing import Any

from adaopt.catalog import card
from adaopt.numpy.adadelta import Adadelta
from adaopt.numpy.adagrad import Adagrad
from adaopt.numpy.adam import Adam
from adaopt.numpy.adamw import AdamW
from adaopt.numpy.ademamix import AdEMAMix
from adaopt.numpy.amos import Amos
from adaopt.numpy.amsgrad import AMSGrad
from adaopt.numpy.laprop import LaProp
from adaopt.numpy.nadam import NAdam
from adaopt.numpy.nadamw import GeneralizedAdam, NadamP, NAdamW
from adaopt.numpy.rmsprop import RMSprop
from adaopt.numpy.rule import Rule, State
from adaopt.numpy.sgd import GD, SGD
from adaopt.numpy.sign import Lion, SignSGD, Signum

__all__ = [
    "GD",
    "SGD",
    "AMSGrad",
    "AdEMAMix",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Amos",
    "GeneralizedAdam",
    "LaProp",
    "Lion",
    "NAdam",
    "NAdamW",
    "NadamP",
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

"""The reading edition: every optimizer in NumPy, one line per formula. Imports no torch."""

from typing import Any

from adaopt.catalog import card
from adaopt.numpy.adadelta import Adadelta
from adaopt.numpy.adafactor import Adafactor
from adaopt.numpy.adagrad import Adagrad
from adaopt.numpy.adam import Adam, AdamW, AMSGrad
from adaopt.numpy.ademamix import AdEMAMix
from adaopt.numpy.amos import Amos
from adaopt.numpy.averaging import PolyakAverage
from adaopt.numpy.caspr import CASPR
from adaopt.numpy.laprop import LaProp
from adaopt.numpy.lawa import LAWA
from adaopt.numpy.muon import Muon
from adaopt.numpy.nadam import NAdam
from adaopt.numpy.nadamw import GeneralizedAdam, NadamP, NAdamW
from adaopt.numpy.prodigy import Prodigy
from adaopt.numpy.rmsprop import RMSprop
from adaopt.numpy.rule import Rule, State
from adaopt.numpy.schedule_free import ScheduleFreeAdamW, ScheduleFreeSGD
from adaopt.numpy.schedule_free_prodigy import ScheduleFreeProdigy
from adaopt.numpy.sgd import GD, SGD
from adaopt.numpy.shampoo import Shampoo
from adaopt.numpy.sign import Lion, SignSGD, Signum
from adaopt.numpy.soap import SOAP

__all__ = [
    "CASPR",
    "GD",
    "LAWA",
    "SGD",
    "SOAP",
    "AMSGrad",
    "AdEMAMix",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Amos",
    "GeneralizedAdam",
    "LaProp",
    "Lion",
    "Muon",
    "NAdam",
    "NAdamW",
    "NadamP",
    "PolyakAverage",
    "Prodigy",
    "RMSprop",
    "Rule",
    "ScheduleFreeAdamW",
    "ScheduleFreeProdigy",
    "ScheduleFreeSGD",
    "Shampoo",
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

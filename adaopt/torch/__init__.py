"""The working edition: drop-in ``torch.optim.Optimizer`` classes, one formula each.

Bad hyper-parameters are refused with torch.optim's messages; ``fused=True`` compiles the step.
"""

from typing import Any

from adaopt.catalog import card

from .adadelta import Adadelta
from .adafactor import Adafactor
from .adagrad import Adagrad
from .adam import Adam
from .adamw import AdamW
from .ademamix import AdEMAMix
from .amos import Amos
from .amsgrad import AMSGrad
from .averaging import LAWA, PolyakAverage
from .engine import Rule
from .engine.combined import Combined
from .generalized_adam import GeneralizedAdam
from .laprop import LaProp
from .matrix.caspr import CASPR
from .matrix.muon import Muon
from .matrix.shampoo import Shampoo
from .matrix.soap import SOAP
from .nadam import NAdam
from .nadamw import NadamP, NAdamW
from .prodigy import Prodigy
from .rmsprop import RMSprop
from .schedule_free import ScheduleFreeAdamW, ScheduleFreeSGD
from .schedule_free_prodigy import ScheduleFreeProdigy
from .schedules import ScheduleLR
from .sgd import SGD
from .sign import Lion, SignSGD, Signum
from .split import split_parameters

__all__ = [
    "CASPR",
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
    "Combined",
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
    "ScheduleLR",
    "Shampoo",
    "SignSGD",
    "Signum",
    "build",
    "split_parameters",
]


def build(name: str, params: Any, **hyper: Any) -> Rule:
    """The optimizer with this catalog key, for these parameters.

    Keywords override the method's own settings (``build("momentum", params, momentum=0.8)``).

    Raises:
        ValueError: no such method; the message suggests the nearest one.
    """
    chosen = card(name)
    return chosen.torch_class(params, **{**chosen.preset, **hyper})

"""The working edition: drop-in ``torch.optim.Optimizer`` classes, one formula each.

Bad hyper-parameters are refused with torch.optim's messages; ``fused=True`` compiles the step.
"""

from typing import Any

from adaopt.catalog import card

from .adam import Adam, AdamW
from .amos import Amos
from .engine import Rule
from .sgd import SGD
from .sign import Lion, SignSGD, Signum

__all__ = ["SGD", "Adam", "AdamW", "Amos", "Lion", "Rule", "SignSGD", "Signum", "build"]


def build(name: str, params: Any, **hyper: Any) -> Rule:
    """The optimizer with this catalog key, for these parameters.

    Keywords override the method's own settings (``build("momentum", params, momentum=0.8)``).

    Raises:
        ValueError: no such method; the message suggests the nearest one.
    """
    chosen = card(name)
    return chosen.torch_class(params, **{**chosen.preset, **hyper})

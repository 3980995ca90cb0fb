"""The mistakes that people make in the rule of each method, as data.

``MISTAKES[key]`` are those of the method with this catalog key, ``AVERAGES[key]`` those of a
wrapper. Tests inject every one and demand
that the comparisons with the other edition and with independent implementations notice; exercises
compare a student's step with each, to say which one it is.
"""

from types import ModuleType

from adaopt.catalog import WRAPPERS, card
from adaopt.grading.mistakes import (
    adam,
    adaptive,
    amos,
    averaging,
    beyond,
    matrix,
    nadam,
    nesterov,
    schedule_free,
    sgd,
    sign,
)
from adaopt.grading.mistakes.rule import SLIP, TOPICS, RuleMistake
from adaopt.grading.mistakes.rule import mutated as _mutated

__all__ = ["AVERAGES", "MISTAKES", "SLIP", "TOPICS", "RuleMistake", "mutated"]

FAMILIES: tuple[ModuleType, ...] = (
    sgd,
    adaptive,
    adam,
    nadam,
    nesterov,
    sign,
    amos,
    beyond,
    schedule_free,
    matrix,
)
MISTAKES: dict[str, tuple[RuleMistake, ...]] = {
    key: mistakes for family in FAMILIES for key, mistakes in family.MISTAKES.items()
}
AVERAGES: dict[str, tuple[RuleMistake, ...]] = averaging.MISTAKES


def mutated(key: str, mistake: str | RuleMistake) -> type:
    """The class of the NumPy edition of this catalog key with the mistake (or its name) in it.

    Raises:
        ValueError: no such method or mistake, or the mistake does not fit the rule's source.
    """
    rule = (WRAPPERS.get(key) or card(key)).numpy_class
    if isinstance(mistake, RuleMistake):
        return _mutated(rule, mistake)
    known = {m.name: m for m in (MISTAKES | AVERAGES).get(key, ())}
    if mistake not in known:
        raise ValueError(f"Unknown mistake {mistake!r} of {key!r}. There are: {', '.join(known)}")
    return _mutated(rule, known[mistake])

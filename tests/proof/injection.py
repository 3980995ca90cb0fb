"""Injecting mistakes: do the comparisons that prove the rules right notice a wrong one?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from adaopt.grading.mistakes.rule import RuleMistake
from adaopt.numpy.rule import Rule

NOTICED = 1e-6  # an error above it is no rounding: right rules stay a million times below


class Errors(NamedTuple):
    """How far a rule is from the other edition and from independent implementations."""

    parity: float
    reference: float


def inject(key: str, mistake: str | RuleMistake) -> Errors:
    """The errors of the method with a mistake in its rule (imports torch).

    All settings at which the method is compared are tried until one shows an error above
    ``NOTICED``; the error is that one, or the largest if none is.
    """
    from adaopt.grading.mistakes import mutated

    return errors(key, mutated(key, mistake))


def errors(key: str, rule: type[Rule]) -> Errors:
    """The errors of this class, in place of the method's own in the NumPy edition."""
    from tests import proof

    def largest(measure: Callable[..., float | None]) -> float:
        worst = 0.0
        for hyper in proof.settings(key):
            worst = max(worst, _error(measure, key, hyper, rule))
            if worst > NOTICED:
                break
        return worst

    return Errors(largest(proof.parity_error), largest(proof.reference_error))


def _error(measure: Callable[..., Any], key: str, hyper: dict, rule: type[Rule]) -> float:
    try:
        return measure(key, hyper, numpy_class=rule) or 0.0
    except FloatingPointError:  # the iterate, and with it the next gradient, is no number
        return float("inf")

"""Instant feedback on exercises: a wrong answer is compared with the mistakes people make.

A :class:`Task` holds a reference, a generator of awkward inputs and a family of :class:`Mistake`
functions; :func:`diagnose` runs a student's function on those inputs and says which mistake it
equals, and where it first departs. :class:`Prediction` does the same for one number.
"""

from adaopt.grading.diagnosis import (
    Case,
    Diagnosis,
    Mistake,
    Prediction,
    Task,
    check,
    diagnose,
)
from adaopt.grading.notebook import experiment, print_points, start

__all__ = [
    "Case",
    "Diagnosis",
    "Mistake",
    "Prediction",
    "Task",
    "check",
    "diagnose",
    "experiment",
    "print_points",
    "start",
]

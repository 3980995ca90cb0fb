"""Proof that the rules are right: how far the two editions, and published programs, are apart.

:func:`parity_error` compares the editions with each other, :func:`reference_error` an edition with
the implementations listed in :data:`REFERENCES`, :func:`average_error` an average with its oracle.
They are plain functions: tests call them, the mutation test calls them with a class that holds a
mistake, the book prints what they return.
"""

from tests.proof.averaging import average_error
from tests.proof.parity import (
    SHAPES,
    STEPS,
    TOLERANCE,
    Path,
    Problem,
    distance,
    numpy_path,
    parity_error,
    torch_path,
)
from tests.proof.references import (
    REFERENCES,
    Reference,
    reference_error,
    reference_errors,
    references,
    settings,
)

__all__ = [
    "REFERENCES",
    "SHAPES",
    "STEPS",
    "TOLERANCE",
    "Path",
    "Problem",
    "Reference",
    "average_error",
    "distance",
    "numpy_path",
    "parity_error",
    "reference_error",
    "reference_errors",
    "references",
    "settings",
    "torch_path",
]

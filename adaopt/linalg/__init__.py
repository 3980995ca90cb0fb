"""Functions of matrices in NumPy, plainly: what matrix methods of the reading edition stand on."""

from adaopt.linalg.polar import (
    QUINTIC,
    as_matrix,
    express,
    odd_polynomials,
    polar_cubic,
    polar_express,
    polar_quintic,
    polar_svd,
)
from adaopt.linalg.quintics import best_quintics
from adaopt.linalg.roots import (
    gram,
    inverse_root_eigh,
    inverse_root_newton,
    inverse_root_newton_schulz,
    times,
)

__all__ = [
    "QUINTIC",
    "as_matrix",
    "best_quintics",
    "express",
    "gram",
    "inverse_root_eigh",
    "inverse_root_newton",
    "inverse_root_newton_schulz",
    "odd_polynomials",
    "polar_cubic",
    "polar_express",
    "polar_quintic",
    "polar_svd",
    "times",
]

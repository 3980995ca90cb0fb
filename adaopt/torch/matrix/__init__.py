"""Matrix functions on stacks of equal shapes: what Shampoo, Muon and their family stand on."""

from .polar import (
    POLAR_FACTORS,
    odd_polynomials,
    polar_cubic,
    polar_express,
    polar_quintic,
    polar_svd,
)
from .roots import (
    INVERSE_ROOTS,
    inverse_root_eigh,
    inverse_root_newton,
    inverse_root_newton_schulz,
)

__all__ = [
    "INVERSE_ROOTS",
    "POLAR_FACTORS",
    "inverse_root_eigh",
    "inverse_root_newton",
    "inverse_root_newton_schulz",
    "odd_polynomials",
    "polar_cubic",
    "polar_express",
    "polar_quintic",
    "polar_svd",
]

r"""Polar factors :math:`U V^\top` of :math:`X = U \Sigma V^\top`: the direction without the sizes.

All take stacks (..., m, n) of any shape, treat every matrix alone, and keep shape, dtype and
device; complex matrices have :math:`V^*` for :math:`V^\top`. By singular values the factor is
exact to rounding; on CUDA ``torch.linalg.svd`` itself waits for the host. The iterations apply an
odd polynomial to the singular values of :math:`X / \|X\|_F` by matrix products, fixed in number,
and wait for nothing. Zero stays zero, and the rank of the factor is that of the matrix; but an
iteration makes rounding along directions that the matrix lacks grow as small singular values do,
in 20 cubic or 8 Polar Express steps to 1e-12 in float64, 2e-4 in float32, and to full size in
bfloat16.

Arguments that all share:
    dtype: the precision to compute in. Default: float64 on the CPU and at least float32 elsewhere
        by singular values; in the iterations that of the matrix (bfloat16 is what Muon takes).
    check: look whether the values are finite. None: on the CPU only; True: always, waiting for the
        device; False: never. Unchecked, in the iterations a matrix with a NaN spares the others;
        ``svd`` may raise ``LinAlgError`` for the whole stack.

All raise TypeError for what is no tensor or number of the right kind, and ValueError for a wrong
shape, a value out of range, and (checked) a matrix that is not finite.
"""

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from .scaling import frobenius
from .stacks import Stack, check_damping, check_number, check_whole

QUINTIC = (3.4445, -4.7750, 2.0315)

# Best odd quintics for singular values in [1e-3, 1], each for what the ones before leave, as
# published; a test compares them with those that adaopt.linalg.quintics finds.
POLAR_EXPRESS = (
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    (3.3184196573706015, -2.488488024314874, 0.51004894012372),
    (2.300652019954817, -1.6689039845747493, 0.4188073119525673),
    (1.891301407787398, -1.2679958271945868, 0.37680408948524835),
    (1.8750014808534479, -1.2500016453999487, 0.3750001645474248),
    (1.875, -1.25, 0.375),
)


def polar_svd(
    x: Tensor,
    *,
    damping: float = 0.0,
    relative: bool = True,
    rank_deficient: str = "pinv",
    rtol: float | None = None,
    dtype: torch.dtype | None = None,
    check: bool | None = None,
) -> Tensor:
    r"""Polar factor by singular values, :math:`U f(\Sigma) V^\top`.

    .. math:: f(\sigma) = \sigma / \sqrt{\sigma^2 + \varepsilon},

    which is 1 without damping; with it the factor is :math:`(X X^\top + \varepsilon I)^{-1/2} X`.

    Args:
        x, dtype, check: see the module.
        damping: :math:`\varepsilon / \sigma_{\max}^2`, or :math:`\varepsilon` if not ``relative``.
        rank_deficient: "pinv" gives zero for singular values up to ``rtol`` times the largest, so
            that the factor is that of the compact SVD; "eps" keeps all and wants damping.
        rtol: default :math:`2 \sqrt{\max(m, n)}` times the eps of the dtype of ``x``.

    Accuracy: orthogonal to 1e-14 in float64, and to the rounding of the result in float32; with
    damping 1e-3 and 1e-6 likewise.

    Source: Higham (2008), ch. 8.
    """
    check_damping(damping, relative, rank_deficient)
    stack = Stack("x", x, dtype, check, factored=True)
    u, sigma, vh = torch.linalg.svd(stack.matrices.to(stack.dtype), full_matrices=False)
    top = sigma[:, :1]
    eps = damping * top**2 if relative else damping
    rtol = 2 * math.sqrt(max(stack.matrices.shape[1:])) * stack.eps if rtol is None else rtol
    check_number("rtol", rtol)
    kept = sigma > (rtol * top if rank_deficient == "pinv" else 0)
    f = sigma / torch.where(kept, sigma**2 + eps, math.inf).sqrt()
    return stack.back((u * f[:, None, :]) @ vh)


def polar_cubic(
    x: Tensor, steps: int = 20, *, dtype: torch.dtype | None = None, check: bool | None = None
) -> Tensor:
    r"""Polar factor by the cubic Newton-Schulz iteration, :math:`s \to \tfrac32 s - \tfrac12 s^3`.

    A small singular value grows 1.5 times a step; near 1 the distance to 1 is squared, times 3/2.

    Args:
        x, dtype, check: see the module.
        steps: default 20.

    Accuracy: for every :math:`s \ge` 0.01 of the Frobenius norm within 2e-15 of 1 after 20 steps,
    for :math:`s \ge` 0.001 within 7e-5. The factor itself, for :math:`s \ge` 0.01: 1e-13 in
    float64, 1e-5 in float32, 3e-2 in bfloat16 (spectral norm).

    Source: Kovarik (1970); Björck and Bowie (1971); Higham (2008), ch. 8.
    """
    check_whole("steps", steps)
    return odd_polynomials(x, [(1.5, -0.5, 0.0)] * steps, dtype=dtype, check=check)


def polar_quintic(
    x: Tensor, steps: int = 5, *, dtype: torch.dtype | None = None, check: bool | None = None
) -> Tensor:
    r"""Muon's quintic, :math:`s \to 3.4445 s - 4.7750 s^3 + 2.0315 s^5`: near the polar factor.

    Made for a fast start, it has no fixed point at 1: more steps do not bring it nearer.

    Args:
        x, dtype, check: see the module.
        steps: default 5.

    Accuracy: after 5 steps every :math:`s \ge` 0.01 lies in [0.68, 1.14], :math:`s \ge` 0.003 in
    [0.68, 1.21], smaller ones in [0, 1.21].

    Source: Jordan et al. (2024).
    """
    check_whole("steps", steps)
    return odd_polynomials(x, [QUINTIC] * steps, dtype=dtype, check=check)


def polar_express(
    x: Tensor,
    steps: int = 5,
    *,
    safety: float = 1.01,
    dtype: torch.dtype | None = None,
    check: bool | None = None,
) -> Tensor:
    r"""Polar factor by Polar Express: in each step the best quintic for what the last one left.

    Args:
        x, dtype, check: see the module.
        steps: default 5; from the eighth on the last quintic repeats, and it converges.
        safety: every quintic but the last of the table is taken at :math:`s` / ``safety``. Default
            1.01; without it (1) a singular value that bfloat16 rounds above the interval diverges.

    Accuracy: for :math:`s \ge` 0.001 within 0.16 of 1 after 5 steps, 6e-3 after 6, 1e-5 after 7,
    2e-15 after 8 (without safety 0.13, 2e-3, 2e-9). The factor itself, after 8 steps: 1e-13 in
    float64, 1e-5 in float32, 3e-2 in bfloat16 (spectral norm).

    Source: Amsel, Persson, Musco and Gower (2026).
    """
    check_whole("steps", steps)
    check_number("safety", safety, above_zero=True)
    return odd_polynomials(x, express_coefficients(steps, safety), dtype=dtype, check=check)


def express_coefficients(steps: int, safety: float = 1.01) -> list[tuple[float, float, float]]:
    """The coefficients (a, b, c) of every step of :func:`polar_express`."""
    table = [(a / safety, b / safety**3, c / safety**5) for a, b, c in POLAR_EXPRESS[:-1]]
    return (table + [POLAR_EXPRESS[-1]] * steps)[:steps]


def odd_polynomials(
    x: Tensor,
    coefficients: Iterable[tuple[float, float, float]],
    *,
    dtype: torch.dtype | None = None,
    check: bool | None = None,
) -> Tensor:
    r"""One odd quintic after another, from :math:`X / \|X\|_F`.

    .. math:: A = X X^\top, \qquad X \leftarrow a X + (b A + c A^2) X:

    a singular value :math:`s` becomes :math:`a s + b s^3 + c s^5`, singular vectors stay.

    Args:
        x, dtype, check: see the module. A tall matrix is transposed, so that A is small.
        coefficients: (a, b, c) of every step.
    """
    stack = Stack("x", x, dtype, check)
    y = (stack.matrices / frobenius(stack.matrices)).to(stack.dtype)
    tall = y.shape[1] > y.shape[2]
    y = iterated(y.mH if tall else y, coefficients)
    return stack.back(y.mH if tall else y)


def iterated(y: Tensor, coefficients: Iterable[tuple[float, float, float]]) -> Tensor:
    """The steps of :func:`odd_polynomials` on a stack (b, m, n), which it leaves as it is."""
    for a, b, c in coefficients:
        s = y @ y.mH
        q = torch.baddbmm(s, s, s, beta=b, alpha=c) if c else b * s  # b S + c S^2
        y = torch.baddbmm(y, q, y, beta=a)  # a Y + Q Y
    return y


def iterated_by_gram(y: Tensor, coefficients: Sequence[tuple[float, float, float]]) -> Tensor:
    r"""The same by the Gram matrix :math:`S = Y Y^\top` alone, for wide matrices of many columns.

    .. math:: P_k = a_k I + b_k S + c_k S^2, \qquad S \leftarrow P_k^2 S,

    and at the end :math:`Y \leftarrow P_5 \cdots P_1 Y`: of two products of length n in every step
    two in all remain. After five steps S is made anew, as rounding below zero grows. Singular
    values under the root of the rounding lose digits: where they fall to 1e-5, the factor after
    five steps is good to 5e-3 in float32 (spectral norm), to 1e-11 in float64; bfloat16 is too
    coarse.
    """
    for first in range(0, len(coefficients), 5):
        s, p, product = y @ y.mH, None, None
        for a, b, c in coefficients[first : first + 5]:
            s = s if p is None else p @ (p @ s)
            p = torch.baddbmm(s, s, s, beta=b, alpha=c)
            p.diagonal(0, 1, 2).add_(a)
            product = p if product is None else p @ product
        y = product @ y
    return y


POLAR_FACTORS = {
    "svd": polar_svd,
    "cubic": polar_cubic,
    "quintic": polar_quintic,
    "express": polar_express,
}

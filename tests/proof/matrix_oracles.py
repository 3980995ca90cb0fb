"""Matrix methods once more, by other means than either edition's.

Generators as in :mod:`tests.proof.oracles`, of whole arrays: Shampoo's roots are one Kronecker
product that multiplies the gradient written as a vector, Muon's iteration is its polynomial on
singular values. NumPy's linear algebra is all they share with the reading edition.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import reduce
from itertools import count

import numpy as np

Array = np.ndarray
Arrays = Generator[Array, Array, None]


def power(S: Array, p: float) -> Array:
    """Of a symmetric matrix by its singular values; what is rounding of zero stays zero."""
    u, s, vt = np.linalg.svd(S)
    kept = s > 1e-14 * s.max(initial=0)
    return u @ np.diag(np.where(kept, np.where(kept, s, 1) ** p, 0)) @ vt


def along(root: Array, g: Array, axis: int) -> Array:
    """Every line of the array along an axis, multiplied by the matrix."""
    return np.apply_along_axis(lambda line: root @ line, axis, g)


def whole(roots: list[Array], summed: bool) -> Array:
    """One matrix for the gradient as a vector: the product of the roots of all dimensions, or the
    square of their mean."""
    if not summed:
        return reduce(np.kron, roots)
    parts = [
        reduce(np.kron, [root if i == j else np.eye(len(other)) for j, other in enumerate(roots)])
        for i, root in enumerate(roots)
    ]
    return np.linalg.matrix_power(sum(parts) / len(parts), 2)


def shampoo(
    x,
    lr,
    beta,
    eps,
    exponent,
    betas,
    momentum,
    nesterov,
    weight_decay,
    grafting,
    graft_eps,
    bias_correction,
    precondition_frequency,
    start_step,
    variant="product",
) -> Arrays:
    """Gupta, Koren and Singer (2018), algorithm 2, with the averages, the grafting and the two
    momenta of Shi et al. (2023). ``variant``: "paper" of CASPR, Duvvuri et al. (2024), or
    "algoperf", what was submitted to AlgoPerf v0.5 under this name."""
    (b1, b2), shape = betas, x.shape or (1,)
    sums = before = [np.zeros((n, n)) for n in shape]
    roots = [np.eye(n) for n in shape]
    usual = {"product": 1 / (2 * len(shape)), "paper": 1 / 4, "algoperf": 1 / 2}[variant]
    m = v = velocity = 0.0
    for t in count(1):
        g = left = (yield x).reshape(shape)
        for i, n in enumerate(shape):
            lines = np.moveaxis(left, i, -1).reshape(-1, n)
            new = sum((np.outer(line, line) for line in lines), np.zeros((n, n)))
            mean = beta * sums[i] + (1 - beta) * new
            sums = [*sums[:i], sums[i] + new if beta == 1 else mean, *sums[i + 1 :]]
            if variant == "algoperf":
                left = along(roots[i], left, i) / np.sqrt(n)
        if t >= start_step and (t - start_step) % precondition_frequency == 0:
            fade = 1 - beta**t if bias_correction and beta < 1 else 1.0
            damped = [S / fade + eps * np.eye(len(S)) for S in sums]
            roots = [power(S, -(exponent or usual)) for S in damped]
            if variant == "algoperf":
                old, before, scale = before, sums, 1.0
                for i, (S, P, root) in enumerate(zip(sums, old, roots, strict=True)):
                    sums = [*sums[:i], scale * S, *sums[i + 1 :]]
                    scale *= np.trace(root @ (P + eps * np.eye(len(P))) @ root) / len(P)
        m = b1 * m + (1 - b1) * g
        u = (b1 * m + (1 - b1) * g if grafting == "nadam" else m) / (1 - b1**t)
        v = v + g**2 if grafting == "adagrad" else b2 * v + (1 - b2) * g**2
        v_hat = v / (1 - b2**t) if grafting in ("adam", "nadam") else v
        a = d = u if grafting in (None, "sgd") else u / (np.sqrt(v_hat) + graft_eps)
        if t >= start_step:
            d = (whole(roots, variant == "paper") @ u.ravel()).reshape(shape)
        if grafting and np.any(d):
            d = d * (np.sqrt((a**2).sum()) / np.sqrt((d**2).sum()))
        velocity = momentum * velocity + (1 - momentum) * d
        d = momentum * velocity + (1 - momentum) * d if nesterov else velocity
        x = x - lr * (d.reshape(x.shape) + weight_decay * x)


def caspr(x, variant, **hyper) -> Arrays:
    """Duvvuri et al. (2024): see :func:`shampoo`."""
    return shampoo(x, variant=variant, **hyper)


def muon(
    x,
    lr,
    weight_decay,
    momentum,
    nesterov,
    ns_coefficients,
    eps,
    ns_steps,
    adjust_lr_fn,
    polar,
    row_beta,
    cautious,
) -> Arrays:
    """Jordan et al. (2024); Polar Express with the published table of its coefficients; rows and
    decay as in the NanoGPT speedrun of 2026."""
    from adaopt.torch.matrix.polar import express_coefficients

    rows = len(x) if x.ndim else 1
    columns = x.size // rows
    table = [ns_coefficients] * ns_steps
    if polar == "polar_express":
        table = express_coefficients(ns_steps)
    longer, shorter = max(rows, columns), min(rows, columns)
    size = {"match_rms_adamw": 0.2 * longer**0.5, "unit_rms": longer**0.5}
    m, v = 0.0, np.zeros(longer)
    while True:
        g = yield x
        m = momentum * m + (1 - momentum) * g
        n = (1 - momentum) * g + momentum * m if nesterov else m
        u, s, vt = np.linalg.svd(n.reshape(rows, columns), full_matrices=False)
        t = s / max(eps, np.sqrt((s**2).sum()))
        for a, b, c in table:
            t = a * t + b * t**3 + c * t**5
        t = np.ones(shorter) if polar == "svd" else t
        o = sum(t[i] * np.outer(u[:, i], vt[i]) for i in range(shorter))
        if row_beta is not None:
            lines = o if rows >= columns else o.T
            v = row_beta * v + (1 - row_beta) * np.array([f @ f / len(f) for f in lines])
            even = np.diag(np.maximum(v, 1e-10) ** -0.5) @ lines
            even = even * (np.sqrt((o**2).sum()) / np.sqrt((even**2).sum()))
            o = even if rows >= columns else even.T
        step = size.get(adjust_lr_fn, max(1, rows / columns) ** 0.5) * o.reshape(x.shape)
        inward = np.sign(step) * np.sign(x) >= 0
        decay = np.where(inward, x, 0) if cautious else x
        x = x - lr * step - lr * weight_decay * decay

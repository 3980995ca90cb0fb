"""The coefficients of Polar Express: the odd quintics that take singular values nearest to 1."""

import numpy as np
from numpy import ndarray as Array


def best_quintics(steps: int, lower: float = 1e-3, cushion: float = 0.02407327424182761) -> Array:
    r"""Polar Express's coefficients (a, b, c) of every step, (steps, 3).

    The first quintic is nearest to 1 on [``lower``, 1], the next on what the first makes of that
    interval, :math:`[l, u]`, and so on; no other composition comes nearer. So that a first step
    does not leave gaps, none is fitted below ``cushion`` times u; then it is scaled so that its
    values at both ends lie equally far from 1. Source: Amsel et al. (2026), algorithm 1.
    """
    low, high, table = lower, 1.0, []
    for _ in range(steps):
        quintic = _nearest_to_one(max(low, cushion * high), high)
        quintic *= 2 / (_value(quintic, low) + _value(quintic, high))
        low = _value(quintic, low)
        high = 2 - low
        table.append(quintic)
    return np.array(table)


def _nearest_to_one(low: float, high: float) -> Array:
    r"""The odd quintic of least :math:`\max |1 - p(s)|` on [low, high], by Remez's exchange.

    Its error has one size E and alternating signs at both ends and at the two extrema between.
    """
    if high - low < 1e-6:  # the limit around 1: its value there is 1, two derivatives are 0
        return np.array([15, -10, 3]) / 8
    inner = np.array([0.75 * low + 0.25 * high, 0.25 * low + 0.75 * high])
    for _ in range(10):
        s = np.array([low, *inner, high])
        a, b, c, _ = np.linalg.solve(np.column_stack([s, s**3, s**5, [1, -1, 1, -1]]), np.ones(4))
        inner = np.sqrt(np.sort(np.roots([5 * c, 3 * b, a])))  # where a + 3 b s^2 + 5 c s^4 = 0
    return np.array([a, b, c])


def _value(quintic: Array, s: float) -> float:
    return quintic @ np.array([s, s**3, s**5])

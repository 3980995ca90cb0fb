"""Figures of lecture 4: Adam."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from adaopt.figures.style import GREY, PALETTE, WIDTH, label_lines, method_style


def first_steps(lengths: Mapping[str, tuple[str, np.ndarray]]) -> Figure:
    """Length of the k-th step over the learning rate, for a gradient that never changes.

    ``lengths`` maps a label to a catalog key and the lengths; runs of one key differ by opacity.
    """
    fig, ax = plt.subplots()
    used: list[str] = []
    for label, (key, values) in lengths.items():
        style = method_style(key) | {"label": label, "alpha": 0.55 ** used.count(key)}
        used.append(key)
        ax.plot(np.arange(1, len(values) + 1), values, **style)
    ax.set(xlabel="step $k$", ylabel=r"length of the step over $\alpha$", yscale="log", xscale="log")
    ax.set_yticks([0.1, 0.3, 1, 3, 10], ["0.1", "0.3", "1", "3", "10"])
    ax.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1000"])
    label_lines(ax)
    return fig


def online_game(xs: Mapping[str, np.ndarray], regrets: Mapping[str, np.ndarray]) -> Figure:
    """Where the players stand, and their regret per round, by catalog key."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.2))
    for key in xs:
        k = np.arange(1, len(xs[key]) + 1)
        left.semilogx(k, xs[key], **method_style(key))
        right.loglog(k, regrets[key] / k, **method_style(key))
    for y, name in ((-1, "best"), (1, "worst")):
        left.axhline(y, color=GREY, lw=0.8)
        left.text(1, y - 0.1 * y, name, color=GREY, fontsize=9, va="center")
    left.set(xlabel="round $k$", ylabel="$x_k$", title="the path")
    right.set(xlabel="round $k$", title="regret per round")
    label_lines(right)
    return fig


def border(periods: Sequence[int], gaps: Sequence[float], defaults: Sequence[float]) -> Figure:
    """The border of beta2 against the period, its law 4 / P^2, and some betas in use."""
    fig, ax = plt.subplots()
    p = np.asarray(periods)
    ax.loglog(p, 4 / p**2, color=GREY, lw=1, label="$4 / P^2$")
    ax.loglog(p, gaps, "o", color=PALETTE["vermilion"], ms=5, label="_border")
    for beta in defaults:
        ax.axhline(1 - beta, color=GREY, lw=0.7, ls=":")
        ax.text(p[0], (1 - beta) * 1.15, rf"$\beta_2 = {beta}$", color=GREY, fontsize=9)
    ax.text(p[-3], 0.3, "drifts to the worst point", ha="center")
    ax.text(p[1], 3e-5, "drifts to the best point", ha="center")
    ax.set(xlabel="period $P$: rounds between two large gradients", ylabel=r"$1 - \beta_2$")
    label_lines(ax)
    return fig


def group_losses(losses: Mapping[str, np.ndarray], groups: Sequence[str], xlabel: str) -> Figure:
    """Loss by group, frequent to rare: median and range over the seeds.

    ``losses`` maps a catalog key to an array (seeds, groups).
    """
    fig, ax = plt.subplots()
    for key, values in losses.items():
        style = method_style(key)
        ax.plot(groups, np.median(values, axis=0), marker="o", ms=4, **style)
        band = values.min(axis=0), values.max(axis=0)
        ax.fill_between(groups, *band, color=style["color"], alpha=0.15, lw=0)
    ax.set(xlabel=xlabel, ylabel="mean loss", ylim=(0, None))
    label_lines(ax)
    return fig

"""Figures of lecture 6: races on a surface, what each successor changes, the fair comparison."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from adaopt.catalog import card
from adaopt.figures.style import GREY, PALETTE, WIDTH, label_lines, method_style
from adaopt.problems.surfaces import Surface
from adaopt.training import Trace


def surface_race(surface: Surface, traces: Mapping[str, Trace], lowest: float = 1e-4) -> Figure:
    """Two panels: the paths on the contours of a surface, and f against the step.

    ``traces`` has one run per catalog key. Values below ``lowest`` or above 1e4 are not drawn.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.8), width_ratios=(1, 1.1))
    grid = np.array(np.meshgrid(*(np.linspace(*side, 160) for side in surface.window)))
    left.contour(
        *grid, surface.f(grid), levels=4.0 ** np.arange(-3, 7), colors="#C4C4C4", linewidths=0.6
    )
    for key, trace in traces.items():
        style = method_style(key)
        left.plot(*trace.iterates.T, lw=1, **style)
        values = np.where(trace.values < 1e4, np.maximum(trace.values, lowest), np.nan)
        right.loglog(trace.steps + 1, values, **style)
    left.plot(*surface.start, "o", color=GREY, markerfacecolor="white", zorder=3)
    left.plot(*surface.minimizer, "*", color=PALETTE["vermilion"], markersize=11, zorder=3)
    (x, y), title = surface.window, "paths; ring: start, star: minimizer"
    left.set(xlim=x, ylim=y, xlabel="$x_1$", ylabel="$x_2$", title=title)
    right.set(ylim=(lowest, 1e4), xlabel="$k + 1$", ylabel="$f(x_k)$")
    label_lines(right)
    return fig


def order_before_and_after(
    before: Mapping[str, float], after: Mapping[str, float], titles: tuple[str, str]
) -> Figure:
    """Each method's place and value in two rankings, joined by a line; an infinite value diverged.

    Both map catalog keys to what is to be small.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 3.6))
    places = [sorted(values, key=values.get) for values in (before, after)]
    for key in before:
        style, at = method_style(key), [order.index(key) for order in places]
        ax.plot([0, 1], at, marker="o", **style)
        for x, values, align in ((0, before, "right"), (1, after, "left")):
            value = f"{values[key]:.1g}" if np.isfinite(values[key]) else "diverged"
            words = (style["label"], value) if x else (value, style["label"])
            ax.text(x + (x - 0.5) / 12, at[x], "   ".join(words), ha=align, va="center")
    ax.set(xlim=(-0.75, 1.75), ylim=(len(before) - 0.5, -0.9), xticks=[], yticks=[])
    for x, title in enumerate(titles):
        ax.text(x, -0.7, title, ha="center", color=GREY)
    ax.spines[:].set_visible(False)
    ax.grid(visible=False)
    return fig


def comparison(results: Mapping[str, Mapping[str, tuple[str, np.ndarray]]], xlabel: str) -> Figure:
    """A panel for each problem, a row for each method: a dot for each seed, a bar at the median.

    ``results`` maps a problem and a method's label to a catalog key and the values by seed, in
    multiples of the best median.
    """
    size = WIDTH, 3.9
    fig, axes = plt.subplots(1, len(results), figsize=size, sharey=True, sharex=True)
    for ax, (problem, rows) in zip(axes, results.items(), strict=True):
        for row, (key, values) in enumerate(rows.values()):
            ax.semilogx(values, np.full(len(values), row), "o", ms=3.5, color=card(key).color)
            ax.plot(np.median(values), row, "|", ms=13, mew=1.8, color="black")
        ax.axvline(1, color=GREY, lw=0.8, ls=":")
        ax.set(yticks=range(len(rows)), yticklabels=list(rows), title=problem)
    axes[0].set_xticks([0.5, 1, 2, 5], ["0.5", "1", "2", "5"])
    axes[0].minorticks_off()
    axes[0].invert_yaxis()
    fig.supxlabel(xlabel, fontsize=plt.rcParams["axes.labelsize"])
    return fig

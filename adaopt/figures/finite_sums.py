"""Figures of lecture 1: gradient descent and SGD on finite sums."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from adaopt.figures.style import GREY, PALETTE, WIDTH, label_lines, method_style
from adaopt.problems import FiniteSum
from adaopt.training import Trace

GAP = r"gap $f(x_k) - f^\star$"
PASSES = "passes over the data (gradients / n)"
LINESTYLES = ("-", "--", ":", "-.")
MARKERS = ("o", "s", "^", "D")


def step_limit(traces: Mapping[str, Trace], minimum: float) -> Figure:
    """The gap of gradient descent against the iteration, one labelled line per step size."""
    fig, ax = plt.subplots()
    for linestyle, (label, trace) in zip(LINESTYLES, traces.items(), strict=False):
        style = method_style("gd") | {"linestyle": linestyle, "label": label}
        ax.semilogy(trace.steps, trace.values - minimum, **style)
    ax.set(xlabel="iteration $k$", ylabel=GAP)
    label_lines(ax)
    return fig


def sgd_paths(problem: FiniteSum, traces: Mapping[str, Trace]) -> Figure:
    """Two panels for a problem in the plane: the paths on contours of f, and the gaps.

    ``traces`` has one run per catalog key.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.6))
    _contours(left, problem, np.vstack([trace.iterates for trace in traces.values()]))
    for key, trace in traces.items():
        left.plot(*trace.iterates.T, lw=1, **method_style(key))
        gaps = trace.values - problem.minimum
        right.semilogy(trace.evaluations / problem.n, gaps, lw=1, **method_style(key))
    left.plot(*problem.minimizer, "*", color=PALETTE["vermilion"], markersize=11, zorder=3)
    left.set(xlabel="$x_1$", ylabel="$x_2$", title=r"paths; the star is $x^\star$")
    right.set(xlabel=PASSES, ylabel=GAP, title="the same runs by their cost")
    label_lines(right)
    return fig


def noise_floor(floors: Mapping[int, tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Figure:
    """Mean gap of SGD at rest against the step size, one line per batch size.

    ``floors`` maps a batch size to step sizes, measured gaps and predicted gaps.
    """
    fig, ax = plt.subplots()
    color = method_style("sgd")["color"]
    for marker, (batch, (steps, measured, predicted)) in zip(MARKERS, floors.items(), strict=False):
        ax.loglog(steps, predicted, color=GREY, lw=1, label="_theory")
        ax.loglog(steps, measured, color=color, lw=0, marker=marker, label=f"$B = {batch}$")
    ax.set(xlabel=r"step size $\alpha$", ylabel="mean gap at rest")
    ax.set_title("markers: measured; lines: the prediction, with no free constant")
    label_lines(ax)
    return fig


def step_schedules(runs: Mapping[str, Sequence[Trace]], minimum: float, n: int) -> Figure:
    """The gap of SGD under several step schedules, mean over the seeds."""
    fig, ax = plt.subplots()
    for linestyle, (label, traces) in zip(LINESTYLES, runs.items(), strict=False):
        style = method_style("sgd") | {"linestyle": linestyle, "label": label}
        gaps = np.mean([trace.values for trace in traces], axis=0) - minimum
        ax.loglog(traces[0].evaluations[1:] / n, gaps[1:], **style)  # the start is at 0 passes
    ax.set(xlabel=PASSES, ylabel=GAP)
    label_lines(ax)
    return fig


def race(runs: Mapping[str, tuple[str, Sequence[Trace]]], minimum: float, n: int) -> Figure:
    """The gap by gradient evaluations and by the clock.

    ``runs`` maps a label to a catalog key and the traces of several seeds; the line is their mean,
    the band reaches from the least to the most. Runs of one key differ by line style.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.4), sharey=True)
    used: list[str] = []
    for label, (key, traces) in runs.items():
        style = method_style(key) | {"label": label, "linestyle": LINESTYLES[used.count(key)]}
        used.append(key)
        gaps = np.array([trace.values for trace in traces]) - minimum
        seconds = np.median([trace.seconds for trace in traces], axis=0)
        for ax, x in ((left, traces[0].evaluations / n), (right, seconds)):
            ax.loglog(x[1:], gaps.mean(axis=0)[1:], **style)  # the start is at 0 passes
            band = gaps.min(axis=0)[1:], gaps.max(axis=0)[1:]
            ax.fill_between(x[1:], *band, color=style["color"], alpha=0.15, lw=0)
    left.set(xlabel=PASSES, ylabel=GAP, title="by counted work")
    right.set(xlabel="time in steps (s, this machine)", title="by the clock")
    left.legend(loc="lower left")
    return fig


def _contours(ax: Axes, problem: FiniteSum, points: np.ndarray, resolution: int = 80) -> None:
    """Contours of f around the points, with levels that are even in the square root of the gap."""
    points = np.vstack([points, problem.minimizer])
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.12 * (high - low)
    first, second = np.linspace(low - margin, high + margin, resolution).T
    values = np.array([[problem.f(np.array([u, v])) for u in first] for v in second])
    levels = problem.minimum + np.linspace(0, np.sqrt(values.max() - problem.minimum), 9)[1:] ** 2
    ax.contour(first, second, values, levels=levels, colors="#B8B8B8", linewidths=0.7)

"""Figures of lecture 9: polynomials on singular values, and training with matrix methods."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from adaopt.figures.style import GREY, PALETTE, WIDTH, label_lines, method_style

COLORS = ("black", "vermilion", "blue", "green")
LINESTYLES = ("-", "--", "-.", ":")


def singular_value_maps(
    sigma: np.ndarray,
    maps: Mapping[str, np.ndarray],
    errors: Mapping[str, tuple[np.ndarray, np.ndarray]],
    steps: int,
) -> Figure:
    """What iterations make of singular values in some steps, and how far they end from 1.

    ``maps`` holds the values at ``sigma`` after ``steps`` by label, ``errors`` matrix products and
    largest distances to 1.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.4))
    for color, linestyle, label in zip(COLORS, LINESTYLES, maps, strict=False):
        style = {"color": PALETTE[color], "linestyle": linestyle, "label": label, "lw": 1.3}
        left.semilogx(sigma, maps[label], **style)
        right.semilogy(*errors[label], **style)
    left.axhline(1, color=GREY, lw=0.8)
    left.set(xlabel="singular value before", ylabel=f"after {steps} steps", ylim=(0, 1.4))
    right.set(xlabel="matrix products", ylabel="largest distance to 1", ylim=(1e-9, 3))
    fig.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig


def loss_races(
    tasks: Mapping[str, Mapping[str, tuple[np.ndarray, float]]], targets: Mapping[str, float]
) -> Figure:
    """Training loss against the step and against seconds, a row for each task.

    A task maps catalog keys to losses (seeds, steps) and seconds per step. The line is the mean
    over the seeds, the band reaches from the least to the most, a grey line is the target.
    """
    fig, axes = plt.subplots(len(tasks), 2, figsize=(WIDTH, 2.9 * len(tasks)), squeeze=False)
    for (task, runs), (left, right) in zip(tasks.items(), axes, strict=True):
        for key, (losses, seconds) in runs.items():
            style, steps = method_style(key), np.arange(1, losses.shape[1] + 1)
            for ax, x in ((left, steps), (right, seconds * steps)):
                ax.plot(x, losses.mean(0), **style)
                band = losses.min(0), losses.max(0)
                ax.fill_between(x, *band, color=style["color"], alpha=0.15, lw=0)
        for ax in (left, right):
            ax.axhline(targets[task], color=GREY, lw=0.8, label="_target")
        left.set(xlabel="step", ylabel="training loss", title=task)
        right.set(xlabel="seconds (this machine)", title="by the clock")
        label_lines(left)
    return fig

"""Figures of lecture 11: images, what is confused with what, and every method of the course."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from adaopt.catalog import CARDS
from adaopt.figures.style import GREY, WIDTH, label_lines


def image_row(images: np.ndarray, titles: Sequence[str], note: str) -> Figure:
    """Images (n, height, width) in rows of five, black on white, each with its title."""
    rows = -(-len(images) // 5)
    fig, axes = plt.subplots(rows, 5, figsize=(WIDTH, 1.75 * rows), squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for ax, image, title in zip(axes.flat, images, titles, strict=False):
        ax.imshow(image, cmap="gray_r")
        ax.set_title(title, fontsize=8, loc="center")
    fig.supxlabel(note, fontsize=8, color=GREY)
    return fig


def confusion(counts: np.ndarray, names: Sequence[str], note: str) -> Figure:
    """How often the class of a row was taken for that of a column, (C, C); zeros are left out."""
    fig, ax = plt.subplots(figsize=(WIDTH, 5.0))
    wrong = np.where(np.eye(len(names), dtype=bool), 0, counts)
    ax.imshow(wrong, cmap="Oranges", vmax=1.5 * wrong.max())
    for row, column in np.argwhere(counts):
        weight = "bold" if row == column else "normal"
        text = f"{counts[row, column]:.0f}"
        ax.text(column, row, text, ha="center", va="center", fontsize=8, weight=weight)
    ax.set_xticks(range(len(names)), names, rotation=40, ha="right")
    ax.set_yticks(range(len(names)), names)
    ax.set(xlabel=f"what the network says\n{note}", ylabel="what it is")
    ax.grid(visible=False)
    return fig


def families(panels: Mapping[str, Mapping[str, tuple]], **settings: object) -> Figure:
    """Panels in two columns, each with a line per method, in a band over the rows (seeds) of y.

    ``panels`` maps a title to ``{catalog key: (x, y)}``; ``settings`` are for ``Axes.set``.
    """
    rows = -(-len(panels) // 2)
    fig, axes = plt.subplots(rows, 2, figsize=(WIDTH, 2.9 * rows), sharex=True, sharey=True)
    for ax, (title, lines) in zip(axes.flat, panels.items(), strict=True):
        for key, (x, y) in lines.items():
            card, y = CARDS[key], np.atleast_2d(y)
            look = {"color": card.color, "linestyle": card.linestyle, "label": card.name}
            ax.plot(x, y.mean(axis=0), **look)
            ax.fill_between(x, y.min(axis=0), y.max(axis=0), color=card.color, alpha=0.15, lw=0)
        ax.set(title=title, **settings)
    for ax in axes.flat:
        label_lines(ax)
    for ax in axes[:-1].flat:
        ax.set_xlabel("")
    for ax in axes[:, 1:].flat:
        ax.set_ylabel("")
    return fig


def rankings(groups: Mapping[str, Mapping[str, np.ndarray]], xlabel: str) -> Figure:
    """One line per method with the mean and range of each group, in the order of the first one."""
    fig, ax = plt.subplots(figsize=(WIDTH, 6.4))
    first = next(iter(groups.values()))
    order = sorted(first, key=lambda key: np.mean(first[key]))
    for (label, values), marker in zip(groups.items(), "o^s", strict=False):
        for place, key in enumerate(order):
            mean, low, high = (f(values[key]) for f in (np.mean, np.min, np.max))
            color = CARDS[key].color if values is first else GREY
            ax.plot([low, high], [place, place], color=color)
            ax.plot(mean, place, marker, color=color, ms=6, label=label if place == 0 else None)
    ax.set_yticks(range(len(order)), [CARDS[key].name for key in order])
    ax.set(xlabel=xlabel)
    ax.legend(loc="upper left")
    return fig

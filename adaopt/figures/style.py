"""The one look of the course: fonts, sizes, palette, and one colour and line style per method."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes

from adaopt.catalog import card

# Okabe and Ito's eight colours, told apart by every common kind of colour vision.
PALETTE = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "purple": "#CC79A7",
}
GREY = "#6B6B6B"
WIDTH = 7.0  # inches: the text column of the book

STYLE = {
    "figure.figsize": (WIDTH, 3.4),
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.facecolor": "white",
    "axes.prop_cycle": cycler(color=[c for n, c in PALETTE.items() if n != "yellow"]),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.grid": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.6,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "font.size": 10,
    "font.family": "DejaVu Sans",
    "lines.linewidth": 1.6,
    "legend.frameon": False,
    "legend.fontsize": 9,
}


def use_style() -> None:
    """Make every later figure look like the course's."""
    plt.rcParams.update(STYLE)


def method_style(key: str) -> dict[str, str]:
    """Colour, line style and label of the method with this catalog key, for ``Axes.plot``."""
    entry = card(key)
    return {"color": entry.color, "linestyle": entry.linestyle, "label": entry.name}


def label_lines(ax: Axes, gap: float = 1.35) -> None:
    """Write each line's label at its right end, in its colour, instead of a legend.

    Labels that would touch are moved apart, ``gap`` times the font's height.
    """
    lines = [line for line in ax.get_lines() if not line.get_label().startswith("_")]
    ends = [_last_visible(line.get_xydata()) for line in lines]
    height = gap * plt.rcParams["legend.fontsize"] * ax.figure.dpi / 72
    ax.figure.draw_without_rendering()
    wanted = np.array([ax.transData.transform(end)[1] for end in ends])
    order, placed = np.argsort(wanted), wanted.copy()
    for below, above in pairwise(order):
        placed[above] = max(placed[above], placed[below] + height)
    placed -= np.mean(placed - wanted) if len(placed) else 0
    for line, end, pixels in zip(lines, ends, placed, strict=True):
        shift = (pixels - ax.transData.transform(end)[1]) * 72 / ax.figure.dpi
        ax.annotate(
            line.get_label(),
            end,
            xytext=(6, shift),
            textcoords="offset points",
            color=line.get_color(),
            va="center",
            fontsize=plt.rcParams["legend.fontsize"],
            annotation_clip=False,
        )


def _last_visible(points: np.ndarray) -> tuple[float, float]:
    finite = points[np.isfinite(points).all(axis=1)]
    return tuple(finite[-1])

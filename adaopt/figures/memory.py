"""Figures of lecture 12: the memory of training."""

from collections.abc import Mapping, Sequence
from itertools import accumulate

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from adaopt.figures.style import GREY, PALETTE, WIDTH

GB = 1e9
COLORS = ("blue", "orange", "green", "purple", "sky", "vermilion")
HATCHES = ("", "///", "...", "xx", "\\\\\\", "++")


def memory_bars(
    rows: Mapping[str, Mapping[str, float]], limit: float | None = None, label: str = ""
) -> Figure:
    """Stacked horizontal bars in GB, one a row, with the row's total at its end.

    ``rows`` maps a row's name to bytes by part; parts are told apart by colour and hatching. A line
    with ``label`` stands at ``limit`` bytes.
    """
    parts = list(dict.fromkeys(part for row in rows.values() for part in row))
    fig, ax = plt.subplots(figsize=(WIDTH, 1.2 + 0.42 * len(rows)))
    places = np.arange(len(rows))[::-1]
    left = np.zeros(len(rows))
    for part, color, hatch in zip(parts, COLORS, HATCHES, strict=False):
        sizes = np.array([row.get(part, 0) for row in rows.values()]) / GB
        look = {"color": PALETTE[color], "hatch": hatch, "edgecolor": "white", "lw": 0.5}
        ax.barh(places, sizes, left=left, height=0.62, label=part, **look)
        left += sizes
    for place, total in zip(places, left, strict=True):
        ax.text(total, place, f" {total:.1f}", va="center", fontsize=9)
    if limit is not None:
        ax.axvline(limit / GB, color=GREY, ls="--", lw=1.2)
        ax.text(limit / GB, len(rows) - 0.45, f" {label}", color=GREY, fontsize=9)
    ax.set_yticks(places, list(rows))
    ax.set(xlabel="GB", xlim=(0, 1.1 * max(left.max(), (limit or 0) / GB)))
    ax.set_axisbelow(True)
    ax.grid(visible=False, axis="y")
    fig.legend(loc="outside lower center", ncols=3)
    return fig


def memory_over_time(traces: Mapping[str, Sequence[int]]) -> Figure:
    """What is alive during one step: forward pass up, backward pass down.

    ``traces`` maps a label to the sizes of the events in order, negative where memory is given
    back. The horizontal axis is the share of the events, so that traces of different length
    compare.
    """
    fig, ax = plt.subplots()
    styles = zip(("-", "--", ":"), ("blue", "vermilion", "green"), strict=True)
    for (label, sizes), (linestyle, color) in zip(traces.items(), styles, strict=False):
        live = np.fromiter(accumulate(sizes), float) / GB
        ax.plot(np.linspace(0, 1, len(live)), live, linestyle, color=PALETTE[color], label=label)
    ax.set(xlabel="allocations and releases of one step, in order", ylabel="alive (GB)")
    ax.set_xticks([0, 1], ["start", "end"])
    ax.set(ylim=(0, None))
    ax.legend()
    return fig


def segment_lengths(
    saved: Mapping[str, Sequence[float]],
    peaks: Mapping[str, Sequence[float]],
    traced: Mapping[str, Mapping[int, float]],
) -> Figure:
    """Bytes saved and peak against the layers of a checkpointed segment, one panel per attention.

    ``saved`` and ``peaks`` hold the formulas at 1, 2, ... layers, ``traced`` some measured peaks.
    """
    fig, axes = plt.subplots(1, len(saved), figsize=(WIDTH, 3.3), sharey=True)
    for ax, kind in zip(np.atleast_1d(axes), saved, strict=True):
        k = np.arange(1, len(saved[kind]) + 1)
        ax.plot(k, np.array(saved[kind]) / GB, "--", color=PALETTE["blue"], label="saved")
        ax.plot(k, np.array(peaks[kind]) / GB, color=PALETTE["vermilion"], label="peak, formula")
        points = np.array(list(traced[kind].values())) / GB
        ax.plot(list(traced[kind]), points, "o", color=PALETTE["black"], label="peak, traced")
        ax.set(xscale="log", yscale="log", title=f"{kind} attention", xlabel="layers per segment")
        ax.set_xticks([1, 2, 4, 7, 12, 24, 48], ["1", "2", "4", "7", "12", "24", "48"])
        ax.minorticks_off()
        ax.set_yticks([5, 10, 20, 50, 100, 200], ["5", "10", "20", "50", "100", "200"])
    np.atleast_1d(axes)[0].set_ylabel("GB")
    np.atleast_1d(axes)[0].legend(loc="upper left")
    return fig

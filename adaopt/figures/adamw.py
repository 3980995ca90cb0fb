"""Figures of lecture 5: AdamW."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from adaopt.figures.style import PALETTE, WIDTH


def tuning_tables(panels: Mapping[str, Mapping[float, Mapping[float, float]]]) -> Figure:
    """Loss against weight decay (across) and learning rate (up), one panel for each method.

    ``panels`` maps a title to the means of :class:`adaopt.training.Tuned` by weight decay. All
    panels share their colours, dark is low, and the lowest square is framed.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(WIDTH, 3.2), sharey=True)
    tables = [np.array([list(column.values()) for column in p.values()]).T for p in panels.values()]
    limits = {
        "vmin": min(t.min() for t in tables),
        "vmax": max(t.min(axis=0).max() for t in tables),
    }
    for ax, (title, panel), table in zip(axes, panels.items(), tables, strict=True):
        shown = ax.imshow(table, cmap="viridis", origin="lower", aspect="auto", **limits)
        row, column = np.unravel_index(table.argmin(), table.shape)
        frame = plt.Rectangle(
            (column - 0.5, row - 0.5), 1, 1, fill=False, ec=PALETTE["black"], lw=2
        )
        ax.add_patch(frame)
        for (i, j), value in np.ndenumerate(table):
            ink = "white" if value < np.mean(list(limits.values())) else "black"
            ax.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=8, color=ink)
        ax.set_xticks(range(len(panel)), [f"{decay:.1g}" for decay in panel])
        rates = next(iter(panel.values()))
        ax.set_yticks(range(len(rates)), [f"{lr:.1g}" for lr in rates])
        ax.set(title=title, xlabel=r"weight decay $\lambda$")
        ax.grid(visible=False)
    axes[0].set_ylabel(r"learning rate $\alpha$")
    fig.colorbar(shown, ax=axes, label="test loss")
    return fig

"""Figures of lecture 5: AdamW."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from adaopt.figures.style import WIDTH


def tuning_tables(panels: Mapping[str, Mapping[float, Mapping[float, float]]]) -> Figure:
    """Loss against weight decay (across) and learning rate (up), one panel for each method.

    ``panels`` maps a title to weight decays, these to learning rates, and these to losses. The
    lowest loss of a panel is light and in bold type; all panels share their colours.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(WIDTH, 3.0), sharey=True)
    tables = [np.array([list(rates.values()) for rates in p.values()]).T for p in panels.values()]
    low, high = min(t.min() for t in tables), 2 * max(t.min() for t in tables)
    for ax, (title, panel), table in zip(axes, panels.items(), tables, strict=True):
        ax.imshow(table, cmap="Blues", origin="lower", aspect="auto", vmin=low, vmax=high)
        for (i, j), value in np.ndenumerate(table):
            weight = "bold" if value == table.min() else "normal"
            ink = "black" if value < (low + high) / 2 else "white"
            ax.text(j, i, f"{value:.2f}", ha="center", va="center", color=ink, weight=weight)
        ax.set_xticks(range(len(panel)), [f"{decay:.2g}" for decay in panel], fontsize=7)
        rates = next(iter(panel.values()))
        ax.set_yticks(range(len(rates)), [f"{lr:.2g}" for lr in rates])
        ax.set(title=title, xlabel=r"weight decay $\lambda$")
        ax.grid(visible=False)
    axes[0].set_ylabel(r"learning rate $\alpha$")
    return fig

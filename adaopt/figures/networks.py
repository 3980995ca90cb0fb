"""Figures of lecture 10: what an optimizer sees of a network."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from adaopt.figures.style import PALETTE, WIDTH


def landscapes(panels: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Contours of the loss on planes through the weights, one panel each, on one scale.

    ``panels`` maps a title to the places along both directions, (n,), and the losses (n, n), rows
    along the second direction. The star is the middle, where the weights are.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(WIDTH, 3.1), sharey=True, squeeze=False)
    values = np.concatenate([losses.ravel() for _, losses in panels.values()])
    levels = np.geomspace(values.min(), values.max(), 16)
    for ax, (title, (places, losses)) in zip(axes[0], panels.items(), strict=True):
        look = {"levels": levels, "norm": LogNorm(levels[0], levels[-1])}
        filled = ax.contourf(places, places, losses, cmap="cividis", extend="both", **look)
        ax.contour(places, places, losses, colors="white", linewidths=0.6, **look)
        ax.plot(0, 0, "*", color=PALETTE["vermilion"], markeredgecolor="white", markersize=13)
        ax.grid(visible=False)
        ax.set(title=title, xlabel="along direction 1", aspect="equal")
    axes[0, 0].set_ylabel("along direction 2")
    bar = fig.colorbar(filled, ax=axes, label="loss", format="%.2g")
    bar.set_ticks(levels[::3])
    bar.minorticks_off()
    return fig

"""Lines against a number: the figures of lectures 2 and 3."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from adaopt.catalog import CARDS
from adaopt.figures.style import PALETTE, WIDTH, label_lines


def curves(*panels: Mapping[str, Any], sharey: bool = False) -> Figure:
    """Panels side by side: each has ``lines``, and what ``Axes.set`` takes.

    ``lines`` maps a label to a catalog key (or a colour of the palette), x, y, and if wanted a
    format of ``Axes.plot`` such as ``":"``. A y with several rows, one for each seed, is drawn as
    their median, in a band from the least to the most.
    """
    size = WIDTH, 3.4
    fig, axes = plt.subplots(1, len(panels), figsize=size, squeeze=False, sharey=sharey)
    for ax, panel in zip(axes[0], panels, strict=True):
        settings = dict(panel)
        for label, (key, x, y, *form) in settings.pop("lines").items():
            color = PALETTE[key] if key in PALETTE else CARDS[key].color
            form = form or [CARDS[key].linestyle if key in CARDS else "-"]
            rows = np.atleast_2d(y)
            ax.plot(x, np.median(rows, axis=0), *form, color=color, label=label)
            ax.fill_between(x, rows.min(axis=0), rows.max(axis=0), color=color, alpha=0.15, lw=0)
        ax.set(**settings)
    for ax in axes[0]:
        label_lines(ax)
    return fig

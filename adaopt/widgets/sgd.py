"""SGD on a finite sum in the plane: its path, and what each component gradient buys."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from adaopt import problems
from adaopt.catalog import card
from adaopt.numpy import build
from adaopt.training import DivergenceError, Trace, minimize
from adaopt.widgets.explorer import explorer, ipywidgets

if TYPE_CHECKING:
    from ipywidgets import VBox
    from matplotlib.figure import Figure

# As in book/_static/live/figures.js: step sizes in units of 1/L, 30 passes over the data.
STEPS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.2, 1.5, 1.8, 1.99, 2.01, 2.2, 2.5, 3)
PASSES = 30
START = np.array([-1.0, 1.0])
WINDOW = (-1.5, 3.0), (-2.0, 1.6)


def sgd_explorer(step: float = 0.2, batch: int = 1, seed: int = 1) -> VBox:
    """Sliders for step size, batch size and seed above the figure of :func:`sgd_figure`.

    Args:
        step: step size at the start, in units of 1/L; one of ``STEPS``.
        batch: terms per gradient at the start, 1 to 12; 12 is the full gradient.
        seed: of the minibatches at the start, 1 to 30.

    Raises:
        ImportError: ipywidgets is missing; the message says how to install it.
    """
    widgets = ipywidgets("sgd_explorer")
    style = {"description_width": "9em"}
    sliders = {
        "step": widgets.SelectionSlider(
            options=[(f"{s:g} / L", s) for s in STEPS], value=step, description="Step size α"
        ),
        "batch": widgets.IntSlider(batch, 1, problems.plane().n, description="Batch size B"),
        "seed": widgets.IntSlider(seed, 1, 30, description="Seed"),
    }
    for slider in sliders.values():
        slider.style, slider.continuous_update = style, False
    return explorer(sgd_figure, sliders)


def sgd_figure(step: float, batch: int, seed: int) -> tuple[Figure, str]:
    """The picture of one run on ``adaopt.problems.plane()`` and one sentence that says its end.

    Args:
        step: step size in units of 1/L.
        batch: terms per gradient, drawn with replacement; 12 takes the full gradient.
        seed: of the minibatches.
    """
    import matplotlib
    from matplotlib.figure import Figure

    from adaopt.figures.style import GREY, PALETTE, STYLE

    problem, color = problems.plane(), card("sgd").color
    trace, finding = _run(step, batch, seed)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9, 3.8))
        plane, value = figure.subplots(1, 2)
        plane.contour(*_landscape(), levels=2.5 ** np.arange(-4, 5.0), colors=GREY, linewidths=0.5)
        plane.plot(*trace.iterates.T, ".-", color=color, linewidth=1, markersize=3)
        plane.plot(*START, "o", color="black", markerfacecolor="white", label="start")
        plane.plot(*trace.x, "o", color="black", label="end")
        star = {"color": PALETTE["vermilion"], "markersize": 11, "label": "minimizer x*"}
        plane.plot(*problem.minimizer, "*", **star)
        plane.set(xlim=WINDOW[0], ylim=WINDOW[1], xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
        plane.legend(loc="lower left", frameon=True)
        value.semilogy(trace.evaluations, trace.values - problem.minimum, color=color)
        value.set(xlim=(0, PASSES * problem.n), ylim=(1e-6, 100))
        value.set(xlabel="component gradients evaluated", ylabel=r"$f(x) - f^\star$")
    return figure, finding


def _run(step: float, batch: int, seed: int) -> tuple[Trace, str]:
    problem = problems.plane()
    rule = build("sgd", lr=step / problem.smoothness)
    size = None if batch == problem.n else batch
    steps, rng = PASSES * problem.n // batch, np.random.default_rng(seed)
    try:
        trace = minimize(problem, rule, START, steps, rng, batch_size=size, limit=1e6)
    except DivergenceError as error:
        return error.trace, f"At evaluation {error.step * batch} the run {error}"
    gap = trace.values - problem.minimum
    return trace, (
        f"After {trace.evaluations[-1]} component gradients ({steps} steps) f(x) - f* is "
        f"{gap[-1]:.3g}; it began at {gap[0]:.3g}."
    )


@cache
def _landscape() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The grid of the contour plot and the gap f(x) - f* on it."""
    problem = problems.plane()
    x, y = (np.linspace(*side, 61) for side in WINDOW)
    gap = np.array([[problem.f(np.array([u, v])) for u in x] for v in y]) - problem.minimum
    return x, y, gap

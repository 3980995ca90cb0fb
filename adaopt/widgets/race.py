"""A race of methods on a surface of two variables: their paths and their values."""

from typing import TYPE_CHECKING

import numpy as np

from adaopt.catalog import card
from adaopt.numpy import build
from adaopt.problems import Beale, Himmelblau, Quadratic, Rosenbrock, Surface
from adaopt.training import DivergenceError, Trace, minimize
from adaopt.widgets.explorer import explorer, ipywidgets

if TYPE_CHECKING:
    from ipywidgets import VBox
    from matplotlib.figure import Figure

# As in book/_static/live/setup.js.
MANTISSAS = (1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.3, 8)
RATES = (*(float(f"{m}e{e}") for e in range(-5, 1) for m in MANTISSAS), 10.0)
FIRST = {"gd": 1.6, "momentum": 0.2, "adagrad": 0.5, "rmsprop": 0.05, "adam": 0.2}
SURFACES = {s.name: s for s in (Rosenbrock, Beale, Himmelblau)}
MENUS = {
    "problem": (["quadratic", *SURFACES], "quadratic"),
    "condition": ([1, 2, 5, 10, 20, 50, 100, 200, 500, 1000], 20),
    "angle": ([0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 60, 75, 90], 0),
    "steps": ([20, 50, 100, 200, 500, 1000, 2000], 100),
}


def race_explorer(**rates: float) -> "VBox":
    """Menus for the problem and a slider of the step size for each method, above the race.

    Args:
        rates: catalog key and first step size of each method; default five of lectures 1 to 4.

    Raises:
        ImportError: ipywidgets is missing; the message says how to install it.
    """
    widgets = ipywidgets("race_explorer")
    style = {"description_width": "9em"}
    controls = {
        name: widgets.Dropdown(options=options, value=start, description=name, style=style)
        for name, (options, start) in MENUS.items()
    }
    for key, lr in (rates or FIRST).items():
        options = [(f"{rate:g}", rate) for rate in sorted({*RATES, lr})]
        controls[key] = widgets.SelectionSlider(
            options=options, value=lr, description=card(key).name, style=style
        )
    return explorer(race_figure, controls)


def race_figure(
    problem: str, condition: float, angle: float, steps: int, **rates: float
) -> "tuple[Figure, str]":
    """The picture of one race from the surface's own start, and one sentence that says its end.

    Args:
        problem: "quadratic" (with its condition number and its angle in degrees), "Rosenbrock",
            "Beale" or "Himmelblau".
        steps: how many steps each method takes.
        rates: catalog key and step size of each method.
    """
    import matplotlib
    from matplotlib.figure import Figure

    from adaopt.figures.style import GREY, STYLE, method_style

    surface = SURFACES[problem]() if problem in SURFACES else Quadratic(condition, angle)
    runs = {key: _run(surface, key, lr, steps) for key, lr in rates.items()}
    x = np.meshgrid(*(np.linspace(*side, 81) for side in surface.window))
    heights = surface.f(np.array(x))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9, 4.2))
        plane, value = figure.subplots(1, 2)
        levels = np.unique(np.quantile(heights, np.linspace(0.1, 0.9, 9) ** 2))
        plane.contour(*x, heights, levels=levels, colors=GREY, linewidths=0.5)
        for key, (trace, _) in runs.items():
            plane.plot(*trace.iterates.T, **method_style(key))
            value.semilogy(trace.steps, trace.values, **method_style(key))
        plane.plot(*surface.minimizers.T, "k*", markersize=11)
        plane.plot(*surface.start, "ko", markerfacecolor="white")
        left, bottom = surface.window
        plane.set(xlim=left, ylim=bottom, xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
        value.set(xlabel="step k", ylabel=r"$f(x) - f^\star$", ylim=(1e-12, 1e4))
        value.legend()
    return figure, _finding(runs, steps)


def _run(surface: Surface, key: str, lr: float, steps: int) -> tuple[Trace, int | None]:
    """The trace, and the step at which it diverged."""
    try:
        return minimize(surface, build(key, lr=lr), surface.start, steps, limit=1e6), None
    except DivergenceError as error:
        return error.trace, error.step


def _finding(runs: dict[str, tuple[Trace, int | None]], steps: int) -> str:
    ends = {card(key).name: trace.value for key, (trace, step) in runs.items() if step is None}
    best = min(ends, key=ends.get, default="")
    lost = [f"{card(key).name} diverges at step {step}." for key, (_, step) in runs.items() if step]
    said = [f"After {steps} steps {best} is lowest: f(x) - f* = {ends[best]:.3g}."] if ends else []
    return " ".join(said + lost)

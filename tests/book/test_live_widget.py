"""The explorers of a live kernel: moving a slider computes another picture."""

import sys

import numpy as np
import pytest

from adaopt import memory, problems
from adaopt.numpy import build
from adaopt.training import minimize
from adaopt.widgets import (
    memory_explorer,
    memory_figure,
    race,
    race_explorer,
    race_figure,
    sgd_explorer,
    sgd_figure,
)

NODE = 'const { setup } = require("./setup.js");'


def parts(explorer):
    *sliders, picture, finding = explorer.children
    return sliders, picture, finding


@pytest.mark.parametrize(("index", "value"), [(0, 0.5), (1, 3), (2, 2)])
def test_moving_a_slider_changes_picture_and_words(index, value):
    sliders, picture, finding = parts(sgd_explorer())
    before = bytes(picture.value), finding.value
    assert before[0].startswith(b"\x89PNG")
    sliders[index].value = value
    assert bytes(picture.value) != before[0]
    assert finding.value != before[1]


def test_the_picture_shows_the_run():
    figure, finding = sgd_figure(step=0.5, batch=12, seed=1)
    path = figure.axes[0].lines[0].get_xydata()
    evaluations, gaps = figure.axes[1].lines[0].get_data()
    plane = problems.plane()
    x = path[0]
    for point in path:
        np.testing.assert_allclose(point, x, rtol=1e-12)
        x = x - 0.5 / plane.smoothness * plane.grad(x)
    assert evaluations[-1] == 360
    assert f"{gaps[-1]:.3g}" in finding


def test_divergence_is_said_plainly():
    _, finding = sgd_figure(step=3, batch=12, seed=1)
    assert finding.startswith("At evaluation 132 the run diverged at step 11:")


@pytest.mark.parametrize("explorer", [sgd_explorer, memory_explorer, race_explorer])
def test_missing_ipywidgets_is_named(monkeypatch, explorer):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    needed = f"{explorer.__name__} needs ipywidgets: pip install ipywidgets"
    with pytest.raises(ImportError, match=needed):
        explorer()


# The memory budget.


def test_the_budget_says_what_the_package_says():
    _, sentence = memory_figure(
        "gpt2-xl", 1, 1024, "adamw", "fp16", "flash", 0, zero=0, devices=1, room=32
    )
    total = memory.model_states("gpt2-xl").total + memory.peak_formula(
        "gpt2-xl", 1, attention="flash"
    )
    assert sentence == f"Each device needs {total / 1e9:.2f} GB: that fits into 32 GB."


def test_every_menu_of_the_budget_changes_picture_or_words():
    grid, picture, finding = memory_explorer().children
    menus = {menu.description: menu for menu in grid.children}
    menus["ZeRO stage"].value, menus["Devices"].value = 1, 4
    for menu in menus.values():
        before = bytes(picture.value), finding.value
        menu.value = menu.options[0 if menu.value == menu.options[-1] else -1]
        assert (bytes(picture.value), finding.value) != before, menu.description


# The race.


def test_every_control_of_the_race_changes_the_picture():
    *controls, picture, finding = race_explorer(gd=1.0, adam=0.003).children
    assert [control.description for control in controls[4:]] == ["GD", "Adam"]
    assert controls[5].value == 0.003
    for control in controls[::-1]:
        before = bytes(picture.value), finding.value
        values = [option[1] if isinstance(option, tuple) else option for option in control.options]
        control.value = values[values.index(control.value) + 1]
        assert bytes(picture.value) != before[0], control.description


def test_the_race_shows_the_runs_and_says_who_diverged():
    figure, finding = race_figure("Rosenbrock", 1, 0, 60, adam=0.3, momentum=0.003)
    surface = problems.Rosenbrock()
    trace = minimize(surface, build("adam", lr=0.3), surface.start, 60)
    plane, value = figure.axes
    np.testing.assert_array_equal(plane.lines[0].get_xydata(), trace.iterates)
    np.testing.assert_array_equal(value.lines[0].get_ydata(), trace.values)
    assert finding == (
        f"After 60 steps Adam is lowest: f(x) - f* = {trace.value:.3g}. "
        "Momentum diverges at step 5."
    )


def test_the_menus_of_the_race_are_those_of_the_page(js):
    rates, first = js("return [setup.SETTINGS.lr.values, setup.read({})]")
    assert list(race.RATES) == rates
    assert {run["key"]: run["hyper"]["lr"] for run in first["runs"]} == race.FIRST
    start = {name: start for name, (_, start) in race.MENUS.items()}
    assert start == {"problem": first["problem"], "steps": first["steps"], **first["values"]}

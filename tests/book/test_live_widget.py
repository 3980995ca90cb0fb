"""The explorer of a live kernel: moving a slider computes another picture."""

import sys

import numpy as np
import pytest

from adaopt import memory, problems
from adaopt.widgets import memory_explorer, memory_figure, sgd_explorer, sgd_figure


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


def test_missing_ipywidgets_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(ImportError, match="pip install ipywidgets"):
        sgd_explorer()


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

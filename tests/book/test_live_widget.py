"""The explorer of a live kernel: moving a slider computes another picture."""

import sys

import numpy as np
import pytest

from adaopt import problems
from adaopt.widgets import sgd_explorer, sgd_figure


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

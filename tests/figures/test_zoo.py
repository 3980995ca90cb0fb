"""The figures of lecture 6: what is drawn, and what lies outside is not."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from adaopt import figures, problems
from adaopt.numpy import SGD
from adaopt.training import DivergenceError, minimize


@pytest.fixture(autouse=True)
def style():
    with matplotlib.rc_context():
        figures.use_style()
        yield
    plt.close("all")


def lines(ax):
    return {x.get_label(): x for x in ax.get_lines() if not x.get_label().startswith("_")}


def test_a_run_that_diverges_is_drawn_up_to_the_top_of_the_picture():
    surface = problems.Rosenbrock()
    calm = minimize(surface, SGD(lr=1e-4), surface.start, 50)
    with pytest.raises(DivergenceError) as caught:
        minimize(surface, SGD(lr=0.01), surface.start, 50)
    fig = figures.surface_race(surface, {"gd": calm, "momentum": caught.value.trace})
    left, right = fig.axes
    drawn = lines(right)["Momentum"].get_ydata()
    assert np.nanmax(drawn) < 1e4 and np.isnan(drawn[-1])
    assert np.array_equal(lines(right)["GD"].get_ydata(), calm.values)
    assert np.array_equal(lines(left)["GD"].get_xydata(), calm.iterates)
    assert left.get_xlim() == surface.window[0]


def test_two_orders_are_joined_method_by_method():
    before = {"gd": 1.0, "adam": 2.0, "momentum": np.inf}
    after = {"gd": 3.0, "adam": 1.0, "momentum": 2.0}
    fig = figures.order_before_and_after(before, after, ("shared", "tuned"))
    (ax,) = fig.axes
    places = {label: list(line.get_ydata()) for label, line in lines(ax).items()}
    assert places == {"GD": [0, 2], "Adam": [1, 0], "Momentum": [2, 1]}
    words = [text.get_text() for text in ax.texts]
    assert sum("diverged" in text for text in words) == 1
    assert {"shared", "tuned"} <= set(words)


def test_the_comparison_shows_every_seed_and_the_median():
    values = np.array([1.0, 3.0, 2.0])
    rows = {"Adam, cosine": ("adam", values), "Lion": ("lion", 2 * values)}
    fig = figures.comparison({"digits": rows, "words": rows}, "times the best")
    for ax, title in zip(fig.axes, ("digits", "words"), strict=True):
        dots, bar, *_ = ax.get_lines()
        assert ax.get_title(loc="left") == title
        assert np.array_equal(dots.get_xdata(), values)
        assert bar.get_xdata() == [2.0]
    assert [t.get_text() for t in fig.axes[0].get_yticklabels()] == list(rows)

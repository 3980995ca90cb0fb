"""Figures draw what they are given, in the colours of the catalog, with labels a reader needs."""

import io

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from adaopt import figures, problems
from adaopt.catalog import CARDS
from adaopt.numpy import SGD
from adaopt.training import minimize


@pytest.fixture(autouse=True)
def style():
    with matplotlib.rc_context():
        figures.use_style()
        yield
    plt.close("all")


@pytest.fixture(scope="module")
def plane():
    return problems.plane()


def run(plane, seed=0, steps=40):
    return minimize(
        plane, SGD(lr=0.1), np.ones(2), steps, np.random.default_rng(seed), batch_size=1
    )


def drawn(ax):
    """The labelled lines of an axes."""
    return {x.get_label(): x for x in ax.get_lines() if not x.get_label().startswith("_")}


def texts(ax):
    return [text.get_text() for text in ax.texts]


@pytest.mark.parametrize("key", CARDS)
def test_a_method_looks_as_its_card_says(key):
    assert figures.method_style(key) == {
        "color": CARDS[key].color,
        "linestyle": CARDS[key].linestyle,
        "label": CARDS[key].name,
    }


def test_cards_take_their_colours_from_the_palette():
    assert {card.color for card in CARDS.values()} <= set(figures.PALETTE.values())


def test_the_background_is_opaque_white():
    fig, _ = plt.subplots()
    file = io.BytesIO()
    fig.savefig(file, format="png")
    corner = plt.imread(io.BytesIO(file.getvalue()))[0, 0]
    assert corner.tolist() == [1, 1, 1, 1]


def test_step_limit_draws_gaps_and_labels_lines_directly(plane):
    traces = {"short": run(plane), "long": run(plane, 1)}
    (ax,) = figures.step_limit(traces, 0.01).axes
    assert sorted(texts(ax)) == ["long", "short"]
    assert ax.get_yscale() == "log" and "iteration" in ax.get_xlabel() and "gap" in ax.get_ylabel()
    for label, line in drawn(ax).items():
        np.testing.assert_array_equal(line.get_ydata(), traces[label].values - 0.01)
    assert len({line.get_linestyle() for line in drawn(ax).values()}) == 2


def test_sgd_paths_draws_the_iterates_and_the_minimizer(plane):
    traces = {"gd": run(plane), "sgd": run(plane, 1)}
    left, right = figures.sgd_paths(plane, traces).axes
    for key, trace in traces.items():
        line = drawn(left)[CARDS[key].name]
        np.testing.assert_array_equal(line.get_xydata(), trace.iterates)
        assert to_hex(line.get_color()).upper() == CARDS[key].color.upper()
        gap = drawn(right)[CARDS[key].name]
        np.testing.assert_array_equal(gap.get_xdata(), trace.evaluations / plane.n)
    star = left.get_lines()[-1].get_xydata()
    np.testing.assert_array_equal(star[0], plane.minimizer)
    assert "passes" in right.get_xlabel()


def test_noise_floor_draws_measurement_as_markers_and_theory_as_lines():
    steps, measured, predicted = np.array([[0.1, 0.2], [1.1, 2.3], [1.0, 2.0]])
    (ax,) = figures.noise_floor({4: (steps, measured, predicted)}).axes
    theory, marks = ax.get_lines()
    np.testing.assert_array_equal(theory.get_ydata(), predicted)
    np.testing.assert_array_equal(marks.get_ydata(), measured)
    assert marks.get_linewidth() == 0 and marks.get_marker() != "None"
    assert texts(ax) == ["$B = 4$"]


def test_step_schedules_draws_the_mean_over_seeds(plane):
    traces = [run(plane, seed) for seed in range(3)]
    (ax,) = figures.step_schedules({"constant": traces}, plane.minimum, plane.n).axes
    mean = np.mean([trace.values for trace in traces], axis=0) - plane.minimum
    np.testing.assert_allclose(drawn(ax)["constant"].get_ydata(), mean[1:], rtol=1e-12)
    assert texts(ax) == ["constant"]


def test_race_draws_mean_and_range_by_work_and_by_the_clock(plane):
    traces = [run(plane, seed) for seed in range(3)]
    runs = {"B = 1": ("sgd", traces), "B = 8": ("sgd", traces), "GD": ("gd", traces[:1])}
    left, right = figures.race(runs, plane.minimum, plane.n).axes
    assert [text.get_text() for text in left.get_legend().get_texts()] == list(runs)
    assert "passes" in left.get_xlabel() and "(s" in right.get_xlabel()
    seconds = np.median([trace.seconds for trace in traces], axis=0)
    np.testing.assert_array_equal(drawn(right)["B = 1"].get_xdata(), seconds[1:])
    one, eight, gd = (drawn(left)[label] for label in runs)
    assert one.get_color() == eight.get_color() != gd.get_color()
    assert one.get_linestyle() != eight.get_linestyle()
    assert len(left.collections) == 3, "one band per method"


def test_labels_that_would_touch_are_moved_apart():
    fig, ax = plt.subplots()
    for label, height in (("a", 1.0), ("b", 1.0), ("c", 1.001)):
        ax.plot([0, 1], [0, height], label=label)
    figures.label_lines(ax)
    fig.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


# Lecture 12.


def test_memory_bars_end_at_the_total_of_their_row():
    rows = {"first": {"a": 1e9, "b": 2e9}, "second": {"b": 4e9}}
    figure = figures.memory_bars(rows, 3.5e9, "limit")
    (ax,) = figure.axes
    ends = [
        max(p.get_x() + p.get_width() for p in bars) for bars in zip(*ax.containers, strict=True)
    ]
    assert ends == [3.0, 4.0]
    assert [text.get_text().strip() for text in ax.texts] == ["3.0", "4.0", "limit"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["first", "second"]


def test_memory_over_time_adds_the_events_up():
    (ax,) = figures.memory_over_time({"steps": [2e9, 3e9, -2e9, -3e9]}).axes
    (line,) = ax.get_lines()
    np.testing.assert_array_equal(line.get_ydata(), [2, 5, 3, 0])


def test_segment_lengths_draw_formula_and_trace():
    saved, peaks = {"eager": [3e9, 2e9, 1e9]}, {"eager": [3e9, 5e9, 7e9]}
    (ax,) = figures.segment_lengths(saved, peaks, {"eager": {1: 3e9, 3: 8e9}}).axes
    first, second, marks = ax.get_lines()
    np.testing.assert_array_equal(first.get_ydata(), [3, 2, 1])
    np.testing.assert_array_equal(second.get_ydata(), [3, 5, 7])
    np.testing.assert_array_equal(marks.get_xydata(), [[1, 3], [3, 8]])


def test_curves_draws_lines_bands_and_settings():
    x, rows = np.arange(1, 4), np.array([[1.0, 2, 3], [3, 3, 3], [2, 2, 9]])
    left = {"lines": {"AdaGrad": ("adagrad", x, rows)}, "xlabel": "k", "yscale": "log"}
    right = {"lines": {"law": ("black", x, x, ":"), "dots": ("sgd", x, 2 * x, "o")}}
    one, two = figures.curves(left, right).axes
    (line,) = drawn(one).values()
    np.testing.assert_array_equal(line.get_ydata(), [2, 2, 3])
    assert to_hex(line.get_color()).upper() == CARDS["adagrad"].color.upper()
    assert (one.get_xlabel(), one.get_yscale()) == ("k", "log")
    lowest, highest = one.collections[0].get_paths()[0].get_extents().get_points()[:, 1]
    assert (lowest, highest) == (1, 9)
    assert drawn(two)["law"].get_linestyle() == ":" and drawn(two)["dots"].get_marker() == "o"
    assert sorted(texts(two)) == ["dots", "law"]

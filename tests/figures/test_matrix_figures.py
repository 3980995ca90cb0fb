"""The figures of lecture 9 draw what they are given."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from adaopt import figures
from adaopt.catalog import CARDS


@pytest.fixture(autouse=True)
def style():
    with matplotlib.rc_context():
        figures.use_style()
        yield
    plt.close("all")


def test_singular_value_maps_draw_values_and_errors():
    sigma = np.geomspace(0.01, 1, 5)
    maps = {"a": sigma**2, "b": sigma**0.5}
    errors = {"a": ([2, 4], [0.5, 0.1]), "b": ([3, 6], [0.4, 0.2])}
    left, right = figures.singular_value_maps(sigma, maps, errors, 7).axes
    assert "7 steps" in left.get_ylabel() and "products" in right.get_xlabel()
    for label, line, error in zip(maps, left.get_lines(), right.get_lines(), strict=False):
        np.testing.assert_array_equal(line.get_xydata(), np.transpose([sigma, maps[label]]))
        np.testing.assert_array_equal(error.get_xydata(), np.transpose(errors[label]))
        assert line.get_color() == error.get_color()
    (legend,) = left.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b"]


def test_loss_races_draw_mean_and_range_by_step_and_by_second():
    losses = np.array([[3.0, 2.0], [5.0, 1.0]])
    runs = {"adamw": (losses, 0.1), "sgd": (losses + 1, 0.2)}
    figure = figures.loss_races({"first": runs, "second": runs}, {"first": 1.5, "second": 2.5})
    assert len(figure.axes) == 4
    for (left, right), target in zip((figure.axes[:2], figure.axes[2:]), (1.5, 2.5), strict=True):
        for line, clocked, (key, (values, seconds)) in zip(
            left.get_lines(), right.get_lines(), runs.items(), strict=False
        ):
            assert to_hex(line.get_color()).upper() == CARDS[key].color.upper()
            np.testing.assert_array_equal(
                line.get_xydata(), np.column_stack([[1, 2], values.mean(0)])
            )
            np.testing.assert_allclose(clocked.get_xdata(), seconds * np.array([1, 2]))
        assert list(left.get_lines()[-1].get_ydata()) == [target, target]
        assert len(left.collections) == 2, "one band per method"
    assert [text.get_text() for text in figure.axes[0].texts] == ["AdamW", "SGD"]

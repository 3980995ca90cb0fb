"""The tables of lecture 5: every loss in its square, the lowest of a panel in bold."""

import matplotlib

matplotlib.use("agg")

from adaopt import figures


def test_losses_stand_in_their_squares_and_the_lowest_is_bold():
    losses = {0.1: {0.5: 1.0, 2.0: 3.0}, 0.2: {0.5: 4.0, 2.0: 0.25}, 0.3: {0.5: 2.0, 2.0: 2.5}}
    fig = figures.tuning_tables({"first": losses, "second": {0.7: {0.5: 9.0, 2.0: 8.0}}})
    left, right = fig.axes
    squares = {t.get_position(): (t.get_text(), t.get_weight()) for t in left.texts}
    assert squares[1, 1] == ("0.25", "bold")  # second decay, second rate
    assert squares[0, 1] == ("3.00", "normal") and squares[2, 0] == ("2.00", "normal")
    assert [t.get_text() for t in left.get_xticklabels()] == ["0.1", "0.2", "0.3"]
    assert [t.get_text() for t in left.get_yticklabels()] == ["0.5", "2"]
    assert [t.get_text() for t in right.texts if t.get_weight() == "bold"] == ["8.00"]
    assert (left.get_title(), right.get_title()) == ("first", "second")

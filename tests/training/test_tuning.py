"""`tune` chooses from the grid by the mean over seeds, and never reports a value on the edge."""

import numpy as np
import pytest

from adaopt import problems
from adaopt.numpy import SGD
from adaopt.training import DivergenceError, minimize, tune

GRID = 2.0 ** np.arange(-3, 4)


def valley(at):
    """A score that is least at ``at``, the same for every seed."""
    return lambda value, seed: abs(np.log2(value) - at)


def test_the_best_value_is_inside_and_the_table_holds_every_score():
    found = tune(valley(1), GRID)
    assert found.best == 2.0 and found.extended == ()
    assert list(found.scores) == list(GRID)
    assert found.means == {v: abs(np.log2(v) - 1) for v in GRID}
    np.testing.assert_array_equal(found.report, np.zeros(5))


@pytest.mark.parametrize(("at", "beyond"), [(5, (16, 32, 64)), (-4, (2**-4, 2**-5))])
def test_the_grid_is_extended_by_its_own_factor(at, beyond):
    found = tune(valley(at), GRID)
    assert found.best == 2.0**at
    assert found.extended == beyond
    assert list(found.scores) == sorted({*GRID, *beyond})


def test_a_best_value_that_stays_on_the_edge_is_refused():
    with pytest.raises(ValueError, match=r"the best value, 32, is on the edge.*widen it"):
        tune(valley(9), GRID, extend=2)


def test_the_mean_over_seeds_decides_and_the_report_takes_other_seeds():
    def score(value, seed):
        seen.append((value, seed))
        return [5.0, 1.0, 2.0][seed] if value == 1 else [0.0, 3.1, 9.0][seed] if value == 2 else 4

    seen = []
    found = tune(score, [0.5, 1, 2, 4], seeds=[0, 1], report=[2])
    assert found.best == 2 and found.means[2] == 1.55
    np.testing.assert_array_equal(found.report, [9.0])
    assert seen[-1] == (2.0, 2) and all(seed < 2 for _, seed in seen[:-1])


def test_a_run_that_diverges_or_gives_nan_loses():
    def score(value, seed):
        if value > 2:
            raise DivergenceError("diverged")
        return np.nan if value == 2 else 1 / value + 0.1 * seed

    found = tune(score, [0.25, 0.5, 1, 2, 4])
    assert found.best == 1
    assert found.means[2] == found.means[4] == np.inf
    with pytest.raises(ValueError, match=r"no value from 4 to 16 has a finite score"):
        tune(score, [4, 8, 16])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"grid": [1, 2]}, "at least three"),
        ({"grid": [1, 1, 2]}, "at least three"),
        ({"grid": [0, 1, 2]}, "numbers > 0"),
        ({"grid": [1, 2, np.inf]}, "numbers > 0"),
        ({"seeds": []}, "at least one seed"),
        ({"report": []}, "at least one seed"),
    ],
)
def test_wrong_arguments(change, message):
    with pytest.raises(ValueError, match=message):
        tune(**{"score": valley(0), "grid": GRID} | change)


def test_gradient_descent_is_tuned_to_the_best_step_of_a_quadratic():
    surface = problems.Quadratic(condition=10)

    def gap(lr, seed):
        return minimize(surface, SGD(lr=lr), surface.start, 40).value

    found = tune(gap, 2.0 ** np.arange(-6, 4), seeds=[0], report=[0])
    assert found.best == 1.0  # 2 / (L + mu) = 1.8; 2 is past the border
    assert found.report[0] == found.means[1.0]

"""Step rules and the line search."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaopt import problems, schedules
from adaopt.schedules import Backtracking


def test_rules_by_hand():
    assert [schedules.constant(0.5)(k) for k in (0, 7)] == [0.5, 0.5]
    assert [schedules.inverse(0.5)(k) for k in (0, 1, 4)] == [0.5, 0.25, 0.1]
    assert [schedules.inverse(0.5, k0=4.0)(k) for k in (0, 4, 12)] == [0.5, 0.25, 0.125]
    assert [schedules.inverse_sqrt(0.5)(k) for k in (0, 3, 8)] == [0.5, 0.25, 0.5 / 3]
    assert schedules.inverse_sqrt(1.0, k0=2.0)(6) == 0.5


@pytest.mark.parametrize("rule", [schedules.inverse, schedules.inverse_sqrt])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1.0,), "lr must be a number > 0, not -1.0"),
        ((1.0, 0.0), "k0 must be a number > 0, not 0.0"),
    ],
)
def test_bad_arguments_are_refused_when_the_rule_is_made(rule, arguments, message):
    with pytest.raises(ValueError, match=message):
        rule(*arguments)
    with pytest.raises(ValueError, match="lr must be a number > 0, not nan"):
        schedules.constant(float("nan"))


def test_backtracking_by_hand_counts_its_evaluations():
    # f = x^2 at x = 1, g = 2: a step of 2 or 1 does not lower f, a step of 0.5 hits the minimum
    search = Backtracking(lr=2.0)
    assert search(lambda x: float(x @ x), np.array([1.0]), np.array([2.0])) == 0.5
    assert search.evaluations == 1 + 3
    assert search.lr == 1.0  # grows again at the next call
    assert Backtracking(lr=0.125)(lambda x: float(x @ x), np.ones(1), 2 * np.ones(1)) == 0.125


@given(
    seed=st.integers(0, 99), lr=st.sampled_from([1e-6, 1.0, 1e6]), c=st.sampled_from([1e-4, 0.3])
)
def test_accepted_steps_satisfy_armijo_and_the_next_longer_one_did_not(seed, lr, c):
    p = problems.plane()
    x = np.random.default_rng(seed).normal(size=2)
    g, search = p.grad(x), Backtracking(lr=lr, c=c)
    step = search(p.f, x, g)

    def armijo(t):
        return p.f(x - t * g) <= p.f(x) - c * t * (g @ g)

    assert armijo(step)
    assert step == lr or not armijo(step / search.shrink)
    assert search.lr == 2 * step


def test_search_accepts_at_the_rounding_level_of_f_without_collapsing():
    p = problems.diabetes()
    search = Backtracking()
    x = p.minimizer + 1e-10
    steps = []
    for _ in range(20):
        steps.append(search(p.f, x, p.grad(x)))
        x = x - steps[-1] * p.grad(x)
    assert p.f(x) <= p.minimum * (1 + 1e-14)
    assert min(steps) > 0.1 / p.smoothness
    assert search(p.f, x, np.zeros(10)) == search.lr / 2  # a zero gradient: any step will do


def test_an_ascent_direction_is_an_error_not_an_endless_loop():
    p = problems.plane()
    x = np.array([2.0, 2.0])
    with pytest.raises(ValueError, match=r"no step along -g .* is g, of norm .*, the grad"):
        Backtracking()(p.f, x, -p.grad(x))
    with pytest.raises(ValueError, match=r"f\(x\) is nan"):
        Backtracking()(lambda x: float("nan"), x, x)
    with pytest.raises(ValueError, match="no step along -g"):
        Backtracking()(lambda x: 1.0 if x is start else float("nan"), start := np.ones(1), start)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lr": 0}, "lr must be a number > 0"),
        ({"shrink": 1.0}, "shrink and c must be below 1"),
        ({"c": 1.0}, "shrink and c must be below 1"),
        ({"grow": 0.5}, "grow must be at least 1, not 0.5"),
    ],
)
def test_bad_settings_of_the_search_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Backtracking(**arguments)

"""Step rules and the line search."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import adaopt.numpy
import adaopt.torch
from adaopt import problems, schedules
from adaopt.schedules import Backtracking
from adaopt.torch.schedules import ScheduleLR
from adaopt.training import minimize


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


# Schedules with a warm-up


def submission(t, lr_min, lr_max, warmup, total, cycles):
    """The schedule of the submission "Cyclic LR" to AlgoPerf, cycle by cycle, warmup >= 1."""
    period = total / cycles
    for phi in range(cycles):
        if t <= phi * period + warmup:
            return lr_min + (lr_max - lr_min) / warmup * (t - phi * period)
        if t <= (phi + 1) * period:
            angle = math.pi * (t - warmup - phi * period) / (period - warmup)
            return lr_min + 0.5 * (lr_max - lr_min) * (1 + math.cos(angle))
    return lr_min


@pytest.mark.parametrize("cycles", [1, 2, 3, 7])
@pytest.mark.parametrize(("total", "warmup"), [(40, 5), (41, 1), (100, 14)])
def test_cyclic_is_the_submissions(cycles, total, warmup):
    ours = schedules.cyclic(0.3, total, cycles, warmup, lr_min=0.01)
    for k in range(total + 10):
        theirs = submission(k, 0.01, 0.3, warmup, total, cycles)
        assert ours(k) == pytest.approx(theirs, rel=1e-12, abs=1e-15)


def test_cyclic_without_warmup_starts_every_cycle_at_the_top():
    rates = [schedules.cyclic(0.5, 20, 6)(k) for k in range(21)]  # cycles of 20/6 steps
    assert rates[0] == rates[10] == 0.5
    assert max(rates[1:10]) < 0.5
    assert rates[20] == 0.0


@given(
    steps=st.integers(2, 60),
    data=st.data(),
    lr=st.floats(1e-3, 10),
    part=st.sampled_from([0.0, 0.1, 1.0]),
)
def test_warmup_cosine_is_one_cycle_and_rises_then_falls(steps, data, lr, part):
    warmup = data.draw(st.integers(0, steps - 1))
    schedule = schedules.warmup_cosine(lr, steps, warmup, lr_min=part * lr)
    rates = [schedule(k) for k in range(steps + 3)]
    cycle = schedules.cyclic(lr, steps, 1, warmup, part * lr)
    assert rates == [cycle(k) for k in range(steps + 3)]
    assert rates[warmup] == lr
    rises = np.diff(rates)
    assert all(rises[:warmup] >= -1e-15 * lr)
    assert all(rises[warmup:] <= 1e-15 * lr)
    assert rates[steps:] == [part * lr] * 3
    assert rates[0] == (part * lr if warmup else lr)


def test_warmup_cosine_by_hand():
    schedule = schedules.warmup_cosine(0.8, steps=10, warmup=4)
    assert [schedule(k) for k in (0, 1, 4, 10, 11)] == [0.0, 0.2, 0.8, 0.0, 0.0]
    assert schedule(7) == pytest.approx(0.4)


def test_warmup_stable_decay_by_hand():
    schedule = schedules.warmup_stable_decay(0.8, steps=20, warmup=4, decay=4)
    assert [schedule(k) for k in (0, 1, 4, 10, 16)] == [0.0, 0.2, 0.8, 0.8, 0.8]
    assert [schedule(k) for k in (17, 18, 19, 20, 99)] == pytest.approx([0.6, 0.4, 0.2, 0, 0])
    root = schedules.warmup_stable_decay(0.8, 20, 4, 4, lr_min=0.4, shape="sqrt")
    assert [root(k) for k in (0, 2, 16, 17, 20)] == pytest.approx([0.4, 0.6, 0.8, 0.6, 0.4])
    assert schedules.warmup_stable_decay(0.8, 20)(15) == 0.8  # the last fifth decays
    assert schedules.warmup_stable_decay(0.8, 20)(17) == pytest.approx(0.6)
    flat = schedules.warmup_stable_decay(0.8, 5, decay=0)
    assert [flat(k) for k in (0, 4, 5)] == [0.8, 0.8, 0.0]


def test_warmup_inverse_sqrt_is_the_transformers():
    """d^-0.5 min(k^-0.5, k w^-1.5), whose largest value, at k = w, is (d w)^-0.5."""
    d, w = 512, 4000
    schedule = schedules.warmup_inverse_sqrt((d * w) ** -0.5, w)
    for k in (1, 10, 3999, 4000, 4001, 100_000):
        assert schedule(k) == pytest.approx(d**-0.5 * min(k**-0.5, k * w**-1.5), rel=1e-13)
    assert schedule(0) == 0.0


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda s: s.warmup_cosine(0.0, 10), ValueError, "lr must be a number > 0, not 0.0"),
        (lambda s: s.warmup_cosine("a", 10), TypeError, "lr must be a number, not 'a'"),
        (lambda s: s.warmup_cosine(1.0, 0), ValueError, "steps must be at least 1, not 0"),
        (lambda s: s.warmup_cosine(1.0, 1e3), TypeError, "steps must be a whole number, not 1000"),
        (lambda s: s.warmup_cosine(1.0, 9, True), TypeError, "warmup must be a whole .* not True"),
        (lambda s: s.warmup_cosine(1.0, 9, -1), ValueError, "warmup must be at least 0, not -1"),
        (lambda s: s.warmup_cosine(1.0, 9, 9), ValueError, "warmup must be below .* = 9, not 9"),
        (lambda s: s.cyclic(1.0, 9, 2, 5), ValueError, "below steps / cycles = 4.5, not 5"),
        (lambda s: s.cyclic(1.0, 9, 0), ValueError, "cycles must be at least 1, not 0"),
        (
            lambda s: s.cyclic(1.0, 9, lr_min=1.5),
            ValueError,
            "lr_min must be a number from 0 to lr = 1.0, not 1.5",
        ),
        (lambda s: s.cyclic(1.0, 9, lr_min=float("nan")), ValueError, "lr_min must .* not nan"),
        (
            lambda s: s.warmup_stable_decay(1.0, 9, 5, 5),
            ValueError,
            "warmup 5 and decay 5 are together more than the 9 steps",
        ),
        (
            lambda s: s.warmup_stable_decay(1.0, 9, shape="cube"),
            ValueError,
            "shape must be 'linear' or 'sqrt', not 'cube'",
        ),
        (lambda s: s.warmup_stable_decay(1.0, 9, 0, -1), ValueError, "decay must be at least 0"),
        (lambda s: s.warmup_inverse_sqrt(1.0, 0), ValueError, "warmup must be at least 1, not 0"),
    ],
)
def test_bad_arguments_name_argument_and_value(make, error, message):
    with pytest.raises(error, match=message):
        make(schedules)


def test_a_schedule_sets_the_same_steps_in_both_editions():
    schedule = schedules.warmup_cosine(0.1, steps=30, warmup=5)
    p, x0 = problems.plane(), np.array([2.0, -1.0])
    reading = minimize(p, adaopt.numpy.Adam(), x0, 30, schedule=schedule).x
    x = torch.nn.Parameter(torch.from_numpy(x0.copy()))
    optimizer = adaopt.torch.Adam([x])
    scheduler = ScheduleLR(optimizer, schedule)
    for _ in range(30):
        x.grad = torch.from_numpy(p.grad(x.detach().numpy()))
        optimizer.step()
        scheduler.step()
    np.testing.assert_allclose(x.detach().numpy(), reading, rtol=1e-12)


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

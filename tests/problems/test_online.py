"""The online counterexample: slopes, regret, and the drift that says where Adam goes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaopt.numpy import Adam, AMSGrad
from adaopt.problems import OnlineLinear


def test_slopes_and_regret_by_hand():
    game = OnlineLinear(C=3, period=3)
    assert game.slopes(7).tolist() == [3, -1, -1, 3, -1, -1, 3]
    # paid: 3 * 1, -1 * 0.5, -1 * -1; the best fixed x is -1 after each of these rounds
    assert game.regret(np.array([1.0, 0.5, -1.0])).tolist() == [3 + 3, 2.5 + 2, 3.5 + 1]


@given(st.integers(3, 9), st.floats(0.01, 5))
def test_the_best_fixed_x_is_minus_one(period, beyond):
    game = OnlineLinear(period - 1 + beyond, period)
    g = game.slopes(10 * period)
    assert min((-1.0, 0.0, 1.0), key=lambda x: g.sum() * x) == game.best
    assert game.regret(np.full(len(g), game.best))[-1] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("C", "period"), [(2.0, 3), (9.0, 2), (4.5, 6), (np.nan, 3)])
def test_a_game_whose_best_x_is_another_is_refused(C, period):
    with pytest.raises(ValueError, match="C > period - 1"):
        OnlineLinear(C, period)


@pytest.mark.parametrize("period", [3, 4, 7])
@pytest.mark.parametrize("beta2", [0.0, 0.1, 0.6, 0.97])
def test_the_drift_is_what_adam_moves_in_a_period(period, beta2):
    game, rule, x = OnlineLinear(period, period), Adam(betas=(0.0, beta2), lr=1.0), np.zeros(1)
    for k, g in enumerate(game.slopes(200 * period + 1)):
        if k == 199 * period:
            before = x
        x = rule.step(x, np.array([g]))
        if k == 200 * period - 1:
            assert (x - before)[0] == pytest.approx(game.drift(beta2), abs=1e-6)


def test_rounds_are_played_with_shrinking_steps_inside_the_interval():
    xs = OnlineLinear().play(Adam(betas=(0.0, 0.1)), 3, lr=0.9, x0=0.5)
    # step 1: 0.5 - 0.9 * sign(3) = -0.4; step 2: v = 0.1 * 0.9 * 9 + 0.9, corrected by 1 - 0.01
    second = -0.4 + 0.9 / np.sqrt(2) / np.sqrt((0.81 + 0.9) / 0.99)
    np.testing.assert_allclose(xs, [0.5, -0.4, second], rtol=1e-7)
    assert np.abs(OnlineLinear(30, 3).play(Adam(), 20, lr=9)).max() == 1


def test_adam_ends_at_the_worst_point_and_amsgrad_at_the_best():
    game = OnlineLinear()
    adam, amsgrad = (game.play(m(betas=(0.0, 0.1)), 3000)[-1] for m in (Adam, AMSGrad))
    assert adam > 0.99 and amsgrad < -0.8

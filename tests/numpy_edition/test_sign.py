"""signSGD, Signum and Lion by hand, and what they are of each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaopt.numpy import Lion, SignSGD, Signum


def run(rule, gradients, x=0.0):
    x = np.asarray(x, float)
    for g in gradients:
        x = rule.step(x, np.asarray(g, float))
    return x


def test_signsgd_by_hand():
    x = run(SignSGD(lr=0.5, weight_decay=0.1), [[3.0, -1e-30, 0.0]], [2.0, 2.0, 2.0])
    assert x == pytest.approx([1.4, 2.4, 1.9])  # 2 - 0.5 (sign + 0.2)


def test_signum_by_hand():
    rule = Signum(lr=0.5, momentum=0.75)
    assert run(rule, [4.0, -8.0, -8.0]) == 0.5  # m = 1, -1.25, -2.9375
    assert rule.state.m == -2.9375


def test_lion_by_hand():
    rule = Lion(lr=0.5, betas=(0.25, 0.75))
    # m = 0, 1, -0.25; c = 3, -2.75, 1.4375
    assert run(rule, [4.0, -4.0, 2.0]) == -0.5
    assert rule.state.m == 0.3125


STREAM = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20)


@given(gradients=STREAM, beta=st.floats(0, 0.99), decay=st.floats(0, 1))
def test_lion_with_equal_betas_is_signum_and_without_memory_signsgd(gradients, beta, decay):
    lion = run(Lion(lr=0.1, betas=(beta, beta), weight_decay=decay), gradients, 1.0)
    assert lion == run(Signum(lr=0.1, momentum=beta, weight_decay=decay), gradients, 1.0)
    plain = run(SignSGD(lr=0.1, weight_decay=decay), gradients, 1.0)
    assert run(Signum(lr=0.1, momentum=0.0, weight_decay=decay), gradients, 1.0) == plain
    assert run(Lion(lr=0.1, betas=(0.0, 0.0), weight_decay=decay), gradients, 1.0) == plain


@given(gradients=STREAM, power=st.integers(-20, 20))
@pytest.mark.parametrize("rule", [SignSGD, Signum, Lion])
def test_the_scale_of_the_gradients_does_not_matter(rule, gradients, power):
    scaled = [g * 2.0**power for g in gradients]
    assert run(rule(lr=0.1), scaled) == run(rule(lr=0.1), gradients)


def test_momentum_is_below_one():
    with pytest.raises(ValueError, match="Invalid momentum value: 1"):
        Signum(momentum=1.0)

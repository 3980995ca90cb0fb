"""AdaGrad, RMSProp, Adadelta, Adam, AMSGrad and AdamW: steps worked out by hand."""

import math

import numpy as np
import pytest

from adaopt.numpy import Adadelta, Adagrad, Adam, AdamW, AMSGrad, RMSprop


def steps(optimizer, *gradients, x=0.0):
    """The iterates from x along these gradients."""
    x, path = np.array([x]), []
    for g in gradients:
        x = optimizer.step(x, np.array([g]))
        path.append(x.item())
    return path


def test_adagrad():
    # v: 9, 9 + 16 = 25; steps 3 / 3, then 4 / 5
    assert steps(Adagrad(lr=1.0, eps=0.0), 3.0, 4.0) == [-1.0, -1.8]
    # eps inside: sqrt(9 + 7) = 4; outside: 3 + 7 = 10
    assert steps(Adagrad(lr=1.0, eps=7.0), 3.0) == [-3 / 4]
    assert steps(Adagrad(lr=1.0, eps=7.0, eps_inside=False), 3.0) == [-3 / 10]
    # v starts from 16: sqrt(16 + 9) = 5; the second step is divided by 1 + 3
    start = Adagrad(lr=1.0, eps=0.0, initial_accumulator_value=16.0, lr_decay=3.0)
    assert steps(start, 3.0, 0.0, 12.0) == pytest.approx([-0.6, -0.6, -0.6 - 12 / 13 / 7])


def test_rmsprop():
    # v: 0.25 * 16 = 4, then 0.75 * 4 + 0.25 * 4 = 4
    assert steps(RMSprop(lr=1.0, alpha=0.75, eps=0.0), 4.0, 2.0) == [-2.0, -3.0]
    # eps inside: sqrt(4 + 5) = 3; outside: 2 + 6 = 8
    assert steps(RMSprop(lr=1.0, alpha=0.75, eps=5.0), 4.0) == [-4 / 3]
    assert steps(RMSprop(lr=1.0, alpha=0.75, eps=6.0, eps_inside=False), 4.0) == [-0.5]
    # momentum: u = 2, then 0.5 * 2 + 1 = 2
    momentum = RMSprop(lr=1.0, alpha=0.75, eps=0.0, momentum=0.5)
    assert steps(momentum, 4.0, 2.0) == [-2.0, -4.0]
    # centered: v - m^2 = 0.5 * 16 - (0.5 * 4)^2 = 4
    assert steps(RMSprop(lr=1.0, alpha=0.5, eps=0.0, centered=True), 4.0) == [-2.0]


def test_a_centered_variance_of_zero_is_no_nan():
    path = steps(RMSprop(alpha=0.9, centered=True), *[1.1 / 3] * 500)
    assert np.isfinite(path).all()


def test_adadelta():
    # v = 0.5 * 14 = 7, u = sqrt(0 + 2) / sqrt(7 + 2) * sqrt(14), D = 0.5 * u^2 = 14 / 9
    optimizer = Adadelta(rho=0.5, eps=2.0)
    u = math.sqrt(2 / 9 * 14)
    assert steps(optimizer, math.sqrt(14)) == pytest.approx([-u])
    assert optimizer.state.D == pytest.approx(14 / 9)


def test_adam():
    # m = 0.5 * 4, corrected by 0.5: 4; v = 0.25 * 16, corrected by 0.25: 16; 4 / (4 + 4)
    adam = {"lr": 1.0, "betas": (0.5, 0.75), "eps": 4.0}
    assert steps(Adam(**adam), 4.0) == [-0.5]
    # second step: m = 1 + 0.5 * 2, over 0.75; v = 3 + 0.25 * 4, over 0.4375
    m_hat, v_hat = 2 / 0.75, 4 / 0.4375
    assert steps(Adam(**adam), 4.0, 2.0)[1] == -0.5 - m_hat / (math.sqrt(v_hat) + 4)


def test_weight_decay_in_the_gradient_and_apart():
    adam = {"lr": 1.0, "betas": (0.5, 0.75), "eps": 4.0, "weight_decay": 0.5}
    # from x = 4: the gradient 2 + 0.5 * 4 = 4 gives a step of 0.5
    assert steps(Adam(**adam), 2.0, x=4.0) == [3.5]
    # apart: 4 - 0.5 * 4 = 2, then the step of the gradient 4
    assert steps(AdamW(**adam), 4.0, x=4.0) == [1.5]
    assert steps(Adam(**adam, decoupled_weight_decay=True), 4.0, x=4.0) == [1.5]


def test_the_three_forms_of_amsgrad():
    # v: 4, then 3 + 0 = 3; corrected: 4 / 0.25 = 16, then 3 / 0.4375; m: 2, then 1
    adam = {"lr": 1.0, "betas": (0.5, 0.75), "eps": 0.0}
    second = {form: np.diff(steps(Adam(**adam, amsgrad=form), 4.0, 0.0)) for form in FORMS}
    assert second[True] == pytest.approx(-(1 / 0.75) / math.sqrt(4 / 0.4375))
    assert second["hat"] == pytest.approx(-(1 / 0.75) / math.sqrt(16))
    assert second["paper"] == pytest.approx(-1 / math.sqrt(4))
    assert np.diff(steps(AMSGrad(**adam), 4.0, 0.0)) == second["paper"]


FORMS = (True, "hat", "paper")


@pytest.mark.parametrize("cls, keyword", [(AMSGrad, "amsgrad"), (AdamW, "decoupled_weight_decay")])
def test_a_class_that_fixes_a_keyword_does_not_have_it(cls, keyword):
    with pytest.raises(TypeError, match=f"{cls.__name__} has no argument '{keyword}'"):
        cls(**{keyword: False})
    with pytest.raises(AttributeError, match=keyword):
        setattr(cls(), keyword, False)


def test_amsgrad_switched_on_between_steps():
    optimizer = Adam(lr=0.1)
    steps(optimizer, 1.0, 2.0)
    optimizer.amsgrad = "hat"
    assert steps(optimizer, 3.0)
    assert optimizer.state.v_max == pytest.approx(optimizer.state.v / (1 - 0.999**3))

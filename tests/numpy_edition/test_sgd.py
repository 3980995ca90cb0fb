"""SGD against its formulas by hand, in plain Python floats, and against torch.optim.SGD."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from adaopt.numpy import SGD


def test_two_steps_by_hand():
    # f(x) = x^2 / 2 at x = 4, so g = x: 4 -> 4 - 0.5 * 4 = 2 -> 2 - 0.5 * 2 = 1
    optimizer = SGD(lr=0.5)
    x = optimizer.step(np.array([4.0]), np.array([4.0]))
    assert x == 2.0
    assert optimizer.step(x, x) == 1.0


def test_momentum_by_hand():
    # v: 4, then 0.5 * 4 + 2 = 4; x: 4 - 0.5 * 4 = 2, then 2 - 0.5 * 4 = 0
    optimizer = SGD(lr=0.5, momentum=0.5)
    x = optimizer.step(np.array([4.0]), np.array([4.0]))
    assert x == 2.0
    assert optimizer.step(x, x) == 0.0
    assert optimizer.state.v == 4.0


def test_first_velocity_is_the_gradient_not_damped():
    optimizer = SGD(lr=1.0, momentum=0.5, dampening=0.75)
    assert optimizer.step(np.zeros(1), np.ones(1)) == -1.0
    optimizer.step(np.zeros(1), np.ones(1))
    assert optimizer.state.v == 0.5 * 1 + 0.25 * 1


def test_nesterov_and_weight_decay_by_hand():
    # g = 3 + 0.5 * 2 = 4, v = 4, x = 2 - 0.25 * (4 + 0.5 * 4) = 0.5
    optimizer = SGD(lr=0.25, momentum=0.5, nesterov=True, weight_decay=0.5)
    assert optimizer.step(np.array([2.0]), np.array([3.0])) == 0.5


def oracle(x, gradients, lr, momentum, dampening, weight_decay, nesterov, maximize):
    """The formulas once more, one coordinate at a time."""
    x, velocity = list(x), [None] * len(x)
    for gradient in gradients:
        for j, g in enumerate(gradient):
            g = (-g if maximize else g) + weight_decay * x[j]
            if momentum:
                old = velocity[j]
                velocity[j] = g if old is None else momentum * old + (1 - dampening) * g
                g = g + momentum * velocity[j] if nesterov else velocity[j]
            x[j] -= lr * g
    return x


SETTINGS = st.fixed_dictionaries(
    {
        "lr": st.floats(0, 0.2),
        "momentum": st.sampled_from([0.0, 0.3, 0.87]),
        "dampening": st.sampled_from([0.0, 0.4, -0.2]),
        "weight_decay": st.sampled_from([0.0, 0.13]),
        "nesterov": st.booleans(),
        "maximize": st.booleans(),
    }
)


def valid(h):
    return not h["nesterov"] or (h["momentum"] > 0 and h["dampening"] == 0)


@given(h=SETTINGS.filter(valid), seed=st.integers(0, 99))
def test_equals_the_oracle_over_50_steps(h, seed):
    rng = np.random.default_rng(seed)
    x0, gradients = rng.normal(size=3), rng.normal(size=(50, 3))
    x, optimizer = x0, SGD(**h)
    for g in gradients:
        x = optimizer.step(x, g)
    expected = oracle(x0.tolist(), gradients.tolist(), **h)
    np.testing.assert_allclose(x, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    "h",
    [
        {"lr": 0.03},
        {"lr": 0.02, "momentum": 0.83, "dampening": 0.3, "weight_decay": 0.07},
        {"lr": 0.01, "momentum": 0.77, "nesterov": True, "weight_decay": 0.03},
        {"lr": 0.02, "momentum": 0.9, "maximize": True, "weight_decay": 0.01},
    ],
)
def test_equals_torch_over_50_steps(h):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(3, 2))
    p = torch.nn.Parameter(torch.tensor(x))
    theirs, ours = torch.optim.SGD([p], **h), SGD(**h)
    for scale in 10.0 ** rng.integers(-3, 3, size=50):
        g = scale * rng.normal(size=(3, 2))
        x, p.grad = ours.step(x, g), torch.tensor(g)
        theirs.step()
    np.testing.assert_allclose(x, p.detach().numpy(), rtol=1e-12, atol=1e-12)


def test_momentum_switched_on_later_starts_from_the_gradient_as_in_torch():
    p = torch.nn.Parameter(torch.ones(2, dtype=torch.float64))
    theirs, ours, x = torch.optim.SGD([p], lr=0.1), SGD(lr=0.1), np.ones(2)
    for k in range(4):
        if k == 2:
            theirs.param_groups[0].update(momentum=0.5, dampening=0.25)
            ours.dampening = 0.25
            ours.momentum = 0.5
        p.grad = torch.full_like(p, k + 1.0)
        theirs.step()
        x = ours.step(x, np.full(2, k + 1.0))
    np.testing.assert_allclose(x, p.detach().numpy(), rtol=1e-15)

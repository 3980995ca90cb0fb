"""The NumPy network: its losses and gradients against torch's and against finite differences."""

import numpy as np
import pytest
import torch

from adaopt import catalog, nn
from adaopt.nn import by_hand
from adaopt.numpy import build
from adaopt.torch import build as torch_build

SIGNS = {"signsgd", "signum", "lion"}  # a gradient that is rounding has a sign of its own
ELEMENTWISE = [key for key, card in catalog.CARDS.items() if card.numpy_class.elementwise]


def scores(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def labels(classes, *shape, seed=0):
    return np.random.default_rng(seed).integers(0, classes, shape)


def with_gradient(loss, first, second, **settings):
    """What torch says: the loss, and the gradient of its sum."""
    first = torch.tensor(first, requires_grad=True)
    value = loss(first, torch.tensor(second), **settings)
    value.sum().backward()
    return value.detach().numpy(), first.grad.numpy()


WEIGHT = [0.5, 0.0, 2.0, 1.0]
SETTINGS = [
    {},
    {"reduction": "sum"},
    {"reduction": "none"},
    {"label_smoothing": 0.3},
    {"weight": WEIGHT},
    {"weight": WEIGHT, "label_smoothing": 1.0, "reduction": "none"},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("shape", [(7,), (2, 5), ()])
def test_cross_entropy_and_its_gradient_equal_torchs(settings, shape):
    z, y = scores(*shape, 4), np.asarray(labels(4, *shape))
    value, gradient = by_hand.cross_entropy(z, y, **settings)
    expected, slope = with_gradient(nn.cross_entropy, z, y, **settings)
    np.testing.assert_allclose(value, expected, atol=1e-14)
    np.testing.assert_allclose(gradient, slope, atol=1e-14)


@pytest.mark.parametrize("settings", [{}, {"reduction": "sum"}, {"reduction": "none"}], ids=str)
def test_other_losses_and_their_gradients_equal_torchs(settings):
    z, t, y = scores(6, 4), scores(6, 4, seed=1), labels(4, 6)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    for ours, theirs, first, second in (
        (by_hand.mse_loss, nn.mse_loss, z, t),
        (by_hand.cross_entropy_of_probabilities, nn.cross_entropy_of_probabilities, p, y),
    ):
        value, gradient = ours(first, second, **settings)
        expected, slope = with_gradient(theirs, first, second, **settings)
        np.testing.assert_allclose(value, expected, atol=1e-14)
        np.testing.assert_allclose(gradient, slope, atol=1e-14)
    stable = by_hand.cross_entropy(z, y, **settings)[0]
    np.testing.assert_allclose(
        by_hand.cross_entropy_of_probabilities(p, y, **settings)[0], stable, atol=1e-14
    )


def test_huge_logits_and_a_probability_of_zero():
    value, gradient = by_hand.cross_entropy(np.array([[1e4, 0.0], [0.0, 1e4]]), np.array([1, 1]))
    assert value == 5000
    np.testing.assert_array_equal(gradient, [[0.5, -0.5], [0, 0]])
    p = np.array([[1.0, 0.0]])
    assert by_hand.cross_entropy_of_probabilities(p, np.array([0]))[0] == 0
    assert by_hand.cross_entropy_of_probabilities(p, np.array([1]))[0] == np.inf
    assert nn.cross_entropy_of_probabilities(torch.tensor(p), torch.tensor([1])) == np.inf


@pytest.mark.parametrize(
    "logits",
    [
        np.array([[6e4, -6e4, 0]], np.float16),
        np.array([[3e38, -3e38, 0]], np.float32),
        np.array([[1.0, -np.inf, 2.0]]),
    ],
)
def test_logits_that_underflow_or_are_masked(logits):
    y = np.array([0])
    with np.errstate(over="ignore"):
        value, gradient = by_hand.cross_entropy(logits, y)
    expected, slope = with_gradient(nn.cross_entropy, logits, y)
    np.testing.assert_allclose(value, expected, rtol=1e-3)
    np.testing.assert_allclose(gradient, slope, atol=1e-3)


REFUSED = [
    (dict(reduction="average"), ValueError, "Invalid reduction: 'average'"),
    (dict(label_smoothing=1.5), ValueError, "Invalid label_smoothing: 1.5"),
    (dict(label_smoothing=np.nan), ValueError, "Invalid label_smoothing: nan"),
    (dict(weight=[1.0, 2.0]), ValueError, r"Invalid weight of shape \(2,\). Expected \(3,\)"),
    (dict(weight=[1.0, -2.0, 1.0]), ValueError, "Invalid weight: -2.0"),
    (dict(labels=[0, 3]), ValueError, "Invalid value in labels: 3. Expected 0 to 2"),
    (dict(labels=[-1, 0]), ValueError, "Invalid value in labels: -1"),
    (dict(labels=[0.0, 1.0]), TypeError, "expected integers, got"),
    (dict(labels=[0]), ValueError, r"logits \(2, 3\) need labels \(2,\), got \(1,\)"),
]


@pytest.mark.parametrize("changed, error, message", REFUSED, ids=str)
def test_both_editions_refuse_in_the_same_words(changed, error, message):
    changed = {"labels": [0, 1], **changed}
    y, z = np.array(changed.pop("labels")), np.zeros((2, 3))
    with pytest.raises(error, match=message):
        by_hand.cross_entropy(z, y, **changed)
    with pytest.raises(error, match=message):
        nn.cross_entropy(torch.tensor(z), torch.tensor(y), **changed)


def test_what_else_is_refused():
    for package, array in ((by_hand, np.array), (nn, torch.tensor)):
        with pytest.raises(
            TypeError, match=r"Invalid logits: expected floating-point, got .*int64"
        ):
            package.cross_entropy(array([[1, 2, 3]]), array([0]))
        with pytest.raises(TypeError, match="Invalid prediction: expected floating-point"):
            package.mse_loss(array([1, 2]), array([3, 1]))
    for package, array in ((by_hand, np.array), (nn, torch.tensor)):
        with pytest.raises(ValueError, match="rows are at least 0 and sum to 1"):
            package.cross_entropy_of_probabilities(array([[0.5, 0.6]]), array([0]))
        with pytest.raises(ValueError, match="Shapes differ"):
            package.mse_loss(array([0.5, 0.6]), array([[0.5], [0.6]]))
        with pytest.raises(ValueError, match="Empty batch"):
            package.mse_loss(array([]), array([]))


@pytest.mark.parametrize("activation", by_hand.ACTIVATIONS)
def test_the_network_and_its_gradient_equal_torchs(activation):
    network = by_hand.MLP((6, 5, 4, 3), activation, seed=7)
    generator = torch.Generator().manual_seed(7)
    other = nn.MLP((6, 5, 4, 3), activation, generator, dtype=torch.float64)
    assert list(network.parameters) == [name for name, _ in other.named_parameters()]
    for name, p in other.named_parameters():
        np.testing.assert_array_equal(network.parameters[name], p.detach().numpy())
    x, y = scores(8, 2, 3), labels(3, 8)
    value, gradients = network.gradient(x, y)
    loss = nn.cross_entropy(other(torch.tensor(x)), torch.tensor(y))
    loss.backward()
    assert value == pytest.approx(loss.item(), abs=1e-14)
    for name, p in other.named_parameters():
        np.testing.assert_allclose(gradients[name], p.grad.numpy(), atol=1e-15)


@pytest.mark.parametrize("activation", by_hand.ACTIVATIONS)
@pytest.mark.parametrize("loss", ["mse_loss", "cross_entropy"])
def test_the_gradient_equals_finite_differences(activation, loss):
    network, x = by_hand.MLP((4, 5, 3), activation, seed=1), scores(6, 4)
    targets = scores(6, 3, seed=1) if loss == "mse_loss" else labels(3, 6)
    function = getattr(by_hand, loss)
    _, gradients = network.gradient(x, targets, function)
    step = 1e-6
    for name, parameter in network.parameters.items():
        for at in np.ndindex(parameter.shape):
            old, values = parameter[at], []
            for moved in (old + step, old - step):
                parameter[at] = moved
                values.append(function(network.forward(x), targets)[0])
            parameter[at] = old
            assert (values[0] - values[1]) / (2 * step) == pytest.approx(
                gradients[name][at], abs=2e-9
            )


@pytest.mark.parametrize("key", ELEMENTWISE)
def test_100_steps_of_both_editions_agree(key, record_property):
    """79,510 parameters, minibatches; a method of signs up to its first tie, which is reported."""
    rng = np.random.default_rng(0)
    x, y = rng.random((256, 784)), rng.integers(0, 10, 256)
    network = by_hand.MLP(seed=3)
    other = nn.MLP(generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    ours, theirs = build(key, lr=1e-3), torch_build(key, other.parameters(), lr=1e-3)
    for k in range(100):
        at = rng.integers(0, 256, 16)
        start = network.parameters
        network.parameters = ours.point(start)
        value, gradients = network.gradient(x[at], y[at])
        theirs.zero_grad()
        loss = nn.cross_entropy(other(torch.tensor(x[at])), torch.tensor(y[at]))
        loss.backward()
        assert value == pytest.approx(loss.item(), abs=1e-10), f"step {k + 1}"
        network.parameters = ours.step(start, gradients)
        theirs.step()
        reached = ours.point(network.parameters)
        for name, p in other.named_parameters():
            apart = np.abs(reached[name] - p.detach().numpy()) > 1e-10
            if apart.any():
                assert key in SIGNS, f"step {k + 1}: {name}"
                assert np.abs(gradients[name][apart]).max() < 1e-15, f"no tie: step {k + 1}, {name}"
                assert k > 0
                record_property("first tie", k + 1)
                return


def test_what_the_network_refuses():
    with pytest.raises(ValueError, match="Invalid widths"):
        by_hand.MLP((3,))
    with pytest.raises(ValueError, match="Invalid activation: 'step'"):
        by_hand.MLP((3, 2), "step")
    with pytest.raises(ValueError, match="Seed must be between"):
        by_hand.MLP((3, 2), seed=-1)
    with pytest.raises(ValueError, match=r"Invalid input of shape \(2, 4\)"):
        by_hand.MLP((3, 2)).forward(np.zeros((2, 4)))
    with pytest.raises(TypeError, match="Make it floating-point"):
        by_hand.MLP((3, 2)).forward(np.zeros((2, 3), np.uint8))

"""The live landscape: its network is the package's; keyboard, phone, axe rules."""

import numpy as np
import pytest

from adaopt.nn import by_hand
from adaopt.numpy import Adam

BODY = '<div class="adaopt-live" data-figure="landscape"></div>'
NODE = 'const { landscape } = require("./landscape.js");'
SETTINGS = [(a, f) for a in ("tanh", "relu") for f in ("cross_entropy", "squared_error")]


def spiral():
    """The sixty points and their classes."""
    i = np.arange(60)
    t, angle = i // 3 / 19, 2 * np.pi * (i % 3) / 3
    angle = angle + 2 * t
    return np.stack([(0.2 + t) * np.cos(angle), (0.2 + t) * np.sin(angle)], axis=1), i % 3


def squared_error(logits, labels):
    """(softmax - target)^2, and its gradient."""
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    value, slope = by_hand.mse_loss(p, np.eye(3)[labels])
    return value, p * (slope - (slope * p).sum(axis=1, keepdims=True))


def package(weights, activation, loss):
    """Loss and gradient as the package computes them, the gradient in one array."""
    network = by_hand.MLP((2, 8, 3), activation)
    at = 0
    for name, p in network.parameters.items():
        network.parameters[name] = np.reshape(weights[at : at + p.size], p.shape)
        at += p.size
    assert at == len(weights)
    function = {"cross_entropy": by_hand.cross_entropy, "squared_error": squared_error}[loss]
    value, gradients = network.gradient(*spiral(), function)
    return value, np.concatenate([g.ravel() for g in gradients.values()])


def test_the_points_are_the_spiral(js):
    points, labels = spiral()
    np.testing.assert_allclose(js("return landscape.points"), points, atol=1e-15)
    assert js("return landscape.labels") == labels.tolist()


@pytest.mark.parametrize(("activation", "loss"), SETTINGS)
def test_loss_and_gradient_are_the_packages(js, activation, loss):
    weights = np.random.default_rng(0).normal(size=51)
    body = """
        const gradient = new Array(landscape.SIZE).fill(0);
        const value = landscape.loss(input.weights, input, gradient);
        return [value, gradient];
    """
    asked = {"weights": weights.tolist(), "activation": activation, "loss": loss}
    value, gradient = js(body, asked)
    expected, slope = package(weights, activation, loss)
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(gradient, slope, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("activation", "loss"), SETTINGS)
def test_training_is_adam(js, activation, loss):
    asked = {"activation": activation, "loss": loss}
    path = np.array(js("return landscape.train(input, 50)", asked))
    rule, x = Adam(lr=js("return landscape.RATE")), path[0]
    for reached in path[1:]:
        x = rule.step(x, package(x, activation, loss)[1])
        np.testing.assert_allclose(reached, x, rtol=1e-9)
    assert package(x, activation, loss)[0] < 0.7 * package(path[0], activation, loss)[0]


def test_first_weights_are_within_their_bounds(js):
    weights = np.abs(js("return landscape.firstWeights(3)"))
    bounds = np.repeat([2**-0.5, 8**-0.5], [24, 27])
    assert (weights <= bounds).all()
    assert (weights > 0.8 * bounds).any()


def test_rows_of_a_direction_are_as_long_as_the_weights(js):
    body = """
        const w = landscape.firstWeights();
        return [w, landscape.direction(w, adaopt.mulberry32(4)), landscape.ROWS];
    """
    w, u, rows = js(body)
    for start, end in rows:
        assert np.linalg.norm(u[start:end]) == pytest.approx(np.linalg.norm(w[start:end]))
    assert abs(np.dot(w, u)) < 0.5 * np.linalg.norm(w) ** 2


def words(page):
    return page.locator(".readout").inner_text()


def test_it_says_the_loss_of_the_trained_network(page, js):
    body = "return landscape.train({ activation: 'tanh', loss: 'cross_entropy' }, 100)[100]"
    value, _ = package(np.array(js(body)), "tanh", "cross_entropy")
    assert words(page).startswith(f"After 100 steps the loss is {float(f'{value:.3g}'):g}.")


def test_every_control_works_by_keyboard(page):
    labels = page.locator("label").all_inner_texts()
    assert len(labels) == 5
    start = words(page)
    for label in labels:
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.id")
        assert page.locator(f"label[for={focused}]").inner_text() == label
        before = page.locator(".picture").inner_html()
        page.keyboard.press("ArrowDown" if page.locator(f"select#{focused}").count() else "ArrowUp")
        assert page.locator(".picture").inner_html() != before, label
    page.get_by_role("button", name="Reset").click()
    assert words(page) == start


@pytest.mark.parametrize("width", [390, 320])
def test_a_phone_does_not_scroll_sideways(on_a_phone, width):
    assert on_a_phone(width) <= width


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_accessibility_violation(violations, theme):
    assert violations(theme) == []

r"""Losses and the multilayer perceptron in NumPy, with their gradients written out by hand.

The reading edition of :mod:`adaopt.nn`: no automatic differentiation, one line per formula. A loss
returns its value and its gradient with respect to its first argument; with ``reduction="none"`` the
gradient is that of the sum.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy import ndarray as Array

from adaopt.nn.checks import (
    check_floating,
    check_labels_fit,
    check_range,
    check_reduction,
    check_same_shape,
    check_smoothing,
    check_weights,
)

Loss = Callable[[Array, Array], tuple[float, Array]]


def mse_loss(prediction: Array, target: Array, *, reduction: str = "mean") -> tuple[Array, Array]:
    r"""Mean squared error :math:`\frac1N \sum_j (p_j - t_j)^2`, gradient :math:`2 (p - t) / N`.

    Arguments and errors are those of :func:`adaopt.nn.mse_loss`.
    """
    check_reduction(reduction)
    check_same_shape(prediction, target)
    check_floating("prediction", prediction)
    error = prediction - target
    return _reduced(error**2, 2 * error, reduction, error.size)


def cross_entropy(
    logits: Array,
    labels: Array,
    *,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    weight: Sequence[float] | None = None,
) -> tuple[Array, Array]:
    r"""Cross-entropy of a target q from logits z, :math:`-\sum_c q_c \log p_c`.

    Stably, with :math:`p = \mathrm{softmax}(z)`:

    .. math:: \log p_c = (z_c - \max z) - \log \sum_d e^{z_d - \max z}, \qquad
        \frac{\partial}{\partial z_c} = p_c \sum_d q_d - q_c .

    Without smoothing and weights q is 1 at the label. Arguments and errors are those of
    :func:`adaopt.nn.cross_entropy`.
    """
    q, total = _target("logits", logits, labels, reduction, label_smoothing, weight)
    return _reduced(*softmax_cross_entropy(logits, q), reduction, total)


def softmax_cross_entropy(z: Array, q: Array) -> tuple[Array, Array]:
    shifted = z - z.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    loss = -(q * np.where(q, log_p, 0)).sum(axis=-1)  # 0 log 0 is 0
    return loss, np.exp(log_p) * q.sum(axis=-1, keepdims=True) - q


def cross_entropy_of_probabilities(
    probabilities: Array,
    labels: Array,
    *,
    reduction: str = "mean",
    weight: Sequence[float] | None = None,
) -> tuple[Array, Array]:
    r"""Cross-entropy as the formula is written, :math:`-\log p_y`, gradient :math:`-1 / p_y`.

    A probability of zero gives an infinite loss. Arguments and errors are those of
    :func:`adaopt.nn.cross_entropy_of_probabilities`.
    """
    q, total = _target("probabilities", probabilities, labels, reduction, 0.0, weight)
    rows = probabilities.sum(axis=-1)
    if not ((probabilities >= 0).all() and (np.abs(rows - 1) <= 1e-3).all()):
        raise ValueError("Invalid probabilities: rows are at least 0 and sum to 1")
    with np.errstate(divide="ignore"):
        p = np.where(q > 0, probabilities, 1)
        return _reduced(-(q * np.log(p)).sum(axis=-1), -q / p, reduction, total)


def _target(
    name: str,
    scores: Array,
    labels: Array,
    reduction: str,
    smoothing: float,
    weight: Sequence[float] | None,
) -> tuple[Array, float]:
    """The weighted target q (..., C), and what the mean divides by: the weights of the labels."""
    check_reduction(reduction)
    labels = np.asarray(labels)
    check_labels_fit(name, scores, labels)
    check_floating(name, scores)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"Invalid labels: expected integers, got {labels.dtype}")
    classes = scores.shape[-1]
    check_range("labels", int(labels.min()), int(labels.max()), classes)
    check_smoothing(smoothing)
    w = np.ones(classes) if weight is None else np.asarray(weight, dtype=float)
    check_weights(w, classes)
    q = ((1 - smoothing) * np.eye(classes)[labels] + smoothing / classes) * w
    return q.astype(scores.dtype), float(w[labels].sum())


def _reduced(losses: Array, gradient: Array, reduction: str, total: float) -> tuple[Array, Array]:
    if reduction == "none":
        return losses, gradient
    if reduction == "sum":
        return losses.sum(), gradient
    return losses.sum() / total, gradient / total


def _sigmoid(a: Array) -> Array:
    return np.exp(-np.logaddexp(0, -a))


# name -> phi(a) and phi'(a); relu has the derivative 0 at 0, as in torch.
ACTIVATIONS = {
    "relu": (lambda a: np.maximum(a, 0), lambda a: (a > 0).astype(a.dtype)),
    "elu": (
        lambda a: np.where(a > 0, a, np.expm1(np.minimum(a, 0))),
        lambda a: np.where(a > 0, 1, np.exp(np.minimum(a, 0))),
    ),
    "silu": (
        lambda a: a * _sigmoid(a),
        lambda a: _sigmoid(a) * (1 + a * (1 - _sigmoid(a))),
    ),
    "tanh": (np.tanh, lambda a: 1 - np.tanh(a) ** 2),
    "sigmoid": (_sigmoid, lambda a: _sigmoid(a) * (1 - _sigmoid(a))),
}


class MLP:
    r"""Multilayer perceptron: :math:`a_\ell = h_{\ell-1} W_\ell^\top + b_\ell`,
    :math:`h_\ell = \phi(a_\ell)`, linear at the end.

    Its weights start from the same numbers as those of :class:`adaopt.nn.MLP` with
    ``torch.Generator().manual_seed(seed)``, and have the same names.

    Args:
        widths: inputs, hidden layers, outputs: (784, 100, 10) has 79,510 parameters.
        activation: one of "relu", "elu", "silu", "tanh", "sigmoid".
        seed: of the initial weights, 0 to 2**32 - 1.
        dtype: of the parameters.

    Attributes:
        parameters: dict of arrays, "layers.0.weight" (d_1, d_0), "layers.0.bias" (d_1,), ...; an
            optimizer's step takes and returns such a dict.

    Raises:
        ValueError: fewer than two widths, a width below 1, an unknown activation, another seed.
    """

    def __init__(
        self,
        widths: Sequence[int] = (784, 100, 10),
        activation: str = "relu",
        seed: int = 0,
        dtype: type = np.float64,
    ) -> None:
        if len(widths) < 2 or not all(isinstance(w, int) and w > 0 for w in widths):
            raise ValueError(f"Invalid widths: {widths}. Expected two or more positive integers")
        if activation not in ACTIVATIONS:
            raise ValueError(
                f"Invalid activation: {activation!r}. Expected one of {tuple(ACTIVATIONS)}"
            )
        self.widths, self.activation = tuple(widths), activation
        self.phi, self.derivative = ACTIVATIONS[activation]
        self.parameters: dict[str, Array] = {}
        random = np.random.RandomState(seed)  # the same twister as torch.Generator
        for layer, (inputs, outputs) in enumerate(pairwise(widths)):
            for name, shape in (("weight", (outputs, inputs)), ("bias", (outputs,))):
                u = (random.randint(0, 2**32, shape, np.uint32) & 0xFFFFFF) / np.float32(2**24)
                bound = np.float32(inputs**-0.5)
                weights = u.astype(np.float32) * (2 * bound) - bound
                self.parameters[f"layers.{layer}.{name}"] = weights.astype(dtype)

    def forward(self, x: Array) -> Array:
        """Outputs (n, widths[-1]) for samples (n, ...) of widths[0] numbers each."""
        return self.layers(self._checked(x))[0][-1]

    def gradient(
        self, x: Array, targets: Array, loss: Loss = cross_entropy
    ) -> tuple[float, dict[str, Array]]:
        r"""Loss of the outputs and its gradient for every parameter, by backpropagation.

        With :math:`\delta_\ell = \partial f / \partial a_\ell`, from the last layer to the first:

        .. math:: \frac{\partial f}{\partial W_\ell} = \delta_\ell^\top h_{\ell-1}, \qquad
            \frac{\partial f}{\partial b_\ell} = \textstyle\sum_i \delta_{\ell,i}, \qquad
            \delta_{\ell-1} = (\delta_\ell W_\ell) \odot \phi'(a_{\ell-1}).

        Args:
            x: samples (n, ...).
            targets: what ``loss`` compares the outputs with.
            loss: a function (outputs, targets) -> (value, gradient), from this module.
        """
        a, h = self.layers(self._checked(x))
        value, delta = loss(a[-1], targets)
        gradients = self.backward(delta, a, h)
        return float(value), {name: gradients[name] for name in self.parameters}

    def layers(self, x: Array) -> tuple[list[Array], list[Array]]:
        """a_1, ..., a_L and h_0, ..., h_{L-1} of samples (n, widths[0])."""
        a, h = [], [x]
        for layer in range(len(self.widths) - 1):
            W = self.parameters[f"layers.{layer}.weight"]
            b = self.parameters[f"layers.{layer}.bias"]
            a.append(h[-1] @ W.T + b)
            h.append(self.phi(a[-1]))
        return a, h[:-1]

    def backward(self, delta: Array, a: list[Array], h: list[Array]) -> dict[str, Array]:
        """Every parameter's gradient, from that with respect to the outputs."""
        gradients = {}
        for layer in reversed(range(len(a))):
            W = self.parameters[f"layers.{layer}.weight"]
            gradients[f"layers.{layer}.weight"] = delta.T @ h[layer]
            gradients[f"layers.{layer}.bias"] = delta.sum(axis=0)
            if layer > 0:
                delta = (delta @ W) * self.derivative(a[layer - 1])
        return gradients

    def _checked(self, x: Array) -> Array:
        """The samples as rows."""
        if x.ndim < 2 or np.prod(x.shape[1:]) != self.widths[0]:
            raise ValueError(
                f"Invalid input of shape {x.shape}. Expected (n, ...) with {self.widths[0]} "
                "numbers per sample"
            )
        if x.dtype.kind != "f":
            raise TypeError(f"Invalid input of {x.dtype}. Make it floating-point, as in x / 255")
        return x.reshape(len(x), -1)

"""The fully connected network of the course: 784-100-10 has 79,510 parameters."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adaopt.nn.initial import draw, symmetric

ACTIVATIONS = {
    "relu": F.relu,
    "elu": F.elu,
    "gelu": F.gelu,
    "silu": F.silu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}


class MLP(nn.Module):
    r"""Multilayer perceptron: :math:`h_\ell = \phi(W_\ell h_{\ell-1} + b_\ell)`, linear at the end.

    Every sample is flattened first, so images (n, 28, 28) serve as they are.

    Initial weights and biases of a layer with d inputs are uniform in
    :math:`[-1/\sqrt d, 1/\sqrt d]`, as in ``torch.nn.Linear``, but drawn from ``generator`` layer
    by layer, weights before biases, in float32. Global random state is neither read nor changed,
    and every dtype starts from the same numbers.

    Args:
        widths: inputs, hidden layers, outputs: (784, 100, 10) has 79,510 parameters.
        activation: one of "relu", "elu", "gelu", "silu", "tanh", "sigmoid".
        generator: where the initial weights come from; None takes a new one with seed 0.
        dtype: of the parameters; None takes torch's default.

    Raises:
        ValueError: fewer than two widths, a width below 1, or an unknown activation; in ``forward``
            samples that have not widths[0] numbers.
        TypeError: in ``forward``, inputs that are not floating-point.
    """

    def __init__(
        self,
        widths: Sequence[int] = (784, 100, 10),
        activation: str = "relu",
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if len(widths) < 2 or not all(isinstance(w, int) and w > 0 for w in widths):
            raise ValueError(f"Invalid widths: {widths}. Expected two or more positive integers")
        if activation not in ACTIVATIONS:
            raise ValueError(
                f"Invalid activation: {activation!r}. Expected one of {tuple(ACTIVATIONS)}"
            )
        self.widths = tuple(widths)
        self.activation = activation
        device = torch.get_default_device()
        with torch.device("meta"):  # torch's own initialization draws nothing there
            self.layers = nn.ModuleList(nn.Linear(*pair, dtype=dtype) for pair in pairwise(widths))
        self.to_empty(device=device)
        self.reset_parameters(generator)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial weights again."""
        generator = generator or torch.Generator("cpu").manual_seed(0)
        for layer in self.layers:
            bound = layer.in_features**-0.5
            draw(layer.weight, symmetric, bound, generator=generator)
            draw(layer.bias, symmetric, bound, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (n, widths[-1]) for floating-point samples (n, ...) of widths[0] numbers each."""
        if x.ndim < 2 or x.shape[1:].numel() != self.widths[0]:
            raise ValueError(
                f"Invalid input of shape {tuple(x.shape)}. Expected (n, ...) with "
                f"{self.widths[0]} numbers per sample"
            )
        if not x.is_floating_point():
            raise TypeError(f"Invalid input of {x.dtype}. Make it floating-point, as in x / 255")
        h = x.flatten(1)
        *hidden, last = self.layers
        for layer in hidden:
            h = ACTIVATIONS[self.activation](layer(h))
        return last(h)

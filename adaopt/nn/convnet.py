"""A small convolutional network for images."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adaopt.nn.initial import draw, symmetric


class ConvNet(nn.Module):
    r"""Convolutions 3x3 with stride 2 and ReLU, then one linear layer on what is left.

    With one grey channel, channels (8, 16) and images 28x28: 80 + 1,168 + 7,850 = 9,098 parameters.
    Initial weights and biases are uniform in :math:`[-1/\sqrt d, 1/\sqrt d]`, d being the number of
    inputs of one output, drawn from ``generator`` in the order of ``named_parameters``.

    Args:
        channels: outputs of every convolution.
        classes: outputs of the network.
        side: height and width of an image in pixels.
        colours: channels of an image: 1, or 3.
        generator: where the initial weights come from; None takes a new one with seed 0.

    Raises:
        ValueError: no convolution, or a size that is not a positive integer; in ``forward`` images
            of another shape.
    """

    def __init__(
        self,
        channels: Sequence[int] = (8, 16),
        classes: int = 10,
        side: int = 28,
        colours: int = 1,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        sizes = {"channels": channels, "classes": [classes], "side": [side], "colours": [colours]}
        for name, values in sizes.items():
            if not values or not all(isinstance(v, int) and v > 0 for v in values):
                raise ValueError(f"Invalid {name}: {values}. Expected positive integers")
        self.shape = (colours, side, side)
        for _ in channels:
            side = -(-side // 2)  # stride 2 with one pixel of padding
        device = torch.get_default_device()
        with torch.device("meta"):  # torch's own initialization draws nothing there
            self.convolutions = nn.ModuleList(
                nn.Conv2d(*pair, 3, stride=2, padding=1) for pair in pairwise([colours, *channels])
            )
            self.head = nn.Linear(channels[-1] * side * side, classes)
        self.to_empty(device=device)
        self.reset_parameters(generator)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial weights again."""
        generator = generator or torch.Generator("cpu").manual_seed(0)
        for layer in (*self.convolutions, self.head):
            bound = layer.weight[0].numel() ** -0.5
            for parameter in (layer.weight, layer.bias):
                draw(parameter, symmetric, bound, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (n, classes) for images (n, colours, side, side), grey ones (n, side, side)."""
        if x.ndim == 3 and self.shape[0] == 1:
            x = x[:, None]
        if x.ndim != 4 or x.shape[1:] != self.shape:
            expected = ", ".join(map(str, self.shape))
            raise ValueError(f"Invalid input of shape {tuple(x.shape)}. Expected (n, {expected})")
        for layer in self.convolutions:
            x = F.relu(layer(x))
        return self.head(x.flatten(1))

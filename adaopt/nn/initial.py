"""Initial weights from an explicit generator: global random state is neither read nor changed."""

from collections.abc import Callable

import torch
from torch import Tensor


@torch.no_grad()
def draw(
    parameter: Tensor, distribution: Callable, *args: float, generator: torch.Generator
) -> None:
    """Fill with ``distribution`` (``Tensor.normal_``, ...), drawn in float32 where generator is.

    So the numbers depend neither on the dtype nor on the device of the parameter.
    """
    if not parameter.is_meta:
        sample = torch.empty(parameter.shape, dtype=torch.float32, device=generator.device)
        parameter.copy_(distribution(sample, *args, generator=generator))


def symmetric(sample: Tensor, bound: float, generator: torch.Generator) -> Tensor:
    """Uniform in [-bound, bound), in separate roundings: the NumPy edition has the same numbers."""
    return sample.uniform_(generator=generator).mul_(2 * bound).sub_(bound)

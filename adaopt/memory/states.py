"""Model states: parameters, gradients and what the optimizer keeps, whole or shared by ZeRO."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import torch
from torch import Tensor

from adaopt import catalog
from adaopt.memory.models import Model, count_parameters, parameters


@dataclass(frozen=True)
class Precision:
    """Bytes per parameter of each copy, the dtype of the optimizer's state and of activations."""

    parameter: int
    gradient: int
    master: int
    state: torch.dtype
    activation: torch.dtype
    meaning: str


PRECISIONS = {
    "fp32": Precision(4, 4, 0, torch.float32, torch.float32, "everything in 32 bits"),
    "fp16": Precision(
        2, 2, 4, torch.float32, torch.float16, "16-bit weights and gradients, 32-bit master copy"
    ),
    "bf16": Precision(
        2, 2, 4, torch.float32, torch.bfloat16, "16-bit weights and gradients, 32-bit master copy"
    ),
    "bf16-pure": Precision(
        2, 2, 0, torch.bfloat16, torch.bfloat16, "everything in 16 bits, the optimizer's state too"
    ),
}
"""fp16 and bf16 are the mixed precision of Micikevicius et al. (2018), as ZeRO counts it."""


def precision_of(name: str) -> Precision:
    if name not in PRECISIONS:
        raise ValueError(f"Unknown precision {name!r}. Known: {', '.join(PRECISIONS)}")
    return PRECISIONS[name]


@dataclass(frozen=True)
class States:
    """Bytes of the model states on one device."""

    parameters: int
    gradients: int
    master: int
    optimizer: int

    @property
    def total(self) -> int:
        return self.parameters + self.gradients + self.master + self.optimizer


def model_states(
    model: Model,
    optimizer: str = "adamw",
    precision: str = "fp16",
    zero: int = 0,
    devices: int = 1,
) -> States:
    r"""The model states of one device: 16 bytes per parameter for Adam in mixed precision.

    Mixed precision keeps 2 bytes of weight, 2 of gradient, a 32-bit master copy (4) and the
    optimizer's state, for Adam 8: with :math:`\Psi` parameters :math:`2\Psi + 2\Psi + 12\Psi`.
    ZeRO shares by N devices the master copy and the state (stage 1), the gradients (2), and the
    weights (3); a share is rounded up to whole bytes.

    Args:
        model: see :func:`count_parameters`. A mere number serves for methods whose state does not
            depend on shapes.
        optimizer: a key of the catalog, at its card's preset.
        precision: a key of ``PRECISIONS``.
        zero: stage 0 to 3.
        devices: N, at least 1.

    Raises:
        ValueError: an unknown name, a stage or number of devices out of range.

    Source: Rajbhandari et al., ZeRO (2020).
    """
    p, n = precision_of(precision), count_parameters(model)
    stage, devices = _check_zero(zero, devices)
    state = optimizer_state(model, optimizer, p.state)

    def share(size: int, from_stage: int) -> int:
        return -(-size // devices) if stage >= from_stage else size

    return States(
        parameters=share(p.parameter * n, 3),
        gradients=share(p.gradient * n, 2),
        master=share(p.master * n, 1),
        optimizer=share(state, 1),
    )


def optimizer_state(
    model: Model | Sequence[Tensor], optimizer: str, dtype: torch.dtype = torch.float32
) -> int:
    """Bytes of tensors that the optimizer keeps after its first step, besides the parameters.

    It is what the torch class itself makes for these shapes (on the meta device: nothing is
    allocated), and equals the tensors of its ``state_dict``.

    Args:
        model: see :func:`count_parameters`, or a list of parameters.
        optimizer: a key of the catalog.
        dtype: of the parameters that the optimizer steps.

    Raises:
        ValueError: an unknown method, or a mere number of parameters for a method whose state
            depends on their shapes.
    """
    number = isinstance(model, int | float)
    card = catalog.card(optimizer)
    if number:
        square, flat = (_kept(card, [torch.Size(s)], dtype) for s in ((64, 64), (4096,)))
        if square != flat or flat % 4096:
            raise ValueError(_needs_shapes(optimizer))
    return _kept(card, _shapes(model), dtype)


def _shapes(model: Model | Sequence[Tensor]) -> list[torch.Size]:
    tensors = model if isinstance(model, list | tuple) else parameters(model)
    return [t.shape for t in tensors]


def _kept(card: catalog.Card, shapes: list[torch.Size], dtype: torch.dtype) -> int:
    params = [torch.empty(shape, dtype=dtype, device="meta") for shape in shapes]
    optimizer = card.torch_class(params, **card.preset)
    (group,) = optimizer.param_groups
    h = optimizer._read(group)
    kept = [optimizer.start(name, p, h) for p in params for name in optimizer.needs(h, p)]
    return sum(tensor.nbytes for tensor in kept)


def _needs_shapes(optimizer: str) -> str:
    return (
        f"The state of {optimizer!r} depends on the shapes of the parameters: "
        "give a model instead of their number"
    )


def zero_states(
    parameters: int | float, devices: int = 1, stage: int = 0, optimizer_bytes: int = 12
) -> float:
    r"""Bytes per device of ZeRO's own formulas for mixed precision.

    Stage 0: :math:`(2 + 2 + K) \Psi`. Stage 1: :math:`4 \Psi + K\Psi / N`. Stage 2:
    :math:`2 \Psi + (2 + K) \Psi / N`. Stage 3: :math:`(4 + K) \Psi / N`.

    Args:
        parameters: :math:`\Psi`.
        devices: N.
        stage: 0 to 3.
        optimizer_bytes: K; 12 for Adam (32-bit weights, momentum and second moment).

    Raises:
        ValueError: a stage or number of devices out of range.

    Source: Rajbhandari et al. (2020), section 5. Its section 5.2 once prints 2 Psi + 12 Psi / N
    for stage 2; the numbers of the paper are those of the formula above.
    """
    stage, devices = _check_zero(stage, devices)
    psi, k = count_parameters(parameters), optimizer_bytes
    whole, shared = ((4 + k, 0), (4, k), (2, 2 + k), (0, 4 + k))[stage]
    return whole * psi + shared * psi / devices


def _check_zero(stage: int, devices: int) -> tuple[int, int]:
    if isinstance(stage, bool) or stage not in (0, 1, 2, 3):
        raise ValueError(f"Invalid ZeRO stage: {stage}. Expected 0, 1, 2 or 3")
    if isinstance(devices, bool) or not isinstance(devices, int) or devices < 1:
        raise ValueError(f"Invalid number of devices: {devices}. Expected a positive integer")
    return stage, devices


def buffer_size(parameters: int, buffer: str | int, devices: int) -> int:
    """Bytes of the buffer in which gradients are gathered for communication.

    ``"fused"``: one 32-bit buffer for all gradients, as in 2019; ``"bucket"``: 25 MiB, torch's
    default bucket, and nothing on one device; or a number of bytes.
    """
    if buffer == "fused":
        return 4 * parameters
    if buffer == "bucket":
        return min(25 * 2**20, 4 * parameters) if devices > 1 else 0
    if isinstance(buffer, int) and buffer >= 0:
        return ceil(buffer)
    raise ValueError(f"Invalid buffer: {buffer!r}. Expected 'fused', 'bucket' or bytes")

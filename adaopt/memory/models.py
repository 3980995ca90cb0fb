"""What a model is to this package: its sizes, its parameters, and a copy that takes no memory."""

import difflib
import math
from functools import cache
from typing import TypeAlias

import torch
from torch import nn

from adaopt.nn import GPT, GPT2_CONFIGS, GPTConfig

Model: TypeAlias = str | GPTConfig | nn.Module | int


def gpt_config(model: Model) -> GPTConfig:
    """The sizes of a GPT: of a published model by name, of a ``GPT``, or the config itself.

    Raises:
        ValueError: an unknown name (the message suggests the nearest), no GPT, or one whose states
            have more than 2**63 bytes.
    """
    if isinstance(model, GPTConfig):
        if _count(model) >= 2**59:
            raise ValueError(f"Too large: {_count(model):.2g} parameters")
        return model
    if isinstance(model, GPT):
        return model.config
    if isinstance(model, str):
        if model in GPT2_CONFIGS:
            return GPT2_CONFIGS[model]
        near = difflib.get_close_matches(model.lower(), GPT2_CONFIGS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"Unknown model {model!r}.{hint} Known: {', '.join(GPT2_CONFIGS)}")
    raise ValueError(f"Expected a GPT (a name, a GPTConfig or a GPT), got {type(model).__name__}")


def count_parameters(model: Model) -> int:
    r"""The number N of parameters.

    For GPT-2 with L blocks, width h, context T and vocabulary V, its head tied to the embedding,

    .. math:: N = Vh + Th + L (12 h^2 + 13 h) + 2h.

    Args:
        model: a name of ``GPT2_CONFIGS``, a ``GPTConfig``, any ``torch.nn.Module`` (on the meta
            device too; shared parameters count once), or the number itself.

    Raises:
        ValueError: an unknown name, or a number below 1.
    """
    if isinstance(model, nn.Module):
        return sum(p.numel() for p in model.parameters())
    if isinstance(model, int | float):
        return _whole(model)
    return _count(gpt_config(model))


def _count(c: GPTConfig) -> int:
    h = c.width
    return c.vocabulary * h + c.context * h + c.layers * (12 * h**2 + 13 * h) + 2 * h


def parameters(model: Model) -> list[torch.Tensor]:
    """The parameters, on the meta device unless the model is a module that lies elsewhere."""
    if isinstance(model, nn.Module):
        return list(model.parameters())
    if isinstance(model, int | float):
        return [torch.empty(_whole(model), device="meta")]
    return list(_on_meta(gpt_config(model)).parameters())


def on_meta(config: GPTConfig, dtype: torch.dtype) -> GPT:
    """A GPT of this dtype on the meta device, in training mode."""
    with torch.device("meta"):
        return GPT(config).to(dtype)


@cache
def _on_meta(config: GPTConfig) -> GPT:
    return on_meta(config, torch.float32)


def check_sizes(config: GPTConfig, batch: int, seq: int | None) -> tuple[int, int]:
    """Batch and sequence length, the latter the model's context by default.

    Raises:
        ValueError: no positive integers, a sequence longer than the context, or so much that a
            tensor would have more than 2**63 bytes.
    """
    seq = config.context if seq is None else seq
    for name, value in (("batch", batch), ("seq", seq)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"Invalid {name}: {value}. Expected a positive integer")
    if seq > config.context:
        raise ValueError(f"Invalid seq: {seq}. The model's context is {config.context}")
    widest = max(config.heads * seq, 4 * config.width, config.vocabulary)
    if 4 * batch * seq * widest * config.layers >= 2**63:
        raise ValueError(f"Too large: batch {batch} of {seq} tokens needs more than 2**63 bytes")
    return batch, seq


def _whole(number: int | float) -> int:
    if isinstance(number, bool) or not (math.isfinite(number) and number >= 1):
        raise ValueError(f"Invalid number of parameters: {number:g}. Expected 1 or more")
    if number != int(number) or number >= 2**59:
        raise ValueError(
            f"Invalid number of parameters: {number:g}. Expected an integer below 2**59"
        )
    return int(number)

"""Every allocation and release of one forward and backward pass, in order, on the meta device."""

import gc
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from adaopt.memory.measure import TrainingRun
from adaopt.memory.models import Model, check_sizes, gpt_config
from adaopt.nn import GPTConfig


class Event(NamedTuple):
    """A storage of ``size`` bytes is made, or, if size is negative, given back."""

    storage: int
    size: int
    op: str


@dataclass(frozen=True)
class Trace:
    """The allocations of one step, parameters and their gradients left out.

    ``saved`` bytes are alive after the forward pass; ``peak`` is the most that is alive at any
    moment, first reached when ``peak_op`` runs.
    """

    events: tuple[Event, ...]
    saved: int
    peak: int
    peak_op: str


def activations_trace(
    model: Model,
    batch: int,
    seq: int | None = None,
    precision: str = "fp16",
    attention: str = "eager",
    checkpoint: int = 0,
) -> Trace:
    """Run one step of a GPT on the meta device and write down what it allocates.

    Activations and temporaries are traced; parameters and their gradients are there before it
    starts and belong to the model states. The kernels are those of :func:`activations_measured`;
    a workspace inside a CUDA kernel is not seen.

    Args, Raises: as for :func:`activations_measured`.
    """
    run = TrainingRun(model, batch, seq, precision, attention, checkpoint)
    for p in run.model.parameters():
        p.grad = torch.zeros_like(p)
    return record(run.loss, run.model.parameters(), run.kernels)


def record(
    loss: Callable[[], Tensor],
    parameters: Iterable[Tensor],
    mode: TorchFunctionMode,
) -> Trace:
    """The trace of ``loss()`` under ``mode`` and of its backward pass."""
    kept = [t for p in parameters for t in (p, p.grad) if t is not None]
    recorder = Recorder(kept)
    was = gc.isenabled()
    gc.disable()  # what is freed when must not depend on the collector
    try:
        with recorder:
            with mode:
                value = loss()
            saved = recorder.live
            value.backward()
        del value
    finally:
        if was:
            gc.enable()
    return Trace(tuple(recorder.events), saved, recorder.peak, recorder.peak_op)


class Recorder(TorchDispatchMode):
    """Sees each operation and notes the storages it makes; their finalizers note the end."""

    def __init__(self, kept: Iterable[Tensor]) -> None:
        super().__init__()
        self.known = {t.untyped_storage()._cdata for t in kept}
        self.events: list[Event] = []
        self.live = self.peak = self.count = 0
        self.peak_op = ""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for t in tree_leaves(result):
            if isinstance(t, Tensor):
                self._note(t.untyped_storage(), str(func))
        return result

    def _note(self, storage: torch.UntypedStorage, op: str) -> None:
        size, key = storage.nbytes(), storage._cdata
        if key in self.known or not size:
            return
        self.known.add(key)
        self.count += 1
        self.events.append(Event(self.count, size, op))
        self.live += size
        if self.live > self.peak:
            self.peak, self.peak_op = self.live, op
        weakref.finalize(storage, self._release, key, self.count, size)

    def _release(self, key: int, number: int, size: int) -> None:
        self.known.discard(key)
        self.live -= size
        self.events.append(Event(number, -size, "release"))


def joined(traces: Iterable[Trace]) -> tuple[Event, ...]:
    """The events of several steps one after another; what a step leaves over is given back."""
    events: list[Event] = []
    offset = 0
    for trace in traces:
        alive: dict[int, int] = {}
        for storage, size, op in trace.events:
            events.append(Event(storage + offset, size, op))
            alive[storage + offset] = alive.get(storage + offset, 0) + size
        events += [Event(storage, -size, "release") for storage, size in alive.items() if size]
        offset += len(trace.events)
    return tuple(events)


def activations_peak(
    model: Model,
    batch: int,
    seq: int | None = None,
    precision: str = "fp16",
    attention: str = "eager",
    checkpoint: int = 0,
) -> int:
    """Bytes of activations and temporaries at the worst moment of a step.

    Equal layers add equal amounts, so the peak is linear in the number of segments: it is traced
    with few layers and continued, which a test compares with whole traces.

    Args, Raises: as for :func:`activations_measured`.
    """
    config = gpt_config(model)
    batch, seq = check_sizes(config, batch, seq)
    k = max(checkpoint, 1)
    whole, rest = divmod(config.layers, k)
    few = 3
    if whole <= few:
        return _traced(config, batch, seq, precision, attention, checkpoint)
    ends = (
        _traced(_with_layers(config, n * k + rest), batch, seq, precision, attention, checkpoint)
        for n in (few - 1, few)
    )
    low, high = ends
    return high + (whole - few) * (high - low)


def _with_layers(config: GPTConfig, layers: int) -> GPTConfig:
    sizes = (config.heads, config.width, config.context, config.vocabulary, config.dropout)
    return GPTConfig(layers, *sizes)


@cache
def _traced(
    config: GPTConfig, batch: int, seq: int, precision: str, attention: str, checkpoint: int
) -> int:
    return activations_trace(config, batch, seq, precision, attention, checkpoint).peak

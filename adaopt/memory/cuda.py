"""Compare the count on the meta device with what a CUDA device allocates."""

from dataclasses import dataclass

import torch

from adaopt.memory.measure import TrainingRun, activations_measured
from adaopt.memory.trace import activations_trace
from adaopt.nn import GPTConfig

SMALL = GPTConfig(layers=4, heads=8, width=512, context=512, vocabulary=50257, dropout=0.1)


@dataclass(frozen=True)
class Comparison:
    """Bytes on the meta device and on CUDA, for one kind of attention."""

    attention: str
    saved_meta: int
    saved_cuda: int
    peak_meta: int
    peak_cuda: int

    @property
    def saved_error(self) -> float:
        return self.saved_meta / self.saved_cuda - 1

    @property
    def peak_error(self) -> float:
        return self.peak_meta / self.peak_cuda - 1


def verify(config: GPTConfig = SMALL, batch: int = 4, precision: str = "fp16") -> list[Comparison]:
    """One step of a small GPT on CUDA beside the measurement and the trace on meta.

    Saved: ``torch.cuda.memory_allocated`` after the forward pass over that before it. Peak:
    ``max_memory_allocated`` of the step over that before it, gradients being there already. A first
    step is not counted: libraries take their workspaces then.

    Raises:
        RuntimeError: no CUDA device.
    """
    if not torch.cuda.is_available():
        raise RuntimeError("no CUDA device: the comparison needs one")
    return [_compare(config, batch, precision, attention) for attention in ("eager", "flash")]


def _compare(config: GPTConfig, batch: int, precision: str, attention: str) -> Comparison:
    seq = config.context
    meta = activations_measured(config, batch, seq, precision, attention)
    trace = activations_trace(config, batch, seq, precision, attention)
    run = TrainingRun(config, batch, seq, precision, attention, device="cuda")
    _step(run)
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    after = _step(run)
    peak = torch.cuda.max_memory_allocated()
    # The tokens lie on the device before the step and are saved by reference.
    tokens = meta.by_term()["token numbers"]
    return Comparison(attention, meta.total - tokens, after - before, trace.peak, peak - before)


def _step(run: TrainingRun) -> int:
    """One step; what is allocated between its two passes."""
    with run.kernels:
        loss = run.loss()
    torch.cuda.synchronize()
    between = torch.cuda.memory_allocated()
    loss.backward()
    torch.cuda.synchronize()
    return between

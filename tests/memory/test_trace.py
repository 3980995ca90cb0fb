"""The trace of a step, its peak, and torch's own tracker beside them."""

from dataclasses import replace

import pytest
import torch
from torch.distributed._tools.mem_tracker import MemTracker

from adaopt.memory import (
    activations_measured,
    activations_peak,
    activations_trace,
    joined,
    peak_formula,
)
from adaopt.memory.measure import TrainingRun
from adaopt.nn import GPTConfig

TINY = GPTConfig(2, 2, 64, 128, 211, 0.1)
SMALL = GPTConfig(6, 4, 256, 256, 2000, 0.1)


@pytest.mark.parametrize("checkpoint", [0, 1, 2])
@pytest.mark.parametrize("attention", ["eager", "flash"])
def test_after_the_forward_pass_what_is_alive_is_what_was_saved(attention, checkpoint):
    trace = activations_trace(TINY, 3, attention=attention, checkpoint=checkpoint)
    ledger = activations_measured(TINY, 3, attention=attention, checkpoint=checkpoint)
    # The tokens were there before the step; the loss itself and the causal mask are no activations.
    saved = ledger.total - ledger.by_term()["token numbers"]
    assert 0 <= trace.saved - saved <= 2 * 128 * 128 + 1024


def test_events_balance_and_give_the_peak():
    trace = activations_trace(TINY, 2)
    alive, live, peak = {}, 0, 0
    for event in trace.events:
        live += event.size
        peak = max(peak, live)
        if event.size > 0:
            assert event.storage not in alive
            alive[event.storage] = event.size
        else:
            assert alive.pop(event.storage) == -event.size
    assert peak == trace.peak > trace.saved
    assert trace.peak_op in {event.op for event in trace.events}
    both = joined([trace, trace])
    assert sum(event.size for event in both) == 0
    assert len({e.storage for e in both}) == 2 * len({e.storage for e in trace.events})


def test_a_trace_is_the_same_every_time():
    assert activations_trace(TINY, 2, checkpoint=1) == activations_trace(TINY, 2, checkpoint=1)


@pytest.mark.parametrize(
    ("layers", "checkpoint"), [(3, 0), (7, 0), (6, 1), (9, 2), (13, 3), (8, 2)]
)
@pytest.mark.parametrize(("attention", "vocabulary"), [("eager", 50), ("flash", 5000)])
def test_the_peak_continued_from_few_layers_is_that_of_all(
    layers, checkpoint, attention, vocabulary
):
    """Segments or logits decide, with and without a shorter last segment."""
    config = replace(TINY, layers=layers, vocabulary=vocabulary)
    whole = activations_trace(config, 3, None, "fp16", attention, checkpoint).peak
    assert activations_peak(config, 3, None, "fp16", attention, checkpoint) == whole


@pytest.mark.parametrize("checkpoint", [0, 1, 2, 3, 6])
@pytest.mark.parametrize("attention", ["eager", "flash"])
def test_the_formula_of_the_peak_is_near_the_trace(attention, checkpoint):
    """Where logits decide to 1%; where a segment decides its temporaries come on top."""
    how = SMALL, 4, None, "fp16", attention, checkpoint
    formula, traced = peak_formula(*how), activations_trace(*how).peak
    assert 0.99 < traced / formula < 1.3


@pytest.mark.parametrize("checkpoint", [0, 1, 3])
def test_torchs_tracker_finds_the_same(checkpoint):
    """MemTracker on a real run on the CPU: the most that is alive, weights and gradients aside."""
    trace = activations_trace(SMALL, 4, None, "fp32", "eager", checkpoint)
    run = TrainingRun(SMALL, 4, None, "fp32", "eager", checkpoint, device="cpu")
    for p in run.model.parameters():
        p.grad = torch.zeros_like(p)
    tracker = MemTracker()
    tracker.track_external(run.model)
    with tracker:
        with run.kernels:
            loss = run.loss()
        loss.backward()
    (snapshot,) = tracker.get_tracker_snapshot("peak").values()
    total = {str(kind): size for kind, size in snapshot.items()}
    weights = 2 * 4 * sum(p.numel() for p in run.model.parameters())
    assert total["Total"] - weights == pytest.approx(trace.peak, rel=0.02)

"""One budget: its lines, what fits, and the cheapest change."""

from dataclasses import replace

import pytest
from torch import nn

from adaopt.memory import (
    Plan,
    activations_measured,
    activations_peak,
    budget,
    count_parameters,
    model_states,
)
from adaopt.memory.planning import _total
from adaopt.nn import GPT2_CONFIGS, GPTConfig

SMALL = GPTConfig(4, 4, 128, 128, 1000, 0.1)


def lines(answer):
    return {line.name: line.bytes for line in answer.lines}


def test_every_line_is_what_its_function_says():
    answer = budget(SMALL, 8, 100, "momentum", "bf16", 2, 4, 1, "flash", buffer="fused", reserve=77)
    states = model_states(SMALL, "momentum", "bf16", 2, 4)
    saved = activations_measured(SMALL, 8, 100, "bf16", "flash", 1).total
    peak = activations_peak(SMALL, 8, 100, "bf16", "flash", 1)
    n = count_parameters(SMALL)
    assert lines(answer) == {
        "parameters": states.parameters,
        "gradients": states.gradients,
        "master copy": states.master,
        "optimizer state": states.optimizer,
        "saved activations": saved,
        "backward pass": peak - saved,
        "gradient buffer": 4 * n,
        "reserve": 77,
    }
    assert answer.total == states.total + peak + 4 * n + 77
    assert all(line.assumption for line in answer.lines)
    assert answer.fits is answer.largest_batch is answer.cheapest is None


def test_a_number_of_parameters_has_model_states_alone():
    answer = budget(7.5e9, optimizer="adam", zero=1, devices=64, buffer=0, device_memory=32 * 10**9)
    assert answer.total == 31.40625e9
    assert "saved activations" not in lines(answer)
    assert answer.fits and answer.cheapest == () and answer.largest_batch is None


def test_xl_on_32_gb_as_of_2019():
    """Batch 1 with flash attention fits; with a fused 32-bit buffer it does not."""
    memory = {"device_memory": 32 * 10**9}
    assert budget("gpt2-xl", 1, attention="flash", **memory).fits
    assert not budget("gpt2-xl", 1, attention="flash", buffer="fused", **memory).fits
    assert budget("gpt2-xl", 1, checkpoint=1, buffer="fused", **memory).fits


def test_the_largest_batch_fits_and_the_next_does_not():
    for memory in (30_000_000, 300_000_000):
        for plan in (Plan(), Plan(attention="flash", checkpoint=1)):
            how = {"attention": plan.attention, "checkpoint": plan.checkpoint}
            best = budget(SMALL, device_memory=memory, **how).largest_batch
            assert best >= 1
            assert _total(SMALL, replace(plan, batch=best)) <= memory
            assert _total(SMALL, replace(plan, batch=best + 1)) > memory


def test_nothing_fits_into_too_little():
    answer = budget(SMALL, device_memory=1_000_000)
    assert (answer.fits, answer.largest_batch, answer.cheapest) == (False, 0, None)


@pytest.mark.parametrize(
    ("plan", "memory", "changes"),
    [
        ({"batch": 4}, 50e9, ("flash attention",)),
        ({"batch": 4, "attention": "flash"}, 32e9, ("2 parts of 2 with gradients added up",)),
        ({"batch": 8, "devices": 8}, 60e9, ("flash attention",)),
        ({"batch": 1, "attention": "flash", "devices": 8}, 20e9, ("ZeRO 1",)),
        (
            {"batch": 1, "attention": "flash"},
            26e9,
            ("checkpointing every layer (+32% arithmetic)",),
        ),
    ],
    ids=str,
)
def test_the_cheapest_change(plan, memory, changes):
    answer = budget("gpt2-xl", device_memory=int(memory), **plan)
    assert not answer.fits
    assert answer.cheapest == changes
    assert answer.cheapest_total <= memory


def test_arithmetic_is_spent_last():
    """Where flash attention and ZeRO suffice together, nothing is computed again."""
    answer = budget("gpt2-xl", 8, devices=64, device_memory=40 * 10**9)
    assert answer.cheapest is not None
    assert not any("checkpointing" in change for change in answer.cheapest)


def test_published_names_and_configs_are_the_same():
    assert budget("gpt2").lines == budget(GPT2_CONFIGS["gpt2"]).lines


WRONG = {
    "Invalid device_memory: -1": {"device_memory": -1},
    "Invalid reserve: -5": {"reserve": -5},
    "Invalid batch: 0": {"batch": 0},
    "Invalid seq: 129": {"seq": 129},
    "Unknown optimizer 'adm'": {"optimizer": "adm"},
    "Unknown attention 'sparse'": {"attention": "sparse"},
    "Invalid checkpoint: 9": {"checkpoint": 9},
    "Invalid buffer: 'large'": {"buffer": "large"},
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_arguments_are_named(message):
    with pytest.raises(ValueError, match=message):
        budget(SMALL, **WRONG[message])


def test_other_modules_are_told_what_to_use():
    with pytest.raises(ValueError, match="A budget needs a GPT"):
        budget(nn.Linear(2, 2))

"""Parameters counted, model states and ZeRO: the published numbers, and real state dicts."""

import pytest
import torch
from torch import nn

from adaopt import catalog
from adaopt.memory import (
    PRECISIONS,
    count_parameters,
    gpt_config,
    model_states,
    optimizer_state,
    zero_states,
)
from adaopt.memory.states import buffer_size
from adaopt.nn import GPT, GPT2_CONFIGS, MLP, GPTConfig

EXACT = {
    "gpt2": 124_439_808,
    "gpt2-medium": 354_823_168,
    "gpt2-large": 774_030_080,
    "gpt2-xl": 1_557_611_200,
}
TINY = GPTConfig(2, 2, 8, 16, 32, 0.1)


@pytest.mark.parametrize("name", EXACT)
def test_the_published_models_are_counted_exactly(name):
    with torch.device("meta"):
        model = GPT(GPT2_CONFIGS[name])
    assert count_parameters(name) == EXACT[name]
    assert count_parameters(model) == EXACT[name] == sum(p.numel() for p in model.parameters())


def test_a_parameter_that_two_modules_share_counts_once():
    layer = nn.Linear(3, 5)
    assert count_parameters(nn.Sequential(layer, nn.Linear(5, 3), layer)) == 20 + 18


@pytest.mark.parametrize("key", catalog.CARDS)
def test_state_is_what_the_state_dict_really_holds(key):
    """On float32 and bfloat16 parameters, every method of the catalog, vectors and matrices."""
    for dtype in (torch.float32, torch.bfloat16):
        model = MLP((40, 30, 7), dtype=dtype)
        params = list(model.parameters())
        optimizer = catalog.card(key).torch_class(params, **catalog.card(key).preset)
        for p in params:
            p.grad = torch.ones_like(p)
        optimizer.step()
        state = optimizer.state_dict()["state"]
        tensors = [t for values in state.values() for t in values.values() if torch.is_tensor(t)]
        real = sum(t.numel() * t.element_size() for t in tensors)
        assert optimizer_state(model, key, dtype) == real


@pytest.mark.parametrize("card", catalog.CARDS.values(), ids=lambda card: card.key)
def test_the_card_says_what_a_number_costs(card):
    """Where state does not depend on shapes; else a mere number of parameters is refused."""
    try:
        state = optimizer_state(1000, card.key)
    except ValueError as error:
        assert "depends on the shapes" in str(error)
        flat = optimizer_state([torch.empty(64, 64)], card.key)
        assert (
            flat != 4096 * card.state_bytes
            or optimizer_state([torch.empty(4096)], card.key) != 4096 * card.state_bytes
        )
    else:
        assert state == 1000 * card.state_bytes


def test_adam_in_mixed_precision_is_16_bytes_a_parameter():
    states = model_states("gpt2-xl", "adamw", "fp16")
    n = EXACT["gpt2-xl"]
    assert (states.parameters, states.gradients) == (2 * n, 2 * n)
    assert (states.master, states.optimizer) == (4 * n, 8 * n)
    assert states.total == 16 * n == 24_921_779_200


@pytest.mark.parametrize(
    ("precision", "bytes_each"), [("fp32", 16), ("fp16", 16), ("bf16", 16), ("bf16-pure", 8)]
)
def test_precisions(precision, bytes_each):
    assert model_states("gpt2", "adamw", precision).total == bytes_each * EXACT["gpt2"]
    assert precision in PRECISIONS


def test_the_numbers_of_the_zero_paper():
    """7.5e9 parameters, 64 devices: 120, 31.4, 16.6 and 1.9 GB."""
    gigabytes = [zero_states(7.5e9, 64, stage) / 1e9 for stage in range(4)]
    assert [round(x, 1) for x in gigabytes] == [120.0, 31.4, 16.6, 1.9]
    assert gigabytes == [120.0, 31.40625, 16.640625, 1.875]
    slip = (2 + 12 / 64) * 7.5  # as section 5.2 once prints it
    assert round(slip, 1) == 16.4


@pytest.mark.parametrize("stage", range(4))
@pytest.mark.parametrize("devices", [1, 4, 64])
def test_zero_by_formula_and_by_shares_agree(stage, devices):
    n = 7_500_000_000
    states = model_states(n, "adam", "fp16", stage, devices)
    assert states.total == zero_states(n, devices, stage)


def test_shares_are_rounded_up():
    states = model_states(1001, "adam", "fp16", 3, 64)
    assert states.parameters == 32 and states.parameters * 64 >= 2002
    assert states.total * 64 >= 16 * 1001


def test_a_flat_number_serves_where_shapes_do_not_matter():
    assert optimizer_state(1000, "sgd") == 0
    assert optimizer_state(1000, "momentum") == 4000
    with pytest.raises(ValueError, match="'shampoo' depends on the shapes"):
        optimizer_state(1000, "shampoo")


def test_matrix_methods_by_hand():
    shapes = [torch.Size((6, 4)), torch.Size((5,)), torch.Size((9000, 4))]
    tensors = [torch.empty(shape) for shape in shapes]
    assert optimizer_state(tensors, "muon") == 4 * (24 + 5 + 36000)
    # Shampoo: of 9000 rows the diagonal; SOAP: 71 blocks, 54 of 127 rows and 17 of 126
    assert optimizer_state(tensors, "shampoo") == 8 * (36 + 16 + 25 + 9000 + 16)
    blocks = 54 * 127**2 + 17 * 126**2 + 71 * 16
    assert optimizer_state(tensors, "soap") == 8 * (24 + 5 + 36000 + 36 + 16 + blocks)


@pytest.mark.parametrize(
    ("buffer", "devices", "size"),
    [("fused", 1, 4_000_000_000), ("bucket", 1, 0), ("bucket", 2, 25 * 2**20), (77, 1, 77)],
)
def test_gradient_buffers(buffer, devices, size):
    assert buffer_size(10**9, buffer, devices) == size


WRONG = {
    "Unknown model 'gpt2-xxl'. Did you mean 'gpt2-xl'": lambda: count_parameters("gpt2-xxl"),
    "Invalid number of parameters: nan": lambda: count_parameters(float("nan")),
    "Invalid number of parameters: 0": lambda: count_parameters(0),
    "Expected an integer below": lambda: count_parameters(1e300),
    "Expected a GPT .* got Linear": lambda: gpt_config(nn.Linear(1, 1)),
    "Unknown optimizer 'adamm'": lambda: model_states(TINY, "adamm"),
    "Unknown precision 'fp8'": lambda: model_states(TINY, precision="fp8"),
    "Invalid ZeRO stage: 4": lambda: model_states(TINY, zero=4),
    "Invalid ZeRO stage: -1": lambda: zero_states(1e9, 4, -1),
    "Invalid number of devices: 0": lambda: zero_states(1e9, 0, 1),
    "Invalid buffer: 'huge'": lambda: buffer_size(1, "huge", 1),
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_arguments_are_named(message):
    with pytest.raises(ValueError, match=message):
        WRONG[message]()

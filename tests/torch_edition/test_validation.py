"""Hyper-parameters out of range: torch.optim's messages, wherever the value comes from."""

import math

import numpy as np
import pytest
import torch
from torch.nn import Parameter

from adaopt.catalog import CARDS
from adaopt.ranges import RANGES, checked
from adaopt.torch.engine.hyper import ENGINE

NAN, INF = float("nan"), float("inf")
FLAG = [("yes", TypeError, "'yes' .expected True or False"), (2, TypeError, "2 .expected True")]
NUMBER = [
    (NAN, ValueError, "nan$"),
    (-INF, ValueError, "-inf$"),
    (-(10**400), ValueError, "-10+$"),  # an integer beyond every float
    ("0.1", TypeError, "'0.1' .expected a number"),
    ([1], TypeError, r"\[1\] .expected a number"),
]


def wrong_values(card):
    """Of every keyword of the class: name, a bad value, the error and the end of its message."""
    cls = card.torch_class
    for name, default in {**cls.hyper, **ENGINE}.items():
        if name in cls.choices:
            yield name, "nonsense", ValueError, "'nonsense' .expected one of"
        elif isinstance(default, bool) or name in ENGINE:
            yield from ((name, *bad) for bad in FLAG)
        elif isinstance(default, tuple):
            yield name, 0.5, TypeError, r"0.5 .expected \d numbers"
            for i in range(len(default)):
                for value, error, message in NUMBER:
                    yield name, (*default[:i], value, *default[i + 1 :]), error, message
        else:
            yield from ((name, *bad) for bad in NUMBER)
            low, _ = cls.ranges.get(name) or RANGES.get(name, (None, None))
            if low is not None:
                yield name, low - 1, ValueError, f"{low - 1}$"
            if default is not None:
                yield name, None, TypeError, "None .expected a number"
            if isinstance(default, int):
                yield name, default + 0.5, TypeError, r"\d.5 .expected a whole number"


# One card for each class: what is refused does not depend on the other hyper-parameters.
CLASSES = {card.class_name: card for card in CARDS.values()}


@pytest.fixture(params=CLASSES)
def card(request):
    """One card of every class."""
    return CLASSES[request.param]


def test_in_the_constructor(card):
    for name, value, error, message in wrong_values(card):
        with pytest.raises(error, match=f"^Invalid .*{message}"):
            card.torch_class([Parameter(torch.ones(2))], **{name: value})


def test_in_a_parameter_group(card):
    for name, value, error, message in wrong_values(card):
        p, q = Parameter(torch.ones(2)), Parameter(torch.ones(2))
        with pytest.raises(error, match=message):
            card.torch_class([{"params": [p], name: value}])
        optimizer = card.torch_class([p])
        with pytest.raises(error, match=message):
            optimizer.add_param_group({"params": [q], name: value})
        assert len(optimizer.param_groups) == 1


def test_a_misspelt_keyword_in_a_parameter_group(card):
    p, q = Parameter(torch.ones(2)), Parameter(torch.ones(2))
    optimizer = card.torch_class([{"params": [p], "initial_lr": 0.1, "max_momentum": 1, "mine": 0}])
    with pytest.raises(TypeError, match=r"keyword 'maximiz'. Did you mean 'maximize'"):
        optimizer.add_param_group({"params": [q], "maximiz": True})
    assert len(optimizer.param_groups) == 1
    assert optimizer.param_groups[0]["mine"] == 0


def test_set_after_construction(card, problem, equal):
    p = problem([(3,), (2,)])
    optimizer = card.torch_class([{"params": [p.params[0]]}, {"params": [p.params[1]]}])
    p.run(optimizer, 1)
    before, state = p.values(), str(optimizer.state_dict()["state"])
    group = optimizer.param_groups[1]
    for name, value, error, message in wrong_values(card):
        good, group[name] = group[name], value
        with pytest.raises(error, match=message):
            p.run(optimizer, 1)
        equal(p.values(), before)
        assert str(optimizer.state_dict()["state"]) == state
        group[name] = good
    p.run(optimizer, 1)  # it goes on


def test_a_number_in_an_array_or_a_tensor(card):
    for rate in (np.float32(0.5), np.array([0.5]), torch.tensor(0.5), torch.tensor([[0.5]])):
        p = Parameter(torch.ones(2))
        p.grad = torch.ones(2)
        card.torch_class([p], lr=rate).step()
    with pytest.raises(ValueError, match="Tensor lr must be 1-element"):
        card.torch_class([p], lr=torch.tensor([0.1, 0.2]))
    with pytest.raises(ValueError, match=r"Invalid learning rate: (-1\.0|tensor\(-1\.\))"):
        card.torch_class([p], lr=torch.tensor(-1.0))


def test_torchs_message_for_every_value_torch_checks():
    p = [Parameter(torch.ones(2))]
    samples = {
        "lr": (torch.optim.SGD, -1),
        "momentum": (torch.optim.SGD, -0.5),
        "weight_decay": (torch.optim.SGD, -1e-3),
        "eps": (torch.optim.Adam, -1.0),
        "alpha": (torch.optim.RMSprop, -0.1),
        "rho": (torch.optim.Adadelta, 1.5),
        "lr_decay": (torch.optim.Adagrad, -1),
        "initial_accumulator_value": (torch.optim.Adagrad, -1),
        "momentum_decay": (torch.optim.NAdam, -1),
    }
    for name, (optimizer, value) in samples.items():
        with pytest.raises(ValueError) as theirs:
            optimizer(p, **{name: value})
        with pytest.raises(ValueError) as ours:
            checked(name, value, 0.0)
        assert str(ours.value) == str(theirs.value)
    for betas in ((1.0, 0.9), (-0.1, 0.9), (0.9, 1.0)):
        with pytest.raises(ValueError) as theirs:
            torch.optim.Adam(p, betas=betas)
        with pytest.raises(ValueError) as ours:
            checked("betas", betas, (0.9, 0.999))
        assert str(ours.value) == str(theirs.value)


def test_kinds_of_numbers():
    for value in (1, np.array(1.0), np.float32(1), np.int64(1), torch.tensor([1.0])):
        number = checked("lr", value, 1e-3)
        assert number == 1.0
        assert type(number) is float
    for flag in (1, True, np.True_):
        assert checked("nesterov", flag, False) is True
    assert checked("betas", [0, 0.5], (0.9, 0.99)) == (0.0, 0.5)
    with pytest.raises(TypeError, match=r"Invalid betas value: 0.9 .expected 2 numbers"):
        checked("betas", 0.9, (0.9, 0.99))
    with pytest.raises(TypeError, match="Invalid beta parameter at index 1: 'x'"):
        checked("betas", (0.9, "x"), (0.9, 0.99))
    assert checked("warmup_steps", 3.0, 0) == 3
    with pytest.raises(TypeError, match=r"Invalid warmup_steps value: 0.5 .expected a whole"):
        checked("warmup_steps", 0.5, 0)
    assert checked("growth_rate", math.inf, math.inf) == math.inf
    assert checked("eps", (None, 1), (None, 1e-3)) == (None, 1.0)


def test_words_are_among_the_choices():
    choices = (False, True, "hat")
    assert checked("amsgrad", "hat", False, choices) == "hat"
    assert checked("amsgrad", True, False, choices) is True
    for wrong in ("had", 1, None):
        message = rf"Invalid amsgrad value: {wrong!r} \(expected one of False, True, 'hat'\)"
        with pytest.raises(ValueError, match=message):
            checked("amsgrad", wrong, False, choices)


def test_an_interval_of_the_method_replaces_the_shared_one():
    assert checked("power", 2, 2.0, None, (1.0, 8.0)) == 2.0
    with pytest.raises(ValueError, match=r"Invalid power value: 0\.5"):
        checked("power", 0.5, 2.0, None, (1.0, 8.0))

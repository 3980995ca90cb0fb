"""Hyper-parameters out of range: torch.optim's messages, wherever the value comes from."""

import copy
import math

import numpy as np
import pytest
import torch
from torch.nn import Parameter

from adaopt.ranges import checked
from adaopt.torch.engine.hyper import ENGINE

NAN, INF = float("nan"), float("inf")
# name, value, message; names that a method lacks are skipped there
BAD = [
    ("lr", -1, "Invalid learning rate: -1$"),
    ("lr", NAN, "Invalid learning rate: nan$"),
    ("lr", INF, "Invalid learning rate: inf$"),
    ("lr", 10**400, "Invalid learning rate: 10+$"),
    ("dampening", -(10**400), "Invalid dampening value: -10+$"),
    ("lr", "0.1", "Invalid learning rate: '0.1' .expected a number"),
    ("lr", None, "Invalid learning rate: None .expected a number"),
    ("lr", torch.tensor([0.1, 0.2]), "Tensor lr must be 1-element$"),
    ("lr", torch.tensor(-1.0), r"Invalid learning rate: -1\.0|tensor\(-1\.\)"),
    ("momentum", -0.1, "Invalid momentum value: -0.1$"),
    ("momentum", NAN, "Invalid momentum value: nan$"),
    ("dampening", NAN, "Invalid dampening value: nan$"),
    ("dampening", [1], r"Invalid dampening value: \[1\] .expected a number"),
    ("weight_decay", -2.5, "Invalid weight_decay value: -2.5$"),
    ("nesterov", "yes", "Invalid nesterov value: 'yes' .expected True or False"),
    ("maximize", 2, "Invalid maximize value: 2 .expected True or False"),
    ("maximize", None, "Invalid maximize value: None .expected True or False"),
    ("foreach", "no", "Invalid foreach value: 'no' .expected True or False"),
    ("fused", "no", "Invalid fused value: 'no' .expected True or False"),
    ("differentiable", "no", "Invalid differentiable value: 'no' .expected True or False"),
]


@pytest.fixture(params=BAD, ids=lambda bad: f"{bad[0]}={bad[1]}")
def bad(request, case):
    """A bad value that this method can be given, and the message it earns."""
    name, value, message = request.param
    if name not in (*case.card.torch_class.hyper, *ENGINE):
        pytest.skip(f"{case.card.class_name} has no {name}")
    return name, value, message


def test_in_the_constructor(case, bad):
    name, value, message = bad
    with pytest.raises((ValueError, TypeError), match=message):
        case([Parameter(torch.ones(2))], **{name: value})


def test_in_a_parameter_group(case, bad):
    name, value, message = bad
    p, q = Parameter(torch.ones(2)), Parameter(torch.ones(2))
    with pytest.raises((ValueError, TypeError), match=message):
        case([{"params": [p], name: value}])
    optimizer = case([p])
    with pytest.raises((ValueError, TypeError), match=message):
        optimizer.add_param_group({"params": [q], name: value})
    assert len(optimizer.param_groups) == 1


def test_set_after_construction(case, bad, problem, equal):
    name, value, message = bad
    p = problem([(3,), (2,)])
    optimizer = case([{"params": [p.params[0]]}, {"params": [p.params[1]]}])
    p.run(optimizer, 1)
    before, state = p.values(), copy.deepcopy(optimizer.state_dict()["state"])
    optimizer.param_groups[1][name] = value
    with pytest.raises((ValueError, TypeError), match=message):
        p.run(optimizer, 1)
    equal(p.values(), before)
    assert str(optimizer.state_dict()["state"]) == str(state)


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
    with pytest.raises(TypeError, match=r"Invalid warmup_steps value: 0.5 .expected a whole number"):
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

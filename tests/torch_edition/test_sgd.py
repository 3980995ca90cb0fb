"""SGD equals torch.optim.SGD, at odd settings, on every path, state dicts included.

Bit for bit, but for momentum without dampening: ours rounds ``mu v + g`` once, torch's twice.
"""

import itertools

import pytest
import torch
from torch.nn import Parameter

from adaopt.torch import SGD

SETTINGS = [
    {"momentum": momentum, "dampening": dampening, "weight_decay": decay, "nesterov": nesterov}
    for momentum, dampening, decay, nesterov in itertools.product(
        (0.0, 0.83, 1.0), (0.0, 0.3, -0.4), (0.0, 0.07), (False, True)
    )
    if not (nesterov and (momentum == 0 or dampening != 0))
]


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("hyper", SETTINGS, ids=str)
def test_equals_torch(problem, equal, hyper, maximize):
    ours, theirs = problem(), problem()
    a = SGD(ours.params, 0.037, **hyper, maximize=maximize)
    b = torch.optim.SGD(theirs.params, 0.037, **hyper, maximize=maximize, foreach=False)
    tolerance = 1e-15 if hyper["momentum"] and not hyper["dampening"] else 0
    equal(ours.run(a, 6), theirs.run(b, 6), tolerance)
    for p, q in zip(ours.params, theirs.params, strict=True):
        assert ("momentum_buffer" in a.state[p]) == ("momentum_buffer" in b.state[q])
        if hyper["momentum"]:
            buffers = a.state[p]["momentum_buffer"], b.state[q]["momentum_buffer"]
            equal(buffers[:1], buffers[1:], tolerance)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_equals_torch_in_every_real_dtype(problem, equal, dtype):
    ours, theirs = problem(dtype=dtype), problem(dtype=dtype)
    hyper = {"lr": 0.03, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}
    a, b = SGD(ours.params, **hyper), torch.optim.SGD(theirs.params, **hyper, foreach=False)
    equal(ours.run(a, 6), theirs.run(b, 6), 2 * torch.finfo(dtype).eps)


@pytest.mark.parametrize("hyper", SETTINGS[:: len(SETTINGS) // 5], ids=str)
def test_equals_torch_on_views_and_for_complex_numbers(problem, equal, cut, hyper):
    for dtype in (torch.float64, torch.complex128):
        ours, theirs = problem(dtype=dtype), problem(dtype=dtype)
        a, b = SGD(ours.params, 0.037, **hyper), torch.optim.SGD(theirs.params, 0.037, **hyper)
        equal(ours.run(a, 6), theirs.run(b, 6), 1e-15)


def test_a_large_tensor_goes_in_blocks(equal):
    generator = torch.Generator().manual_seed(0)
    start, g = (torch.randn(700, 999, generator=generator) for _ in range(2))
    ours, theirs = Parameter(start.clone()), Parameter(start.clone())
    a = SGD([ours], 0.1, momentum=0.9, weight_decay=0.01)
    b = torch.optim.SGD([theirs], 0.1, momentum=0.9, weight_decay=0.01)
    for _ in range(3):
        ours.grad = theirs.grad = g
        a.step()
        b.step()
    equal([ours], [theirs], 1e-6)


def test_momentum_switched_on_off_and_on_again(problem, equal):
    ours, theirs = problem(), problem()
    a = SGD(ours.params, 0.1, dampening=0.4)
    b = torch.optim.SGD(theirs.params, 0.1, dampening=0.4)
    for momentum in (0, 0.9, 0.9, 0, 0.5):
        a.param_groups[0]["momentum"] = b.param_groups[0]["momentum"] = momentum
        equal(ours.run(a, 2), theirs.run(b, 2))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_state_dicts_move_between_torch_and_us(problem, equal, momentum):
    hyper = {"lr": 0.1, "momentum": momentum, "dampening": 0.4 if momentum else 0}
    straight = problem()
    expected = straight.run(torch.optim.SGD(straight.params, **hyper), 5)
    for first, second in ((SGD, torch.optim.SGD), (torch.optim.SGD, SGD)):
        p = problem()
        before, after = first(p.params, **hyper), second(p.params, lr=3.0)
        p.run(before, 3)
        after.load_state_dict(before.state_dict())
        equal(p.run(after, 2), expected)


@pytest.mark.parametrize("other", [torch.optim.Adam, torch.optim.RMSprop, torch.optim.Rprop])
def test_the_state_dict_of_another_method_is_refused(problem, other):
    p = problem()
    theirs = other(p.params)
    p.run(theirs, 1)
    with pytest.raises(ValueError, match=r"the state dict is not of SGD: .* lack .*dampening"):
        SGD(p.params, 0.1).load_state_dict(theirs.state_dict())


def test_nesterov_wants_momentum_and_no_dampening(problem):
    p = problem()
    message = "Nesterov momentum requires a momentum and zero dampening"
    for wrong in ({}, {"momentum": 0.9, "dampening": 0.1}):
        with pytest.raises(ValueError, match=message):
            SGD(p.params, nesterov=True, **wrong)
    optimizer = SGD(p.params, momentum=0.9, nesterov=True)
    optimizer.param_groups[0]["momentum"] = 0
    with pytest.raises(ValueError, match=message):
        p.run(optimizer, 1)


def test_positional_arguments_are_in_torchs_order():
    p = [Parameter(torch.ones(2))]
    ours = SGD(p, 0.1, 0.9, 0.0, 0.01, True)
    theirs = torch.optim.SGD(p, 0.1, 0.9, 0.0, 0.01, True)
    assert ours.defaults == theirs.defaults
    assert SGD(p).defaults == torch.optim.SGD(p).defaults
    with pytest.raises(TypeError, match="too many positional arguments"):
        SGD(p, 0.1, 0.9, 0.0, 0.01, True, True)


def test_a_learning_rate_of_zero_changes_nothing_but_the_state(problem, equal):
    p = problem()
    before = p.values()
    optimizer = SGD(p.params, lr=0, momentum=0.9)
    equal(p.run(optimizer, 2), before)
    assert all(optimizer.state[q]["step"] == 2 for q in p.params)

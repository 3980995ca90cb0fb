"""Schedule-Free methods: the modes, who watches them, and the packages' numbers in their modes."""

import copy
import gc
import io
import pickle

import pytest
import schedulefree
import torch
from torch.nn import Parameter

from adaopt.torch import ScheduleFreeAdamW, ScheduleFreeProdigy, ScheduleFreeSGD

METHODS = [ScheduleFreeSGD, ScheduleFreeAdamW, ScheduleFreeProdigy]


@pytest.fixture(params=METHODS)
def method(request):
    """The class, at settings that move within a few steps."""
    more = {"d0": 0.05} if request.param is ScheduleFreeProdigy else {"lr": 0.1}
    return lambda params, **hyper: request.param(params, **{**more, **hyper})


def loss(model):
    return (model(torch.ones(2, 3)) ** 2).sum()


def trained(method):
    """A small model, and its optimizer after two steps."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    optimizer = method(model.parameters())
    for k in range(2):
        optimizer.zero_grad()
        ((model(torch.eye(3)) - k) ** 2).sum().backward()
        optimizer.step()
    return model, optimizer


PAIRS = [
    (ScheduleFreeSGD, schedulefree.SGDScheduleFree, {"lr": 0.3, "momentum": 0.7}),
    (ScheduleFreeAdamW, schedulefree.AdamWScheduleFree, {"lr": 0.1, "betas": (0.7, 0.95)}),
]


@pytest.mark.parametrize(("ours", "theirs", "hyper"), PAIRS)
def test_equals_the_authors_package_in_both_modes_and_in_groups(
    problem, equal, ours, theirs, hyper
):
    a, b = problem(), problem()
    more = {"warmup_steps": 3, "r": 0.5, "weight_decay": 0.1, "weight_lr_power": 1.5}
    a_groups, b_groups = (
        [{"params": p.params[:2]}, {"params": p.params[2:], "lr": 0.05, "warmup_steps": 0}]
        for p in (a, b)
    )
    mine, other = ours(a_groups, **hyper, **more), theirs(b_groups, **hyper, **more)
    for _ in range(4):
        mine.train()
        other.train()
        equal(a.run(mine, 3), b.run(other, 3), 1e-14)
        mine.eval()
        other.eval()
        equal(a.values(), b.values(), 1e-14)


def test_the_state_dict_of_the_package_is_refused(problem):
    p = problem()
    other = schedulefree.SGDScheduleFree(p.params)
    with pytest.raises(ValueError, match="not of ScheduleFreeSGD: its parameter groups lack trai"):
        ScheduleFreeSGD(p.params).load_state_dict(other.state_dict())


def test_eval_gives_the_mean_of_z(method, problem, equal):
    p = problem([(3,)], torch.float64)
    optimizer, z = method(p.params, r=0.0), []
    for _ in range(4):
        p.run(optimizer, 1)
        z.append(optimizer.state[p.params[0]]["z"].clone())
    assert optimizer.training
    y = p.values()
    optimizer.eval()
    assert not optimizer.training
    equal(p.values(), [torch.stack(z).mean(0)], 1e-14)
    optimizer.eval()  # nothing more to do
    equal(p.values(), [torch.stack(z).mean(0)], 1e-14)
    optimizer.train()
    equal(p.values(), y, 1e-14)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.complex128])
def test_modes_in_every_dtype_and_for_parameters_without_a_gradient(method, problem, equal, dtype):
    p = problem(dtype=dtype)
    optimizer, frozen = method(p.params), p.params[0].detach().clone()
    p.gradients()
    p.params[0].grad = None
    optimizer.step()
    y = p.values()
    optimizer.eval()
    assert torch.equal(p.params[0], frozen)
    assert p.params[0] not in optimizer.state
    optimizer.train()
    equal(p.values(), y, 4 * torch.finfo(dtype).eps)


def test_a_step_in_evaluation_mode_is_refused_before_the_closure(method, problem, equal):
    p = problem()
    optimizer, calls = method(p.params), []
    p.run(optimizer, 2)
    optimizer.eval()
    before, state = p.values(), pickle.dumps(optimizer.state_dict())
    with pytest.raises(RuntimeError, match=r"step\(\) in evaluation mode.* Call train\(\)"):
        optimizer.step(lambda: calls.append(1))
    assert calls == []
    equal(p.values(), before)
    assert pickle.dumps(optimizer.state_dict()) == state


def test_watch_catches_a_forward_pass_in_the_wrong_mode(method):
    model, optimizer = trained(method)
    handle = optimizer.watch(model)
    loss(model)
    model.eval()
    with pytest.raises(
        RuntimeError, match=r"model is in evaluation mode.* Call eval\(\) of the op"
    ):
        loss(model)
    optimizer.eval()
    loss(model)
    model.train()
    with pytest.raises(RuntimeError, match=r"model is in training mode.* Call train\(\) of the op"):
        loss(model)
    with torch.no_grad():  # the statistics of batch normalization, taken anew
        loss(model)
    handle.remove()
    loss(model)


def test_a_watched_model_is_copied_and_saved_without_its_watch(method):
    _, optimizer = trained(method)
    model = torch.nn.Linear(3, 2)
    optimizer.watch(model)
    model.eval()
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        loss(twin)
    file = io.BytesIO()
    torch.save(model, file)
    with pytest.raises(RuntimeError, match="evaluation mode"):
        loss(model)
    for copied in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        copied.watch(model)
    del copied, optimizer
    gc.collect()
    loss(model)  # nobody watches any more


@pytest.mark.parametrize("way", ["state_dict", "pickle", "deepcopy"])
def test_saved_in_evaluation_mode_it_goes_on_exactly(method, problem, equal, way):
    straight, broken = problem(), problem()
    one, two = method(straight.params), method(broken.params)
    for p, optimizer in ((straight, one), (broken, two)):
        p.run(optimizer, 3)
        optimizer.eval()
    if way == "state_dict":
        file = io.BytesIO()
        torch.save(two.state_dict(), file)
        file.seek(0)
        fresh = method(broken.params)
        fresh.load_state_dict(torch.load(file, weights_only=True))
    else:
        fresh = copy.deepcopy(two) if way == "deepcopy" else pickle.loads(pickle.dumps(two))
        broken.params = fresh.param_groups[0]["params"]
    assert not fresh.training
    one.train()
    fresh.train()
    equal(broken.run(fresh, 3), straight.run(one, 3))


def test_a_group_added_joins_in_the_mode_of_the_others(method, problem, equal):
    p = problem([(3,), (2,)])
    optimizer = method(p.params[:1])
    optimizer.eval()
    optimizer.add_param_group({"params": p.params[1:]})
    assert not optimizer.training
    before = p.values()
    optimizer.train()
    equal(p.values(), before)
    p.run(optimizer, 1)


@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_the_ends_are_refused(beta):
    p = Parameter(torch.ones(2))
    with pytest.raises(ValueError, match=f"Invalid momentum value: {beta} .between 0 and 1"):
        ScheduleFreeSGD([p], momentum=beta)
    for method in METHODS[1:]:
        with pytest.raises(ValueError, match=f"Invalid beta parameter at index 0: {beta}"):
            method([p], betas=(beta, 0.9))
    optimizer = ScheduleFreeAdamW(
        [
            p,
        ]
    )
    with pytest.raises(ValueError, match=f"Invalid beta parameter at index 0: {beta}"):
        optimizer.add_param_group({"params": [Parameter(torch.ones(1))], "betas": (beta, 0.9)})
    for bad in ({"warmup_steps": -1}, {"r": -0.5}, {"weight_lr_power": -1.0}):
        ((name, value),) = bad.items()
        with pytest.raises(ValueError, match=f"Invalid {name} value: {value}"):
            ScheduleFreeSGD([p], **bad)


def test_a_learning_rate_of_zero_changes_nothing_but_the_state(method, problem, equal):
    p = problem()
    before = p.values()
    optimizer = method(p.params, lr=0.0)
    equal(p.run(optimizer, 3), before)
    optimizer.eval()
    equal(p.values(), before)

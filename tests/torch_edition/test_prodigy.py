"""Prodigy: one estimate for all groups, as the authors' package has it, and where it is not."""

import contextlib
import io
import itertools

import prodigyopt
import pytest
import torch
from torch.nn import Parameter

from adaopt.torch import Prodigy, ScheduleFreeProdigy

HYPER = {"d0": 0.01, "betas": (0.8, 0.95)}
METHODS = [Prodigy, ScheduleFreeProdigy]


def pull(problem, optimizer, steps):
    """Steps along gradients that point away from far off, so that the estimate grows."""
    for _ in range(steps):
        problem.gradients()
        for p in problem.params:
            p.grad = p.detach() - 9 + 0.3 * p.grad
        optimizer.step()
    return problem.values()


def theirs(groups, **hyper):
    """The package's optimizer, which prints when it decays."""
    with contextlib.redirect_stdout(io.StringIO()):
        return prodigyopt.Prodigy(groups, **hyper)


def halves(problem, **second):
    return [{"params": problem.params[:2]}, {"params": problem.params[2:], **second}]


@pytest.mark.parametrize(
    "second",
    [
        {"weight_decay": 0.3, "eps": 1e-3},
        {"lr": 0.0, "weight_decay": 0.0},
        {"lr": 0.0, "safeguard_warmup": True},
    ],
    ids=str,
)
def test_groups_equal_the_package(problem, equal, second):
    a, b = problem(), problem()
    hyper = {**HYPER, "weight_decay": 0.1, "lr": 0.7, "use_bias_correction": True}
    mine, other = Prodigy(halves(a, **second), **hyper), theirs(halves(b, **second), **hyper)
    if not second.get("lr", 1):
        other.param_groups[1]["weight_decay"] = 0.0  # there it decays at lr 0, ours stands still
    for _ in range(6):
        equal(pull(a, mine, 3), pull(b, other, 3), 1e-14)
        assert mine.param_groups[1]["d"] == pytest.approx(other.param_groups[0]["d"], rel=1e-13)
    assert mine.param_groups[0]["d"] > 2 * HYPER["d0"]


def test_gradients_that_are_missing_equal_the_package(problem, equal):
    a, b = problem(), problem()
    mine, other = Prodigy(a.params, **HYPER), theirs(b.params, **HYPER)
    for k in range(12):
        for p, optimizer in ((a, mine), (b, other)):
            for i, q in enumerate(p.params):
                q.grad = None if (k + i) % 3 == 1 else q.detach() - 9
            optimizer.step()
        equal(a.values(), b.values(), 1e-14)
    assert mine.param_groups[0]["d"] > 2 * HYPER["d0"]


def test_a_group_set_to_zero_later_stands_still(problem, equal):
    p = problem()
    optimizer = Prodigy(halves(p), weight_decay=0.1, **HYPER)
    p.run(optimizer, 5)
    optimizer.param_groups[1]["lr"] = 0.0
    before = p.values()
    after = p.run(optimizer, 3)
    equal(after[2:], before[2:])
    assert not torch.equal(after[0], before[0])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "hyper", [{"lr": 0.5}, {"d0": 0.1}, {"d_coef": 2.0}, {"betas": (0.8, 0.5)}]
)
def test_groups_that_share_no_estimate_are_refused(method, problem, equal, hyper):
    p = problem()
    optimizer = method(halves(p), **HYPER)
    pull(p, optimizer, 2)
    before, state = p.values(), str(optimizer.state_dict())
    optimizer.param_groups[1].update(hyper)
    match = "learning rates of the groups" if "lr" in hyper else "there is one d for all groups"
    with pytest.raises(RuntimeError, match=match):
        p.run(optimizer, 1)
    optimizer.param_groups[1].update(HYPER, lr=1.0, d_coef=1.0)
    equal(p.values(), before)
    assert str(optimizer.state_dict()) == state


@pytest.mark.parametrize("method", METHODS)
def test_a_group_added_later_steps_by_the_estimate_of_the_others(method, problem):
    p = problem([(3,), (3,)])
    optimizer = method(p.params[:1], d0=0.01)
    pull(p, optimizer, 8)
    d = optimizer.param_groups[0]["d"]
    assert d > 0.01
    optimizer.add_param_group({"params": p.params[1:]})
    p.run(optimizer, 1)
    assert optimizer.param_groups[1]["d"] == optimizer.param_groups[0]["d"] >= d


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_estimate_finds_the_distance_in_every_precision(method, dtype):
    generator = torch.Generator().manual_seed(0)
    center = 3 + torch.rand(50, generator=generator)
    p = Parameter(torch.zeros(50, dtype=dtype))
    optimizer = method([p], d0=0.1, eps=1e-4)
    for _ in range(150):
        p.grad = (p.detach() - center.to(dtype)) / 10
        optimizer.step()
    d = optimizer.param_groups[0]["d"]
    # ||x* - x0||_inf / 2 <= d would do; the estimate stays below the distance
    assert 0.5 < d < 4
    if hasattr(optimizer, "eval"):
        optimizer.eval()
    assert (p.detach().float() - center).abs().max() < 1


def test_growth_is_limited_once_it_has_begun():
    p = Parameter(torch.zeros(4, dtype=torch.float64))
    optimizer = Prodigy([p], d0=1e-3, growth_rate=1.1)
    ds = [1e-3]
    for _ in range(30):
        p.grad = (p.detach() - 5).clone()
        optimizer.step()
        ds.append(optimizer.param_groups[0]["d"])
    steps = [new / old for old, new in itertools.pairwise(ds) if old > 1e-3]
    assert max(steps) == pytest.approx(1.1)
    assert len([ratio for ratio in steps if ratio > 1.09]) > 10


def test_an_lr_of_zero_leaves_parameters_and_sums(problem, equal):
    p = problem()
    optimizer = Prodigy(p.params, **HYPER)
    pull(p, optimizer, 6)
    before, s = p.values(), optimizer.state[p.params[0]]["s"].clone()
    group = {name: optimizer.param_groups[0][name] for name in ("d", "d_max", "d_numerator")}
    optimizer.param_groups[0]["lr"] = 0.0
    equal(p.run(optimizer, 2), before)
    assert torch.equal(optimizer.state[p.params[0]]["s"], s)
    assert group.items() <= optimizer.param_groups[0].items()


@pytest.mark.usefixtures("compiler")
@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")  # torch of itself
@pytest.mark.parametrize("method", METHODS)
def test_compiled_through_a_warm_up_and_a_pause(method, problem, equal):
    fused, eager = problem([(5, 3), ()]), problem([(5, 3), ()])
    a, b = method(fused.params, fused=True, **HYPER), method(eager.params, **HYPER)
    for rate in (0.1, 0.2, 0.0, 0.5, 1.0, 1.0):
        a.param_groups[0]["lr"] = b.param_groups[0]["lr"] = rate
        equal(pull(fused, a, 2), pull(eager, b, 2), 1e-14)
    assert a.param_groups[0]["d"] == pytest.approx(b.param_groups[0]["d"], rel=1e-13)

"""The engine's hooks: numbers of a step, sums over all parameters, what a group keeps."""

import copy
import pickle

import pytest
import torch
from torch.nn import Parameter

from adaopt.catalog import CARDS
from adaopt.torch import Adam, AdamW, NAdam, Prodigy, Rule, ScheduleFreeSGD


class Counting(Rule):
    """Steps by numbers that depend on the step, and counts how often they are made."""

    hyper = dict(lr=0.1, decay=0.5)
    buffers = ("seen",)
    calls = 0

    def rule(self, x, g, h, k, seen):
        seen.add_(1)
        x.sub_(g, alpha=h.lr * h.shrunk)

    def numbers(self, h, k, memory):
        type(self).calls += 1
        return {"shrunk": h.decay**k}


class Remembering(Rule):
    """Carries a product from step to step."""

    hyper = dict(lr=0.5, weight_decay=0.0)
    buffers = ("seen",)
    remembers = ("product",)

    def rule(self, x, g, h, k, seen):
        x.sub_(g, alpha=h.product)

    def numbers(self, h, k, memory):
        memory["product"] = memory.get("product", 1.0) * h.lr
        return {"product": memory["product"]}


class Normalized(Rule):
    """Steps of length lr over all parameters; the group keeps the largest norm and a start."""

    hyper = dict(lr=1.0, power=0.5, first=3.0)
    buffers = ("seen",)
    ranges = {"power": (0.0, 1.0)}
    kept = {"largest": "first", "steps": 0}

    def prepare(self, groups):
        if len({h.power for _, h in groups}) > 1:
            raise RuntimeError("one power for all groups")
        for group, h in groups:
            h.largest = group["largest"]

    def measure(self, x, g, h, k, seen):
        seen.add_(1)
        return ((g * g).sum(),) if h.lr else None

    def advance(self, groups, totals):
        for group, h in groups:
            norm = totals[0] ** h.power if totals else 1.0
            group.update(largest=max(h.largest, norm), steps=group["steps"] + 1)
            h.norm = norm

    def rule(self, x, g, h, k, seen):
        x.sub_(g, alpha=h.lr / h.norm)


def ones(*shapes, dtype=torch.float64):
    params = [Parameter(torch.zeros(shape, dtype=dtype)) for shape in shapes]
    for p in params:
        p.grad = torch.ones_like(p)
    return params


def test_numbers_are_made_once_for_all_parameters_of_a_step_count():
    params = ones(2, (), (3, 1))
    late = params[-1].grad
    params[-1].grad = None
    optimizer, Counting.calls = Counting(params), 0
    optimizer.step()
    assert Counting.calls == 1
    params[-1].grad = late
    optimizer.step()  # two step counts now
    assert Counting.calls == 3
    assert params[0].tolist() == pytest.approx([-0.1 * (0.5 + 0.25)] * 2)
    assert params[-1].squeeze().tolist() == pytest.approx([-0.1 * 0.5] * 3)


def test_remembered_numbers_are_the_parameters_own_and_in_its_state():
    p, q = ones(1, 1)
    q.grad = None
    optimizer = Remembering([p, q])
    optimizer.step()
    q.grad = torch.ones_like(q)
    optimizer.step()
    assert (p.item(), q.item()) == (-0.75, -0.5)
    products = [optimizer.state[t]["product"] for t in (p, q)]
    assert products == [0.25, 0.5]
    saved = optimizer.state_dict()
    saved["state"][0]["product"] = torch.tensor(0.25)  # as torch.optim keeps such numbers
    fresh = Remembering([p, q])
    fresh.load_state_dict(saved)
    fresh.step()
    assert type(fresh.state[p]["product"]) is float
    assert (p.item(), q.item()) == (-0.875, -0.75)


@pytest.mark.parametrize("way", [{}, {"foreach": False}])
@pytest.mark.usefixtures("cut")
def test_sums_go_over_all_blocks_groups_and_dtypes(way):
    params = [*ones(5, ()), *ones((2, 2), dtype=torch.float32), *ones(3, dtype=torch.complex64)]
    optimizer = Normalized([{"params": params[:1]}, {"params": params[1:]}], **way)
    optimizer.step()
    norm = (5 + 1 + 4 + 3) ** 0.5
    assert [group["largest"] for group in optimizer.param_groups] == [norm, norm]
    for p in params:
        torch.testing.assert_close(p.detach(), torch.full_like(p, -1 / norm))


def test_a_group_without_anything_to_sum():
    params = ones(2, 3)
    optimizer = Normalized([{"params": params[:1], "lr": 0.0}, {"params": params[1:]}])
    optimizer.step()
    assert optimizer.param_groups[0]["largest"] == 3  # the norm is that of the second alone
    assert params[0].tolist() == [0, 0]
    optimizer.param_groups[1]["lr"] = 0.0
    optimizer.step()
    optimizer.zero_grad()
    optimizer.step()  # no gradient at all
    assert optimizer.param_groups[0]["steps"] == 3


def test_infinite_sums_of_either_sign_do_not_stop_a_step():
    class Signed(Normalized):
        def measure(self, x, g, h, k, seen):
            return (g.sum(),)

    params = ones(1, 1)
    params[0].grad.fill_(float("inf"))
    params[1].grad.fill_(-float("inf"))
    Signed(params).step()
    assert not params[0].isfinite()


def test_what_is_kept_starts_from_the_groups_own_settings_and_is_carried():
    params = ones(2, 3)
    optimizer = Normalized([{"params": params[:1], "first": 7.0}, {"params": params[1:]}])
    assert [group["largest"] for group in optimizer.param_groups] == [7, 3]
    optimizer.step()
    for twin in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert [group["steps"] for group in twin.param_groups] == [1, 1]
    fresh = Normalized([{"params": params[:1]}, {"params": params[1:]}])
    fresh.load_state_dict(optimizer.state_dict())
    assert [group["largest"] for group in fresh.param_groups] == [7, 3]
    state = optimizer.state_dict()
    del state["param_groups"][1]["steps"]
    with pytest.raises(ValueError, match="not of Normalized: its parameter groups lack steps"):
        fresh.load_state_dict(state)


@pytest.mark.parametrize("bad", [{"power": 0.25}, {"power": 2.0}, {"lr": -1.0}])
def test_groups_refused_together_leave_everything(bad):
    params = ones(2, 3)
    optimizer = Normalized([{"params": params[:1]}, {"params": params[1:]}])
    optimizer.step()
    before = pickle.dumps(optimizer.state_dict()), [p.tolist() for p in params]
    optimizer.param_groups[1].update(bad)
    with pytest.raises((RuntimeError, ValueError)):
        optimizer.step()
    optimizer.param_groups[1].update(power=0.5, lr=1.0)
    assert (pickle.dumps(optimizer.state_dict()), [p.tolist() for p in params]) == before


def test_fixed_settings_are_no_keywords():
    class Half(Remembering):
        hyper = {"weight_decay": 0.0}
        fixed = {"lr": 0.5}

    (p,) = ones(1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'lr'"):
        Half([p], lr=0.1)
    optimizer = Half([p])
    assert "lr" not in optimizer.param_groups[0]
    optimizer.step()
    assert p.item() == -0.5


def test_keywords_that_torchs_state_dicts_lack_are_filled_in():
    class Later(Remembering):
        hyper = dict(lr=0.5, weight_decay=0.0, inside=True)
        absent = {"inside": False}

    (p,) = ones(1)
    optimizer = Later([p])
    old = optimizer.state_dict()
    del old["param_groups"][0]["inside"]
    optimizer.load_state_dict(old)
    assert optimizer.param_groups[0]["inside"] is False


def test_the_state_dict_of_another_method_is_refused_by_its_name(problem):
    classes = {card.torch_class for card in CARDS.values()}
    for one in classes:
        p = problem([(2,)])
        optimizer = one(p.params)
        p.run(optimizer, 1)
        for other in classes - {one}:
            message = f"the state dict is of {one.__name__}, not of {other.__name__}"
            with pytest.raises(ValueError, match=message):
                other(p.params).load_state_dict(optimizer.state_dict())


def test_a_state_dict_without_a_name_is_judged_by_what_it_holds(problem):
    p = problem([(2,)])
    theirs = torch.optim.Adam(p.params)
    p.run(theirs, 1)
    Adam(p.params).load_state_dict(theirs.state_dict())
    message = "not of AdamW: it has decoupled_weight_decay=False"
    with pytest.raises(ValueError, match=message):
        AdamW(p.params).load_state_dict(theirs.state_dict())


@pytest.mark.parametrize(
    ("method", "lost"),
    [
        (AdamW, "exp_avg_sq"),
        (AdamW, "step"),
        (NAdam, "mu_product"),
        (Prodigy, "p0"),
        (ScheduleFreeSGD, "z"),
        (ScheduleFreeSGD, "weight_sum"),
    ],
)
def test_an_incomplete_state_is_refused(problem, method, lost):
    p = problem([(2,)])
    optimizer = method(p.params)
    p.run(optimizer, 1)
    state = copy.deepcopy(optimizer.state_dict())
    del state["state"][0][lost]
    before = pickle.dumps(optimizer.state_dict())
    with pytest.raises(ValueError, match=f"the state of a parameter lacks {lost}"):
        optimizer.load_state_dict(state)
    assert pickle.dumps(optimizer.state_dict()) == before


def test_a_gradient_of_another_dtype_or_shape_is_refused_before_anything_changes(problem, equal):
    for swapped in (torch.ones(3), torch.ones(4, dtype=torch.float64)):
        p = problem([(2,), (3,)])
        optimizer = Adam(p.params)
        p.run(optimizer, 1)
        p.gradients()
        p.params[1].data = swapped
        before, state = p.values(), pickle.dumps(optimizer.state_dict())
        with pytest.raises(
            RuntimeError, match=r"Adam wants a gradient of .* not \(3,\) and torch.fl"
        ):
            optimizer.step()
        equal(p.values(), before)
        assert pickle.dumps(optimizer.state_dict()) == state


@pytest.mark.usefixtures("compiler")
@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")  # torch of itself
def test_sums_compiled(equal):
    def run(fused):
        params = [*ones(5, (), (0, 2)), *ones((2, 2), dtype=torch.float32)]
        groups = [{"params": params[:1]}, {"params": params[1:]}]
        optimizer = Normalized(groups, fused=fused)
        for k in range(4):
            optimizer.param_groups[0]["lr"] = 0.5 * (k % 2)
            optimizer.step()
        return [p.detach() for p in params], optimizer.param_groups[1]

    (ours, group), (plain, expected) = run(True), run(None)
    equal(ours, plain, 1e-7)
    assert (group["largest"], group["steps"]) == (expected["largest"], expected["steps"])

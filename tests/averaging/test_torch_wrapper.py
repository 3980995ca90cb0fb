"""The averages around torch optimizers: evaluation, resume, groups, dtypes, schedulers, modes."""

import copy
import io
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import Parameter
from torch.optim import lr_scheduler, swa_utils

from adaopt.torch import LAWA, SGD, AdamW, Combined, PolyakAverage, ScheduleFreeAdamW

MAKERS = {
    "queue": lambda optimizer: LAWA(optimizer, k=3, interval=2, start=1),
    "ema": lambda optimizer: LAWA(optimizer, mode="ema", beta=0.7, interval=2),
    "polyak": lambda optimizer: PolyakAverage(optimizer, start=2),
}


class Run:
    """A model, its averaged optimizer and a stream of batches."""

    def __init__(self, make, method=AdamW, **hyper) -> None:
        generator = torch.Generator().manual_seed(0)
        self.model = torch.nn.Linear(3, 2, dtype=torch.float64)
        with torch.no_grad():
            for p in self.model.parameters():
                p.copy_(torch.randn(p.shape, generator=generator, dtype=p.dtype))
        self.batches = torch.randn(40, 5, 3, generator=generator, dtype=torch.float64)
        self.taken = 0
        self.optimizer = make(method(self.model.parameters(), **{"lr": 0.05, **hyper}))

    def steps(self, n: int) -> list[torch.Tensor]:
        for batch in self.batches[self.taken : self.taken + n]:
            self.optimizer.zero_grad()
            self.model(batch).square().sum().backward()
            self.optimizer.step()
        self.taken += n
        return self.values()

    def values(self) -> list[torch.Tensor]:
        return [p.detach().clone() for p in self.model.parameters()]


@pytest.fixture(params=MAKERS)
def make(request):
    """A function that puts an average around an optimizer."""
    return MAKERS[request.param]


def same(ours, theirs) -> bool:
    return all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


# Evaluation


def test_the_model_holds_the_average_inside_and_its_own_values_outside(make):
    run = Run(make)
    before = run.steps(9)
    average = run.optimizer.average()
    assert not same(average, before)
    with run.optimizer.averaged() as there_is_one:
        assert there_is_one
        assert same(run.values(), average)
    assert same(run.values(), before)
    with pytest.raises(KeyError), run.optimizer.averaged():
        raise KeyError
    assert same(run.values(), before)
    assert same(run.steps(3), Run(make).steps(12))  # looking changes nothing


def test_without_an_average_yet_the_iterate_is_evaluated(make):
    run = Run(make)
    before = run.values()
    assert run.optimizer.average() is None
    with run.optimizer.averaged() as there_is_one:
        assert not there_is_one
        assert same(run.values(), before)


def test_stepping_while_the_average_is_in_place_is_refused(make):
    run = Run(make)
    before = run.steps(9)
    state = copy.deepcopy(run.optimizer.state_dict())
    with run.optimizer.averaged():
        with pytest.raises(RuntimeError, match=r"step\(\) while the parameters hold the average"):
            run.optimizer.step()
        with (
            pytest.raises(RuntimeError, match="hold the average already"),
            run.optimizer.averaged(),
        ):
            pass
    assert same(run.values(), before)
    assert str(run.optimizer.state_dict()) == str(state)


def test_parameters_changed_behind_the_averages_back_are_told_and_undone(make):
    run = Run(make)
    before = run.steps(9)
    with (
        pytest.raises(RuntimeError, match="changed while they held the average; the change is un"),
        run.optimizer.averaged(),
    ):
        run.optimizer.optimizer.step()
    assert same(run.values(), before)


# Against torch's own averages


def test_ema_and_mean_are_those_of_torch():
    for make, mean in (
        (lambda o: LAWA(o, mode="ema", beta=0.7, interval=1), swa_utils.get_ema_multi_avg_fn(0.7)),
        (PolyakAverage, None),
    ):
        run = Run(make)
        reference = swa_utils.AveragedModel(run.model, multi_avg_fn=mean)
        for _ in range(12):
            run.steps(1)
            reference.update_parameters(run.model)
        for ours, theirs in zip(run.optimizer.average(), reference.parameters(), strict=True):
            torch.testing.assert_close(ours, theirs.detach(), rtol=1e-14, atol=1e-14)


# State


def through_a_file(optimizer):
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@settings(max_examples=20)
@given(kind=st.sampled_from(sorted(MAKERS)), first=st.integers(0, 12), way=st.integers(0, 2))
def test_resume_is_exact(kind, first, way):
    make = MAKERS[kind]
    straight, broken = Run(make), Run(make)
    expected = straight.steps(15)
    broken.steps(first)
    if way == 0:
        fresh = make(AdamW(broken.model.parameters(), lr=0.5))
        fresh.load_state_dict(through_a_file(broken.optimizer))
        broken.optimizer = fresh
    else:
        pair = (broken.model, broken.optimizer)
        pair = copy.deepcopy(pair) if way == 1 else pickle.loads(pickle.dumps(pair))
        broken.model, broken.optimizer = pair
    assert same(broken.steps(15 - first), expected)
    assert broken.optimizer.steps == 15
    assert same(broken.optimizer.average(), straight.optimizer.average())


def test_settings_come_with_the_state_and_the_optimizer_alone_can_load_it(make):
    run = Run(make)
    run.steps(9)
    saved = through_a_file(run.optimizer)
    other = make(AdamW(run.model.parameters(), lr=0.5))
    other.h.start = 5
    other.load_state_dict(saved)
    assert vars(other.h) == vars(run.optimizer.h)
    alone = AdamW(run.model.parameters())
    alone.load_state_dict(saved)
    assert alone.param_groups[0]["lr"] == 0.05
    assert alone.state_dict()["state"].keys() == saved["state"].keys()


def damaged(saved, kind):
    if kind == "none":
        del saved["average"]
    elif kind == "other":
        saved["average"]["kind"] = "Other"
    elif kind == "shape":
        saved["average"]["kept"][0][0] = torch.zeros(7)
    elif kind == "setting":
        saved["average"]["settings"]["start"] = -4
    elif kind == "incomplete":
        del saved["average"]["kept"], saved["average"]["n"]
    elif kind == "setting missing":
        del saved["average"]["settings"]["start"]
    elif kind == "optimizer":
        saved["param_groups"][0]["lr"] = -1.0
    return saved


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("none", "not the state dict of .*: 'average' is missing"),
        ("other", "the state dict is of Other, not of"),
        ("shape", r"the average has the shapes \[\(7,\), \(2,\)\], the parameters \[\(2, 3\)"),
        ("setting", "Invalid start value: -4"),
        ("incomplete", "the average of the state dict lacks kept, n"),
        ("setting missing", "the average of the state dict lacks start"),
        ("optimizer", "Invalid learning rate: -1"),
    ],
)
def test_a_foreign_state_dict_is_refused_and_changes_nothing(make, kind, message):
    run = Run(make)
    run.steps(9)
    before = str(run.optimizer.state_dict())
    with pytest.raises(ValueError, match=message):
        run.optimizer.load_state_dict(damaged(copy.deepcopy(run.optimizer.state_dict()), kind))
    assert str(run.optimizer.state_dict()) == before


# Groups, dtypes, devices


def test_a_group_that_joins_late_counts_as_never_moved_before(make):
    late, early = (Parameter(torch.ones(2, dtype=torch.float64)) for _ in range(2))
    first = [Parameter(torch.zeros(2, dtype=torch.float64)) for _ in range(2)]
    joined = make(SGD([first[0]], lr=0.1))
    always = make(SGD([first[1], early], lr=0.1))
    for j in range(9):
        if j == 4:
            joined.add_param_group({"params": [late]})
        for p in (*first, *([late, early] if j >= 4 else [])):
            p.grad = torch.full((2,), float(j), dtype=torch.float64)
        joined.step()
        always.step()
    for ours, theirs in zip(joined.average(), always.average(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.complex64])
def test_means_of_low_precision_are_kept_in_single(make, dtype):
    p = Parameter(torch.zeros(50, dtype=dtype))
    optimizer, taken = make(SGD([p], lr=0.01)), []
    for j in range(200):
        p.grad = torch.full((50,), 1.0 if j % 3 else -1.0, dtype=dtype)
        optimizer.step()
        taken.append(p.detach().to(torch.complex128))
    (average,) = optimizer.average()
    assert average.dtype == torch.promote_types(dtype, torch.float32)
    if isinstance(optimizer, PolyakAverage):
        exact = torch.stack(taken[2:]).mean(0)
        torch.testing.assert_close(average.to(exact), exact, rtol=1e-5, atol=1e-6)
    with optimizer.averaged():
        assert p.dtype == dtype
        assert torch.equal(p.detach(), average.to(dtype))


def test_a_device_is_a_device():
    with pytest.raises(RuntimeError, match="nowhere"):
        LAWA(SGD([Parameter(torch.ones(2))]), device="nowhere")


@pytest.mark.gpu
def test_the_average_lies_where_it_is_wanted():
    p = Parameter(torch.ones(3, device="cuda"))
    for device, kind in (("cpu", "cpu"), (None, "cuda")):
        optimizer = LAWA(SGD([p]), k=2, interval=1, device=device)
        for _ in range(3):
            p.grad = torch.ones_like(p)
            optimizer.step()
        assert optimizer.average()[0].device.type == kind
        before = p.detach().clone()
        with optimizer.averaged():
            assert not torch.equal(p, before)
        assert torch.equal(p, before)


# The rest of an optimizer's life


def test_schedulers_closures_hooks_and_groups_are_the_optimizers(make):
    run = Run(make)
    inner, outer = run.optimizer.optimizer, run.optimizer
    scheduler = lr_scheduler.StepLR(outer, step_size=2, gamma=0.5)
    seen = []
    outer.register_step_post_hook(lambda *_: seen.append("step"))
    outer.register_state_dict_pre_hook(lambda _: seen.append("save"))
    for _ in range(4):
        run.steps(1)
        scheduler.step()
    assert inner.param_groups is outer.param_groups
    assert inner.param_groups[0]["lr"] == 0.05 / 4
    outer.state_dict()
    assert seen == ["step"] * 4 + ["save"]
    assert outer.step(lambda: torch.tensor(3.0)).item() == 3.0
    assert outer.state is inner.state
    assert outer.defaults is inner.defaults
    assert type(outer).__name__ in repr(outer)
    assert "AdamW" in repr(outer)
    with pytest.raises(AttributeError, match="no_such_thing"):
        outer.no_such_thing()


def test_an_overflow_that_the_scaler_skips_is_no_iterate():
    p = Parameter(torch.ones(2))
    optimizer = PolyakAverage(SGD([p], lr=0.5))
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    for g in (1.0, float("inf"), 1.0):
        scaler.scale(torch.ones(()))
        p.grad = torch.full((2,), g) * scaler.get_scale()
        scaler.step(optimizer)
        scaler.update()
    assert optimizer.steps == 2
    assert torch.equal(optimizer.average()[0], torch.full((2,), 0.25))


def test_a_method_with_modes_is_averaged_and_evaluated_where_it_answers(make):
    run, bare = Run(make, ScheduleFreeAdamW), Run(lambda o: o, ScheduleFreeAdamW)
    answers = []
    run.optimizer.watch(run.model)  # forwarded to the method: fails in the wrong mode
    for _ in range(9):
        run.steps(1)
        bare.steps(1)
        assert same(run.values(), bare.values())
        other = copy.deepcopy((bare.model, bare.optimizer))
        other[1].eval()
        answers.append([p.detach().clone() for p in other[0].parameters()])
    assert run.optimizer.training
    run.model.eval()
    with run.optimizer.averaged() as there_is_one:
        assert there_is_one
        assert not run.optimizer.training
        run.model(run.batches[0])
    assert run.optimizer.training
    assert same(run.values(), bare.values())
    if isinstance(run.optimizer, PolyakAverage):
        for i, ours in enumerate(run.optimizer.average()):
            exact = torch.stack([answer[i] for answer in answers[2:]]).mean(0)
            torch.testing.assert_close(ours, exact, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("mode", ["queue", "ema"])
def test_a_group_added_in_the_middle_keeps_the_averages_apart(mode):
    a, b, c = (torch.nn.Parameter(torch.full((2, 2), value)) for value in (1.0, 2.0, 3.0))
    both = Combined([SGD([a], lr=0.0), SGD([b], lr=0.0)])
    optimizer = LAWA(both, mode=mode, k=2, interval=1)
    for p in (a, b, c):
        p.grad = torch.ones_like(p)
    optimizer.step()
    optimizer.step()
    optimizer.add_param_group({"params": [c], "optimizer": 0})
    with optimizer.averaged() as there:
        assert there
        assert [p[0, 0].item() for p in (a, b, c)] == [1.0, 2.0, 3.0]

"""The schedules as a scheduler of torch."""

import io

import pytest
import torch
from torch.nn import Parameter
from torch.optim import lr_scheduler

from adaopt.schedules import constant, cyclic, warmup_cosine, warmup_stable_decay
from adaopt.torch import LAWA, SGD, AdamW
from adaopt.torch.schedules import ScheduleLR


def stepped(optimizer, scheduler, steps):
    """The step sizes that the steps are taken with, group by group."""
    rates = []
    for _ in range(steps):
        for group in optimizer.param_groups:
            for p in group["params"]:
                p.grad = torch.ones_like(p)
        rates.append([float(group["lr"]) for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize("wrap", [lambda o: o, LAWA], ids=["bare", "averaged"])
@pytest.mark.parametrize(
    "schedule",
    [warmup_cosine(0.3, 9, 3), cyclic(0.2, 8, 2, 2, 0.01), warmup_stable_decay(0.1, 9, 2, 3)],
)
def test_step_k_has_the_rate_of_k(schedule, wrap):
    optimizer = wrap(SGD([Parameter(torch.ones(2))], lr=123.0))
    scheduler = ScheduleLR(optimizer, schedule)
    assert isinstance(scheduler, lr_scheduler.LRScheduler)
    assert stepped(optimizer, scheduler, 12) == [[schedule(k)] for k in range(12)]
    assert scheduler.get_last_lr() == [schedule(12)]


def test_groups_keep_their_ratio_and_late_ones_come_with_theirs():
    p, q, r = (Parameter(torch.ones(2)) for _ in range(3))
    optimizer = AdamW([{"params": [p]}, {"params": [q], "lr": 0.05}], lr=0.1)
    schedule = warmup_cosine(0.8, 10, 2)
    scheduler = ScheduleLR(optimizer, schedule)
    rates = stepped(optimizer, scheduler, 4)
    optimizer.add_param_group({"params": [r], "lr": 0.2})
    scheduler.step()
    rates += stepped(optimizer, scheduler, 2)
    expected = [[schedule(k), schedule(k) / 2] for k in range(4)]
    expected += [[schedule(k), schedule(k) / 2, schedule(k) * 2] for k in (5, 6)]
    assert rates == expected


def test_a_rate_in_a_tensor_stays_one():
    tensor = torch.tensor(0.5, dtype=torch.float64)
    optimizer = SGD([Parameter(torch.ones(2))], lr=tensor)
    scheduler = ScheduleLR(optimizer, warmup_cosine(0.3, 9, 3))
    rates = [rate for (rate,) in stepped(optimizer, scheduler, 3)]
    assert rates == pytest.approx([0.0, 0.1, 0.2])
    assert optimizer.param_groups[0]["lr"] is tensor


def test_resume_is_exact():
    def fresh():
        p = Parameter(torch.ones(3))
        optimizer = AdamW([p], lr=0.1)
        return p, optimizer, ScheduleLR(optimizer, warmup_cosine(0.3, 12, 3, 0.01))

    p, optimizer, scheduler = fresh()
    stepped(optimizer, scheduler, 5)
    file = io.BytesIO()
    torch.save((p, optimizer.state_dict(), scheduler.state_dict()), file)
    expected = stepped(optimizer, scheduler, 6)
    file.seek(0)
    value, *states = torch.load(file, weights_only=True)
    q, again, follower = fresh()
    with torch.no_grad():
        q.copy_(value)
    again.load_state_dict(states[0])
    follower.load_state_dict(states[1])
    assert "schedule" not in states[1]
    assert stepped(again, follower, 6) == expected
    assert torch.equal(p, q)


def test_resume_by_last_epoch():
    optimizer = SGD([Parameter(torch.ones(2))], lr=0.1)
    with pytest.raises(KeyError, match="initial_lr"):
        ScheduleLR(optimizer, constant(0.1), last_epoch=3)
    optimizer.param_groups[0]["initial_lr"] = 0.1
    schedule = warmup_cosine(0.3, 12, 6)
    ScheduleLR(optimizer, schedule, last_epoch=3)
    assert optimizer.param_groups[0]["lr"] == schedule(4)


def test_bad_arguments():
    p, q = Parameter(torch.ones(2)), Parameter(torch.ones(2))
    with pytest.raises(
        TypeError, match=r"schedule must be a function of the step number, not 0\.1"
    ):
        ScheduleLR(SGD([p]), 0.1)
    with pytest.raises(TypeError, match="is not an Optimizer"):
        ScheduleLR([p], constant(0.1))
    with pytest.raises(ValueError, match=r"\[0.0, 0.1\] have no ratio to the first one, 0"):
        ScheduleLR(SGD([{"params": [p], "lr": 0.0}, {"params": [q], "lr": 0.1}]), constant(0.1))

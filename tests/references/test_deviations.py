"""Where a published program departs from its paper, from another, or from what it says."""

import contextlib
import io
import math

import numpy as np
import pytest
import pytorch_optimizer
import torch
from prodigyopt import Prodigy
from schedulefree import AdamWScheduleFree, SGDScheduleFree
from torch.nn import Parameter

from adaopt.catalog import CARDS
from tests.proof import Path, Problem, distance, golden, numpy_path, torch_path
from tests.proof.references import usual


def far(one: Path, other: Path) -> bool:
    """Apart by much more than rounding."""
    return 1e-4 < distance(one, other) < math.inf


def ours(key: str, problem: Problem | None = None, **hyper: object) -> Path:
    card = CARDS[key]
    optimizer = card.numpy_class(**{**card.preset, **hyper})
    return numpy_path(optimizer, problem or usual())


def theirs(chosen: type, problem: Problem | None = None, **keywords: object) -> Path:
    with contextlib.redirect_stdout(io.StringIO()):
        return torch_path(lambda params: chosen(params, **keywords), problem or usual())


@pytest.mark.parametrize(
    "make",
    [
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, foreach=True),
        lambda p: SGDScheduleFree(p, lr=0.1, weight_decay=0.1),
        lambda p: AdamWScheduleFree(p, lr=0.1),
        lambda p: Prodigy(p, weight_decay=0.1, decouple=False),
        lambda p: pytorch_optimizer.Lion(p, maximize=True),
    ],
    ids=["torch SGD foreach", "schedulefree SGD", "schedulefree AdamW", "prodigyopt", "collection"],
)
def test_some_programs_overwrite_the_gradient(make):
    p, g = Parameter(torch.tensor([1.0, -2.0])), torch.tensor([0.5, 3.0])
    optimizer = make([p])
    if hasattr(optimizer, "train"):
        optimizer.train()
    for _ in range(2):
        p.grad = g.clone()
        optimizer.step()
    assert not p.grad.equal(g)


def test_torch_nadam_without_momentum_decay_halves_the_momentum():
    g, b1 = 0.3, 0.8
    p = Parameter(torch.zeros(1, dtype=torch.float64))
    p.grad = torch.full_like(p, g)
    torch.optim.NAdam([p], lr=1.0, betas=(b1, 0.9), eps=0.0, momentum_decay=0.0).step()
    mu = b1 / 2
    expected = mu * (1 - b1) * g / (1 - mu**2) + (1 - mu) * g / (1 - mu)
    assert p.item() == pytest.approx(-expected / g, rel=1e-6)


def test_torch_nadam_keeps_a_product_in_single_precision():
    error = distance(ours("nadam", lr=0.03), theirs(torch.optim.NAdam, lr=0.03))
    assert 1e-12 < error < 1e-8


@pytest.mark.parametrize("key", ["adagrad", "rmsprop"])
def test_the_lecture_adds_eps_inside_the_root_and_torch_outside(key):
    inside = ours(key, eps=1e-2, lr=0.1)
    assert far(inside, ours(key, eps=1e-2, lr=0.1, eps_inside=False))
    for eps in (1e-2, 1e-1):  # nor does the root of eps help
        assert far(inside, ours(key, eps=eps, lr=0.1, eps_inside=False))


def test_three_programs_mean_three_things_by_amsgrad():
    forms = [ours("adam", lr=0.1, amsgrad=form) for form in (True, "hat", "paper")]
    assert far(forms[0], forms[1])
    assert far(forms[1], forms[2])
    assert far(forms[2], forms[0])


def test_optax_prodigy_always_corrects_the_bias():
    (entry,) = golden.entries("prodigy")
    hyper = {**entry["hyper"], "use_bias_correction": False}
    assert far(ours("prodigy", golden.problem(), **hyper), golden.path(entry))


def test_optax_schedule_free_warms_up_one_step_late():
    (entry,) = golden.entries("schedule_free_adamw (differs)")
    path = golden.path(entry)
    for n in path.x:  # the first step has length 0
        np.testing.assert_allclose(path.points[1][n], path.points[0][n], rtol=1e-14)
    own = ours("schedule_free_adamw", golden.problem(), **entry["hyper"])
    assert not np.allclose(own.points[1]["vector"], own.points[0]["vector"])
    assert far(own, path)


def test_prodigyopt_without_momentum_takes_the_new_d():
    problem = Problem({"x": ()}, steps=12)
    hyper = {"betas": (0.0, 0.9), "d0": 1e-2}
    assert far(ours("prodigy", problem, **hyper), theirs(Prodigy, problem, **hyper))


def test_a_collections_amos_lowers_the_decay_where_the_authors_raise_it():
    x, steps = torch.tensor([3.0, -5.0], dtype=torch.float64), []
    for extra_l2 in (0.0, 0.1):
        p = Parameter(x.clone())
        p.grad = torch.full_like(p, 1e-3)
        pytorch_optimizer.Amos([p], lr=0.1, beta=0.9, extra_l2=extra_l2).step()
        steps.append(p.detach() - x)
    assert torch.allclose(steps[1] - steps[0], 0.1 / 2 * x)  # away from zero


def test_a_collections_amos_is_the_authors_without_extra_l2():
    problem = Problem({"x": (5,)})  # for a vector its scale is 0.5
    hyper = {"lr": 0.1, "beta": 0.9}
    path = theirs(pytorch_optimizer.Amos, problem, **hyper)
    assert distance(ours("amos", problem, scale=0.5, **hyper), path) <= 1e-12


def test_a_collections_ademamix_decays_through_the_gradient():
    hyper = {"lr": 0.01, "betas": (0.9, 0.99, 0.999), "weight_decay": 0.5}
    assert far(ours("ademamix", **hyper), theirs(pytorch_optimizer.AdEMAMix, **hyper))


def test_a_collections_laprop_decays_after_the_step_and_adds_eps_elsewhere():
    for hyper in ({"lr": 0.1, "weight_decay": 0.5}, {"lr": 0.1, "eps": 0.1}):
        assert far(ours("laprop", **hyper), theirs(pytorch_optimizer.LaProp, **hyper))


def test_a_collections_laprop_takes_single_precision_steps_on_lists():
    paths = [theirs(pytorch_optimizer.LaProp, lr=0.1, foreach=foreach) for foreach in (False, True)]
    assert 1e-10 < distance(*paths) < 1e-6


def test_generalized_adam_without_look_ahead_is_not_adamw():
    hyper = {"lr": 0.1, "weight_decay": 0.0}
    path = theirs(torch.optim.AdamW, **hyper)
    assert far(ours("generalized_adam", nesterov=False, **hyper), path)

"""Muon: torch's at equal precision, without its slip; the ways to the polar factor; shapes."""

import copy
from unittest.mock import patch

import pytest
import torch
from torch.nn import Parameter

import adaopt.numpy as an
from adaopt.torch import Muon
from adaopt.torch.matrix import polar_express, polar_svd
from adaopt.torch.matrix.polar import QUINTIC, express_coefficients, iterated, iterated_by_gram

# Tall, wide, square; short sides on both sides of the limits for Gram's form and for bfloat16.
SHAPES = [(24, 40), (24, 40), (40, 24), (10, 100), (140, 300), (300, 140), (40, 90)]


def run(make, shapes=SHAPES, dtype=torch.float32, steps=5):
    generator = torch.Generator().manual_seed(0)

    def draw(shape):
        return torch.randn(shape, generator=generator).to(dtype)

    params = [Parameter(draw(shape)) for shape in shapes]
    optimizer = make(params)
    for k in range(steps):
        for p in params:
            p.grad = draw(p.shape) * (1 + k % 3)
        optimizer.step()
    return [p.detach() for p in params], optimizer


SETTINGS = [
    {},
    {"nesterov": False, "momentum": 0.5},
    {"adjust_lr_fn": "match_rms_adamw", "weight_decay": 0.3, "ns_steps": 3},
    {"ns_coefficients": (1.5, -0.5, 0.0), "ns_steps": 9},
]


@pytest.mark.parametrize("hyper", SETTINGS)
def test_in_bfloat16_it_is_torchs(hyper):
    theirs, _ = run(lambda p: torch.optim.Muon(p, lr=0.02, **hyper))
    ours, _ = run(lambda p: Muon(p, lr=0.02, ns_dtype="bfloat16", **hyper))
    exact, _ = run(lambda p: Muon(p, lr=0.02, ns_dtype="float64", **hyper))
    for a, b, c in zip(ours, theirs, exact, strict=True):
        assert (a - b).norm() <= 0.2 * (a - c).norm()  # as near as it is far from the exact one


@pytest.mark.parametrize("hyper", SETTINGS)
@pytest.mark.parametrize("dtype, bound", [(torch.float64, 1e-12), (torch.float32, 2e-5)])
def test_in_higher_precision_it_is_torchs_without_its_cast(hyper, dtype, bound):
    with patch.object(torch.Tensor, "bfloat16", torch.Tensor.clone):
        theirs, _ = run(lambda p: torch.optim.Muon(p, lr=0.02, **hyper), dtype=dtype)
    name = str(dtype).removeprefix("torch.")
    ours, _ = run(lambda p: Muon(p, lr=0.02, ns_dtype=name, **hyper), dtype=dtype)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=bound)


def test_by_default_precision_follows_size_and_parameter():
    for dtype, words in ((torch.float32, "float32 bfloat16"), (torch.float64, "float64 float64")):
        small, large = words.split()
        params = [Parameter(torch.zeros(s, dtype=dtype)) for s in [(127, 300), (128, 300)]]
        lines = Muon(params).describe().splitlines()
        assert f"5 steps in {small}" in lines[0]
        assert f"5 steps in {large}" in lines[1]
    ours, _ = run(lambda p: Muon(p, lr=0.02))
    for name, kept in (("float32", (0, 1, 2, 3, 6)), ("bfloat16", (4, 5))):
        named, _ = run(lambda p, name=name: Muon(p, lr=0.02, ns_dtype=name))
        assert all(torch.equal(ours[i], named[i]) for i in kept)


@pytest.mark.parametrize("nesterov", [False, True])
def test_a_momentum_in_bfloat16_stays_an_average(nesterov):
    """torch's cast of it to bfloat16 is the buffer itself, which it then divides in place."""
    g = torch.arange(1.0, 7.0).view(2, 3).bfloat16()
    momenta = []
    for method in (torch.optim.Muon, Muon):
        p = Parameter(torch.zeros(2, 3, dtype=torch.bfloat16))
        p.grad = g.clone()
        optimizer = method([p], momentum=0.5, nesterov=nesterov)
        optimizer.step()
        momenta.append(optimizer.state[p]["momentum_buffer"])
    assert torch.equal(momenta[1], 0.5 * g)
    assert torch.equal(momenta[0], 0.5 * g) == nesterov


def test_it_takes_the_state_of_torchs():
    make = {"lr": 0.02, "weight_decay": 0.3}
    straight, theirs = run(lambda p: torch.optim.Muon(p, **make), SHAPES[:2])
    params = [Parameter(p.clone()) for p in straight]
    ours = Muon(params, ns_dtype="bfloat16")
    ours.load_state_dict(copy.deepcopy(theirs.state_dict()))
    assert ours.param_groups[0]["weight_decay"] == 0.3
    for p, q in zip(params, theirs.param_groups[0]["params"], strict=True):
        p.grad = q.grad
    ours.param_groups[0]["ns_dtype"] = "bfloat16"
    ours.step()
    theirs.step()
    for p, q in zip(params, theirs.param_groups[0]["params"], strict=True):
        torch.testing.assert_close(p, q, rtol=0, atol=1e-3)


def direction(g, **hyper):
    """The first step along g, of length 1 for the polar factor."""
    p = Parameter(torch.zeros_like(g))
    p.grad = g
    hyper = {"momentum": 0.0, "weight_decay": 0.0, "adjust_lr_fn": "original", **hyper}
    Muon([p], lr=1.0, **hyper).step()
    return -p.detach()


@pytest.mark.parametrize("shape", [(6, 6), (5, 12)])
def test_three_ways_to_the_factor(shape):
    g = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    exact = polar_svd(g)
    torch.testing.assert_close(direction(g, polar="svd"), exact, rtol=0, atol=1e-12)
    express = direction(g, polar="polar_express")
    torch.testing.assert_close(express, polar_express(g), rtol=0, atol=1e-11)
    errors = [float(torch.linalg.matrix_norm(o - exact, 2)) for o in (express, direction(g))]
    assert errors[0] < errors[1] < 0.4


@pytest.mark.parametrize("dtype, bound", [(torch.float64, 1e-11), (torch.float32, 5e-3)])
def test_grams_form_is_the_iteration_and_its_error_is_as_documented(dtype, bound):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 30, 100, generator=generator, dtype=torch.float64)
    u, _, vh = torch.linalg.svd(x, full_matrices=False)
    x = (u * torch.logspace(0, -5, 30, dtype=torch.float64)) @ vh  # singular values fall to 1e-5
    x = (x / x.norm(dim=(1, 2), keepdim=True)).to(dtype)
    for table in ([QUINTIC] * 5, express_coefficients(5)):
        exact = iterated(x.double(), table)
        error = torch.linalg.matrix_norm(iterated_by_gram(x, table) - exact, 2)
        assert bound / 100 < error.max() < bound
    many = express_coefficients(20)  # S is made anew: its rounding below zero does not grow on
    assert torch.linalg.svdvals(iterated_by_gram(x, many)).max() < 1.01


def test_factor_of_the_step_size():
    g = torch.randn(8, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    plain = direction(g, polar="svd") / 2  # sqrt(8 / 2)
    for name, factor in (("match_rms_adamw", 0.2 * 8**0.5), ("unit_rms", 8**0.5), (None, 2.0)):
        step = direction(g, polar="svd", adjust_lr_fn=name)
        torch.testing.assert_close(step, factor * plain)
    wide = direction(g.mT.contiguous(), polar="svd")
    torch.testing.assert_close(wide, plain.mT)


@pytest.mark.parametrize("shape", [(8, 3), (3, 8)])
def test_rows_of_a_tall_and_columns_of_a_wide_matrix_come_out_even(shape):
    g = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    hyper = {"polar": "svd", "adjust_lr_fn": "original"}
    even, plain = direction(g, row_beta=0.0, **hyper), direction(g, **hyper)
    lines = even.norm(dim=1 if shape[0] > shape[1] else 0)
    torch.testing.assert_close(lines, lines.mean().expand_as(lines))
    torch.testing.assert_close(even.norm(), plain.norm())


def test_cautious_decay_is_of_what_moves_toward_zero():
    x = torch.tensor([[1.0, -1.0], [1.0, 1.0]], dtype=torch.float64)
    g = torch.tensor([[1.0, 1.0], [-1.0, 1.0]], dtype=torch.float64)
    ends = []
    for hyper in ({"weight_decay": 0.0}, {"weight_decay": 0.5, "cautious": True}):
        p = Parameter(x.clone())
        p.grad = g
        Muon([p], lr=0.1, **hyper).step()
        ends.append(p.detach())
    torch.testing.assert_close(ends[1], ends[0] - 0.05 * x * (g * x > 0))


def test_a_vector_is_divided_by_its_norm_and_a_kernel_is_a_matrix():
    g = torch.tensor([3.0, -4.0], dtype=torch.float64)
    torch.testing.assert_close(direction(g, polar="svd"), 2**0.5 * g / 5)
    assert direction(torch.tensor(-2.0), polar="svd") == -1
    kernel = torch.randn(4, 2, 3, 3, generator=torch.Generator().manual_seed(0))
    flat = direction(kernel.view(4, 18))
    torch.testing.assert_close(direction(kernel), flat.view(4, 2, 3, 3))
    assert Muon([Parameter(kernel)]).describe().startswith("0.0 (4, 2, 3, 3): a matrix 4 x 18")


def test_zero_is_no_direction_in_both_editions():
    for hyper in ({}, {"polar": "svd"}, {"row_beta": 0.5}, {"eps": 0.0}):
        zero = torch.zeros(3, 2)
        assert torch.equal(direction(zero, **hyper), zero)
        rule = an.Muon(lr=1.0, **hyper)
        assert not rule.step(zero.numpy(), zero.numpy()).any()


def test_the_number_of_calls_does_not_grow_with_equal_shapes():
    from torch.profiler import ProfilerActivity, profile

    products = []
    for count in (1, 8):
        _, optimizer = run(lambda p: Muon(p, ns_dtype="float32"), [(30, 40)] * count, steps=1)
        with profile(activities=[ProfilerActivity.CPU]) as seen:
            optimizer.step()
        names = [event.key for event in seen.key_averages() for _ in range(event.count)]
        products.append(sum(name in ("aten::bmm", "aten::baddbmm", "aten::mm") for name in names))
    assert products[0] == products[1] == 15


def test_copies_go_their_own_way():
    _, optimizer = run(lambda p: Muon(p, row_beta=0.9), [(4, 3)])
    twin = copy.deepcopy(optimizer)
    (p,), (q,) = (o.param_groups[0]["params"] for o in (optimizer, twin))
    q.grad = torch.ones_like(q)
    before = p.detach().clone()
    twin.step()
    assert torch.equal(p, before)
    assert not torch.equal(q, before)

"""SOAP: the authors' method on one block, blocks of its own, shapes, what it keeps, resume."""

import copy

import pytest
import pytorch_optimizer
import torch
from torch.nn import Parameter

from adaopt.torch import SOAP, Adam

WHOLE = 10**6


def run(make, shapes, steps=25, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)

    def draw(shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)

    params = [Parameter(draw(shape)) for shape in shapes]
    optimizer = make(params)
    for k in range(steps):
        for p in params:
            p.grad = draw(p.shape) * (1 + k % 3)
        optimizer.step()
    return [p.detach() for p in params], optimizer


@pytest.mark.parametrize("frequency", [1, 5])
def test_on_one_block_it_is_the_authors(frequency):
    """Their QR decomposition is in float32; two are compared, with nothing left free by rank."""
    hyper = {"lr": 0.02, "betas": (0.9, 0.95), "precondition_frequency": frequency}
    shapes = [(6, 6), (140, 140), (5,)]
    ours, _ = run(lambda p: SOAP(p, block_size=WHOLE, **hyper), shapes)
    theirs, _ = run(lambda p: pytorch_optimizer.SOAP(p, **hyper), shapes)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-4)


def test_the_first_step_moves_nothing():
    (p,), optimizer = run(lambda params: SOAP(params, lr=0.1), [(4, 3)], steps=1)
    start, _ = run(lambda params: SOAP(params, lr=0.0), [(4, 3)], steps=1)
    assert torch.equal(p, start[0])
    bases = optimizer.state[optimizer.param_groups[0]["params"][0]]["bases"]
    left, right = bases[:16].view(4, 4), bases[16:].view(3, 3)
    for q in (left, right):
        torch.testing.assert_close(q.mT @ q, torch.eye(len(q), dtype=q.dtype))


def test_a_block_is_a_parameter_of_its_own():
    generator = torch.Generator().manual_seed(0)
    start, *noise = (torch.randn(8, 6, generator=generator, dtype=torch.float64) for _ in range(14))
    cut = Parameter(start.clone())
    parts = [Parameter(block.clone()) for half in start.split(4) for block in half.split(3, 1)]
    whole, blocks = SOAP([cut], lr=0.05, block_size=4), SOAP(parts, lr=0.05)
    for g in noise:
        cut.grad = g
        for p, block in zip(parts, (b for h in g.split(4) for b in h.split(3, 1)), strict=True):
            p.grad = block.clone()
        whole.step()
        blocks.step()
    joined = torch.cat([torch.cat(parts[:2], 1), torch.cat(parts[2:], 1)])
    torch.testing.assert_close(cut, joined, rtol=1e-12, atol=1e-12)
    assert "4 blocks of (4, 3)" in whole.describe()


def test_a_vector_is_stepped_as_by_adam_one_step_late():
    hyper = {"lr": 0.1, "betas": (0.9, 0.95)}
    g = torch.randn(4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ends = []
    for make, gradients in (
        (lambda p: SOAP(p, eps=0.0, weight_decay=0.0, **hyper), g),
        (lambda p: Adam(p, eps=0.0, **hyper), g[1:]),
    ):
        p = Parameter(torch.zeros(5, dtype=torch.float64))
        optimizer = make([p])
        for row in gradients:
            p.grad = row.clone()
            optimizer.step()
        ends.append(p.detach())
    torch.testing.assert_close(*ends)


def test_shapes_and_what_is_kept():
    shapes = [(3, 8), (4, 2, 3, 3), (7,), (), (0, 3)]
    _, optimizer = run(lambda p: SOAP(p, max_precondition_dim=6), shapes, steps=3)
    lines = optimizer.describe().splitlines()
    assert lines[0] == (
        f"0.0 (3, 8): 1 block of (3, 8), 8 keeps its axes; {8 * (2 * 24 + 2 * 9)} bytes of state"
    )
    assert "(4, 18), 18 keeps its axes" in lines[1]
    assert "Adam" in lines[2] and "Adam" in lines[3]
    assert "empty" in lines[4]


@pytest.mark.parametrize("way", [{}, {"stagger": True}, {"block_size": 3}])
def test_resume_across_a_new_basis_is_exact(way):
    make = {"lr": 0.05, "precondition_frequency": 4, **way}
    shapes = [(5, 4), (4, 5), (3,)]
    expected, _ = run(lambda p: SOAP(p, **make), shapes, steps=11)
    generator = torch.Generator().manual_seed(0)
    draws = [
        [torch.randn(s, generator=generator, dtype=torch.float64) for s in shapes]
        for _ in range(12)
    ]
    params = [Parameter(x.clone()) for x in draws[0]]
    optimizer = SOAP(params, **make)
    for k, gradients in enumerate(draws[1:]):
        for p, g in zip(params, gradients, strict=True):
            p.grad = g * (1 + k % 3)
        if k == 6:
            fresh = SOAP(params, lr=0.5)
            fresh.load_state_dict(copy.deepcopy(optimizer.state_dict()))
            optimizer = fresh
        optimizer.step()
    assert all(torch.equal(p, x) for p, x in zip(params, expected, strict=True))


def test_in_turn_every_block_gets_a_new_basis_once_in_a_round():
    p = Parameter(torch.zeros(8, 8, dtype=torch.float64))
    optimizer = SOAP([p], precondition_frequency=4, block_size=4, stagger=True)
    generator, changed = torch.Generator().manual_seed(0), []
    for _ in range(9):
        p.grad = torch.randn(8, 8, generator=generator, dtype=torch.float64)
        before = optimizer.state[p]["bases"].clone() if optimizer.state else None
        optimizer.step()
        if before is not None:
            new = (optimizer.state[p]["bases"] != before).view(4, -1).any(1)
            changed.append(int(new.sum()))
    assert changed == [1] * 8

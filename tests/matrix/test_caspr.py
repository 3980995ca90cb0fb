"""CASPR of the working edition, in both forms."""

import pytest
import torch
from torch.nn import Parameter

import adaopt.torch as at
from tests.proof import Problem, parity_error, torch_path


def gradients(count, *shape):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, *shape, generator=generator, dtype=torch.float64)


def power(a, exponent, eps):
    lam, v = torch.linalg.eigh(a)
    return (v * (lam + eps) ** exponent) @ v.T


def test_the_kronecker_sum_is_applied_twice():
    """With the matrix (L^-1/4 + R^-1/4) / 2 written out on the vector of all entries."""
    eps, p = 0.1, Parameter(torch.zeros(3, 4, dtype=torch.float64))
    optimizer = at.CASPR([p], lr=1.0, beta=1.0, eps=eps)
    left, right = torch.zeros(3, 3).double(), torch.zeros(4, 4).double()
    for g in gradients(5, 3, 4):
        left, right = left + g @ g.T, right + g.T @ g
        one, other = (power(a, -1 / 4, eps) for a in (left, right))
        total = torch.kron(one, torch.eye(4)) + torch.kron(torch.eye(3), other)
        before, p.grad = p.detach().clone(), g
        optimizer.step()
        expected = (total / 2) @ (total / 2) @ g.flatten()
        torch.testing.assert_close((before - p.detach()).flatten(), expected)


def test_it_lies_between_shampoo_and_the_full_matrix():
    """The paper's order: what the sum does to a gradient is no less than what the product does."""
    for g in gradients(20, 3, 4):
        steps = []
        for make in (at.Shampoo, at.CASPR):
            p = Parameter(torch.zeros_like(g))
            optimizer = make([p], lr=1.0, beta=1.0, eps=0.1)
            for other in gradients(6, 3, 4):
                p.grad = other
                optimizer.step()
            before, p.grad = p.detach().clone(), 1e-9 * g  # leaves the matrices as they are
            optimizer.step()
            steps.append(1e9 * (before - p.detach()))
        shampoo, caspr = ((g * step).sum() for step in steps)
        assert caspr >= shampoo > 0


@pytest.mark.parametrize("shape", [(7,), (), (2, 3, 4)])
def test_any_order(shape):
    """The mean of the products, twice; of order 1 the step is Shampoo's."""
    eps, p = 0.1, Parameter(torch.zeros(shape, dtype=torch.float64))
    g = gradients(1, *shape)[0]
    p.grad = g
    at.CASPR([p], lr=1.0, beta=0.0, eps=eps).step()
    d = g.view(shape or (1,))
    for _ in range(2):
        parts = []
        for i in range(d.dim()):
            u = g.view(d.shape).movedim(i, 0).flatten(1) if d.dim() > 1 else g.view(-1, 1)
            root = power(u @ u.T, -1 / 4, eps)
            parts.append(torch.tensordot(root, d, ([1], [i])).movedim(0, i))
        d = sum(parts) / len(parts)
    torch.testing.assert_close(-p.detach(), d.view(shape))


def test_algoperfs_form_in_both_editions_at_its_own_settings():
    hyper = {"variant": "algoperf", "eps": 1e-2, "betas": (0.9, 0.95), "grafting": "nadam"}
    hyper |= {"precondition_frequency": 5, "start_step": 11, "weight_decay": 0.1}
    assert parity_error("caspr", hyper, stagger=False) <= 1e-12


def test_algoperfs_form_keeps_the_matrices_of_the_last_roots():
    p = Parameter(torch.zeros(4, 3))
    for variant, kept in (("paper", False), ("algoperf", True)):
        optimizer = at.CASPR([p], variant=variant)
        p.grad = torch.ones(4, 3)
        optimizer.step()
        assert ("before" in optimizer.state[p]) is kept


@pytest.mark.parametrize("variant", ["paper", "algoperf"])
def test_diagonals_in_the_place_of_matrices(variant):
    """A dimension above max_dim; where gradients have one entry a row its matrix is diagonal."""
    rows = gradients(20, 6)
    noise = [{"x": torch.diag(row)[:, :3].numpy()} for row in rows]
    problem = Problem.recorded({"x": gradients(1, 6, 3)[0].numpy()}, noise)
    problem.gradient = lambda k, points: noise[k]
    hyper = {"lr": 0.1, "eps": 1e-2, "beta": 0.8, "variant": variant}
    whole = torch_path(lambda p: at.CASPR(p, **hyper), problem)
    diagonal = torch_path(lambda p: at.CASPR(p, **hyper, max_dim=5), problem)
    assert abs(whole.x["x"] - diagonal.x["x"]).max() <= 1e-12

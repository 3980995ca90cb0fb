"""Shampoo and CASPR of the reading edition against what their papers and the lecture say."""

import numpy as np
import pytest

import adaopt.numpy as an

RNG = np.random.default_rng(0)
G = {
    "tall": RNG.normal(size=(6, 4)),
    "wide": RNG.normal(size=(3, 5)),
    "square": RNG.normal(size=(4, 4)),
    "rank 2": RNG.normal(size=(6, 2)) @ RNG.normal(size=(2, 5)),
}


def polar(g):
    """U V' of the compact singular value decomposition."""
    u, s, vh = np.linalg.svd(g, full_matrices=False)
    kept = s > 1e-10 * s[0]
    return u[:, kept] @ vh[kept]


def power(a, exponent, eps=0.0):
    """A power of a symmetric matrix plus eps I."""
    lam, v = np.linalg.eigh(a)
    return (v * (lam + eps) ** exponent) @ v.T


@pytest.mark.parametrize("make", [an.Shampoo, an.CASPR])
@pytest.mark.parametrize("name", G)
def test_without_memory_the_step_is_the_polar_factor(make, name):
    g = G[name]
    x = make(lr=1.0, beta=0.0, eps=0.0).step(np.zeros_like(g), g)
    np.testing.assert_allclose(-x, polar(g), atol=1e-10)


@pytest.mark.parametrize("make", [an.Shampoo, an.CASPR])
def test_an_average_from_zero_makes_the_first_step_longer(make):
    g, beta = G["tall"], 0.91
    hyper = {"lr": 1.0, "beta": beta, "eps": 0.0}
    x = make(**hyper).step(np.zeros_like(g), g)
    np.testing.assert_allclose(-x, polar(g) / np.sqrt(1 - beta), atol=1e-10)
    x = make(**hyper, bias_correction=True).step(np.zeros_like(g), g)
    np.testing.assert_allclose(-x, polar(g), atol=1e-10)


@pytest.mark.parametrize("make", [an.Shampoo, an.CASPR])
def test_sums_of_equal_gradients_make_steps_that_fall_like_one_over_root_k(make):
    g, optimizer = G["square"], make(lr=1.0, beta=1.0, eps=0.0)
    for k in range(1, 6):
        step = -optimizer.step(np.zeros_like(g), g)
        np.testing.assert_allclose(step, polar(g) / np.sqrt(k), atol=1e-9)


def test_sums_start_from_eps_times_identity():
    """The paper's L_0 = eps I and L_k = L_{k-1} + G G', with its exponent -1/4."""
    optimizer, eps = an.Shampoo(lr=1.0, beta=1.0, eps=0.3), 0.3
    left, right = eps * np.eye(3), eps * np.eye(5)
    for k in range(4):
        g = np.random.default_rng(k).normal(size=(3, 5))
        left, right = left + g @ g.T, right + g.T @ g
        step = -optimizer.step(np.zeros_like(g), g)
        np.testing.assert_allclose(step, power(left, -1 / 4) @ g @ power(right, -1 / 4), rtol=1e-10)


def test_a_tensor_of_order_three_has_sixth_roots():
    g, eps = RNG.normal(size=(3, 4, 2)), 0.1
    unfolded = [np.moveaxis(g, i, 0).reshape(g.shape[i], -1) for i in range(3)]
    roots = [power(u @ u.T, -1 / 6, eps) for u in unfolded]
    expected = np.einsum("ai,bj,ck,ijk->abc", *roots, g)
    x = an.Shampoo(lr=1.0, beta=0.0, eps=eps).step(np.zeros_like(g), g)
    np.testing.assert_allclose(-x, expected, rtol=1e-10)


@pytest.mark.parametrize("make", [an.Shampoo, an.CASPR])
def test_a_vector_has_the_whole_matrix_of_adagrad(make):
    gradients, eps = RNG.normal(size=(5, 4)), 0.2
    optimizer, total = make(lr=1.0, beta=1.0, eps=eps), eps * np.eye(4)
    for g in gradients:
        total += np.outer(g, g)
        step = -optimizer.step(np.zeros(4), g)
        np.testing.assert_allclose(step, power(total, -1 / 2) @ g, rtol=1e-10)


def test_grafting_takes_the_length_from_adam_and_the_direction_from_the_roots():
    betas, hyper = (0.8, 0.9), {"lr": 1.0, "beta": 0.9, "eps": 1e-3}
    grafted = an.Shampoo(**hyper, betas=betas, grafting="adam")
    plain, adam = an.Shampoo(**hyper, betas=betas), an.Adam(lr=1.0, betas=betas)
    zero = np.zeros((6, 4))
    for k in range(5):
        g = np.random.default_rng(k).normal(size=(6, 4))
        step, direction, length = (o.step(zero, g) for o in (grafted, plain, adam))
        assert np.linalg.norm(step) == pytest.approx(np.linalg.norm(length), rel=1e-12)
        cosine = (step * direction).sum() / np.linalg.norm(step) / np.linalg.norm(direction)
        assert cosine == pytest.approx(1, abs=1e-12)


def test_caspr_is_the_mean_of_both_sides_applied_twice():
    g, eps = RNG.normal(size=(3, 5)), 0.2
    p, q = power(g @ g.T, -1 / 4, eps), power(g.T @ g, -1 / 4, eps)
    x = an.CASPR(lr=1.0, beta=0.0, eps=eps).step(np.zeros_like(g), g)
    np.testing.assert_allclose(-x, (p @ p @ g + 2 * p @ g @ q + g @ q @ q) / 4, rtol=1e-10)


def test_algoperfs_caspr_gathers_on_the_right_what_the_left_leaves():
    """Step by step, as its submission does: the old root on the left, R rescaled by a new one."""
    beta, eps = 0.7, 0.2
    optimizer = an.CASPR(lr=1.0, beta=beta, eps=eps, variant="algoperf")
    left, before, right, p = np.zeros((3, 3)), np.zeros((3, 3)), np.zeros((5, 5)), np.eye(3)
    for k in range(4):
        g = np.random.default_rng(k).normal(size=(3, 5))
        left = beta * left + (1 - beta) * g @ g.T
        right = beta * right + (1 - beta) * g.T @ p @ p @ g / 3
        p, q = power(left, -1 / 2, eps), power(right, -1 / 2, eps)
        step = -optimizer.step(np.zeros_like(g), g)
        np.testing.assert_allclose(step, p @ g @ q, rtol=1e-9)
        right *= np.trace(p @ (before + eps * np.eye(3)) @ p) / 3
        before = left


def test_without_memory_algoperfs_caspr_reaches_the_polar_factor_with_its_second_root():
    g, zero = G["wide"], np.zeros((3, 5))
    optimizer = an.CASPR(lr=1.0, beta=0.0, eps=0.0, variant="algoperf")
    optimizer.step(zero, g)  # R has yet seen a gradient that no root had divided
    np.testing.assert_allclose(-optimizer.step(zero, g), np.sqrt(3) * polar(g), atol=1e-9)


@pytest.mark.parametrize(
    "name, value", [("beta", 1.5), ("precondition_frequency", 0), ("start_step", 0)]
)
def test_values_out_of_range(name, value):
    with pytest.raises(ValueError, match=f"Invalid {name} value: {value}"):
        an.Shampoo(**{name: value})

"""What holds for methods that treat a parameter as a matrix, for any gradients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaopt.catalog import CARDS
from tests.proof import Problem, numpy_path, torch_path

SEEDS = st.integers(0, 999)
SHAPES = st.sampled_from([(3, 3), (2, 4), (4, 2)])
FEW = settings(max_examples=15)
EDITIONS = ["numpy", "torch"]

# Whatever reads the matrix by its singular values only: no grafting, no even rows.
KNOW_NO_AXES = {
    "shampoo": ("shampoo", {"lr": 0.1, "eps": 1e-3}),
    "shampoo, sums and momentum": ("shampoo", {"lr": 0.1, "beta": 1.0, "momentum": 0.5}),
    "shampoo, length of SGD": ("shampoo", {"lr": 0.1, "eps": 1e-3, "grafting": "sgd"}),
    "caspr": ("caspr", {"lr": 0.1, "eps": 1e-3}),
    "caspr adaptive": ("caspr", {"lr": 0.1, "eps": 1e-3, "variant": "algoperf"}),
    "muon": ("muon", {"lr": 0.1}),
    "muon, Polar Express": ("muon", {"lr": 0.1, "polar": "polar_express", "nesterov": False}),
    "muon, the factor itself": ("muon", {"lr": 0.1, "polar": "svd", "weight_decay": 0.3}),
}
KNOW_AXES = {
    "adam": ("adam", {"lr": 0.1}),
    "shampoo, length of Adam": ("shampoo", {"lr": 0.1, "eps": 1e-3, "grafting": "adam"}),
    "muon, even rows": ("muon", {"lr": 0.1, "row_beta": 0.9}),
    "muon, cautious": ("muon", {"lr": 0.1, "weight_decay": 3.0, "cautious": True}),
}


def path(edition, key, problem, **hyper):
    card = CARDS[key]
    if edition == "numpy":
        return numpy_path(card.numpy_class(**hyper), problem).x["x"]
    return torch_path(lambda params: card.torch_class(params, **hyper), problem).x["x"]


def turned(edition, key, hyper, seed, shape):
    """P x Q of a path, and the path whose start and gradients are turned so."""
    problem, rng = Problem({"x": shape}, steps=8, seed=seed), np.random.default_rng(seed)
    p, q = (np.linalg.qr(rng.normal(size=(n, n)))[0] for n in shape)
    start, noise = ([{"x": p @ a["x"] @ q} for a in b] for b in ([problem.start], problem.noise))
    other = Problem.recorded(start[0], noise)
    return p @ path(edition, key, problem, **hyper) @ q, path(edition, key, other, **hyper)


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("name", KNOW_NO_AXES)
@FEW
@given(seed=SEEDS, shape=SHAPES)
def test_rotations_of_rows_and_columns_pass_through(name, edition, seed, shape):
    one, other = turned(edition, *KNOW_NO_AXES[name], seed, shape)
    np.testing.assert_allclose(other, one, rtol=0, atol=1e-9)


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("name", KNOW_AXES)
def test_and_through_others_they_do_not(name, edition):
    for seed in range(5):
        one, other = turned(edition, *KNOW_AXES[name], seed, (4, 2))
        assert np.abs(one - other).max() > 1e-3


@FEW
@given(seed=SEEDS)
def test_soap_knows_axes_only_by_their_eigenvectors(seed):
    """Turned, the first basis turns too, up to signs, which Adam does not see."""
    hyper = {"lr": 0.1, "weight_decay": 0.0}
    one, other = turned("numpy", "soap", hyper, seed, (3, 3))
    np.testing.assert_allclose(other, one, rtol=0, atol=1e-7)


ONE_DIRECTION = {
    "shampoo": {"beta": 0.0, "eps": 0.0},
    "caspr": {"beta": 0.0, "eps": 0.0},
    "muon": {"momentum": 0.0, "polar": "svd", "adjust_lr_fn": "original", "weight_decay": 0.0},
}


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("key", ONE_DIRECTION)
@FEW
@given(seed=SEEDS, n=st.integers(1, 6))
def test_without_accumulation_all_take_the_polar_factor(key, edition, seed, n):
    """Of a square gradient of full rank, whose singular values lie in [0.5, 2]."""
    rng = np.random.default_rng(seed)
    u, v = (np.linalg.qr(rng.normal(size=(n, n)))[0] for _ in range(2))
    g = u @ np.diag(rng.uniform(0.5, 2, size=n)) @ v
    problem = Problem.recorded({"x": np.zeros((n, n))}, [{"x": g}])
    x = path(edition, key, problem, lr=1.0, **ONE_DIRECTION[key])
    np.testing.assert_allclose(x, -u @ v, rtol=0, atol=1e-10)


def test_with_accumulation_they_part():
    problem = Problem({"x": (4, 4)}, steps=3)
    one, other = (path("numpy", key, problem, lr=0.1, eps=1e-6) for key in ("shampoo", "caspr"))
    assert np.abs(one - other).max() > 1e-3

"""What the papers say of their methods, as properties that hold for any gradients."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adaopt.numpy as an
from adaopt.catalog import CARDS
from tests.proof import Path, Problem, numpy_path, torch_path

BETAS = st.tuples(st.sampled_from([0.0, 0.5, 0.9]), st.sampled_from([0.5, 0.9, 0.999]))
SEEDS = st.integers(0, 999)
SCALES = st.floats(-6, 6).map(lambda power: 10**power)
EDITIONS = ["numpy", "torch"]
FEW = settings(max_examples=15)


def path(edition: str, key: str, problem: Problem, **hyper: Any) -> Path:
    """The path of a method of the catalog in one of the editions."""
    card = CARDS[key]
    hyper = {**card.preset, **hyper}
    if edition == "numpy":
        return numpy_path(card.numpy_class(**hyper), problem)
    return torch_path(lambda params: card.torch_class(params, **hyper), problem)


def equal(one: Path, other: Path) -> bool:
    """Bit for bit."""
    pairs = zip([*one.points, one.x], [*other.points, other.x], strict=True)
    return all(np.array_equal(a[n], b[n]) for a, b in pairs for n in a)


def descend(optimizer: an.Rule, gradients: np.ndarray) -> np.ndarray:
    """The iterates along given gradients, from zero."""
    x = np.zeros_like(gradients[0])
    iterates = [x]
    for g in gradients:
        x = optimizer.step(x, g)
        iterates.append(x)
    return np.array(iterates)


def noise(seed: int, steps: int = 12, size: int = 4) -> np.ndarray:
    """Gradients of changing size and sign, none of them zero."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(steps, size)) * 10 ** rng.uniform(-2, 2, size=(steps, 1))


# Scale. The settings that make each method forget how large gradients are.

SCALE_FREE = {
    "adagrad": {"eps": 0.0},
    "rmsprop": {"eps": 0.0},
    "adam": {"eps": 0.0},
    "amsgrad": {"eps": 0.0},
    "adamw": {"eps": 0.0},
    "nadam": {"eps": 0.0},
    "nadamw": {"eps": 0.0},
    "nadamp": {"eps": 0.0},
    "generalized_adam": {"eps": 0.0},
    "signsgd": {},
    "signum": {},
    "lion": {},
    "amos": {"eps": 0.0},
    "laprop": {"eps": 0.0},
    "ademamix": {"eps": 0.0},
    "schedule_free_adamw": {"eps": 0.0},
    "prodigy": {"eps": 0.0},
    "schedule_free_prodigy": {"eps": 0.0},
}


@pytest.mark.parametrize("key", SCALE_FREE)
@given(seed=SEEDS, scale=SCALES)
def test_the_scale_of_the_gradients_does_not_matter(key, seed, scale):
    make, g = CARDS[key].numpy_class, noise(seed)
    iterates = descend(make(**SCALE_FREE[key]), g)
    rounding = 1e-12 * np.abs(iterates).max()
    other = descend(make(**SCALE_FREE[key]), scale * g)
    np.testing.assert_allclose(other, iterates, rtol=1e-9, atol=rounding)


@pytest.mark.parametrize("key", ["sgd", "momentum", "schedule_free_sgd"])
@given(seed=SEEDS, scale=SCALES)
def test_the_steps_of_momentum_grow_with_the_gradients(key, seed, scale):
    card, g = CARDS[key], noise(seed)
    one, other = (descend(card.numpy_class(**card.preset), c * g) for c in (1.0, scale))
    np.testing.assert_allclose(other, scale * one, rtol=1e-9, atol=1e-12 * scale)


@given(seed=SEEDS, power=st.sampled_from([1.0, 1.5, 4.0]))
def test_another_power_brings_the_scale_back(seed, power):
    g, hyper = noise(seed), {"eps": 0.0, "weight_decay": 0.0, "power": power}
    one, other = (descend(an.NadamP(**hyper), c * g) for c in (1.0, 16.0))
    np.testing.assert_allclose(other, 16 ** (1 - 2 / power) * one, rtol=1e-9)


# First steps.


@pytest.mark.parametrize("key", ["adam", "adamw", "laprop", "nadamw"])
@given(seed=SEEDS, betas=BETAS)
def test_the_first_step_is_lr_along_the_sign(key, seed, betas):
    g = noise(seed, steps=1)
    hyper = {"lr": 0.1, "betas": betas, "eps": 0.0}
    factor = 1.0
    if key == "nadamw":  # the look-ahead is not corrected for what it adds
        factor += betas[0]
    _, x = descend(CARDS[key].numpy_class(**hyper), g)
    np.testing.assert_allclose(x, -0.1 * factor * np.sign(g[0]), rtol=1e-12)


@given(seed=SEEDS, betas=BETAS)
def test_without_bias_correction_the_first_step_is_another(seed, betas):
    _, x = descend(an.AMSGrad(lr=0.1, betas=betas, eps=0.0), noise(seed, steps=1))
    np.testing.assert_allclose(np.abs(x), 0.1 * (1 - betas[0]) / (1 - betas[1]) ** 0.5, rtol=1e-12)


@given(seed=SEEDS)
def test_sign_methods_move_every_coordinate_by_lr(seed):
    for key in ("signsgd", "signum", "lion"):
        steps = np.diff(descend(CARDS[key].numpy_class(lr=0.1), noise(seed)), axis=0)
        np.testing.assert_allclose(np.abs(steps), 0.1, rtol=1e-12)


@given(seed=SEEDS, betas=BETAS)
def test_adams_steps_are_bounded(seed, betas):
    """|m_hat| <= sqrt(v_hat) up to the largest ratio of their weights (Cauchy-Schwarz)."""
    b1, b2 = betas
    steps = np.diff(descend(an.Adam(lr=0.1, betas=betas, eps=0.0), noise(seed)), axis=0)
    for t, step in enumerate(steps, 1):
        age = np.arange(t)
        m = b1**age * (1 - b1) / (1 - b1**t)
        v = b2**age * (1 - b2) / (1 - b2**t)
        assert np.abs(step).max() <= 0.1 * np.sqrt((m**2 / v).sum()) * (1 + 1e-12)


@given(seed=SEEDS)
def test_adafactors_first_step_along_a_product_is_that_of_signs(seed):
    """Where the squares of the gradient are a column times a row the factors lose nothing."""
    rng = np.random.default_rng(seed)
    g = np.outer(rng.normal(size=4), rng.normal(size=3)) * rng.choice([-1, 1], size=(4, 3))
    x = an.Adafactor(lr=0.1, eps=(0.0, 0.5)).step(np.zeros((4, 3)), g)
    np.testing.assert_allclose(x, -0.1 * 0.5 * np.sign(g), rtol=1e-12)


# AMSGrad: the rate of a coordinate is its step over its gradient (beta1 = 0).


def rates(amsgrad: bool | str, gradients: np.ndarray) -> np.ndarray:
    optimizer = an.Adam(lr=0.1, betas=(0.0, 0.9), amsgrad=amsgrad)
    zero = np.zeros_like(gradients[0])
    return np.array([-optimizer.step(zero, g) / g for g in gradients])


@pytest.mark.parametrize("amsgrad", ["paper", "hat"])
@given(seed=SEEDS)
def test_the_rate_of_amsgrad_never_grows(amsgrad, seed):
    rate = rates(amsgrad, noise(seed))
    assert (rate[1:] <= rate[:-1] * (1 + 1e-14)).all()


@given(seed=SEEDS)
def test_the_rate_of_torchs_form_grows_after_a_large_first_gradient(seed):
    g = np.clip(noise(seed), -1, 1)
    g[0] = 1e3
    torchs, hat, paper = (rates(form, g) for form in (True, "hat", "paper"))
    assert (torchs[1:] > torchs[:-1]).all()
    np.testing.assert_allclose(torchs[-1] / torchs[0], np.sqrt((1 - 0.9**12) / 0.1), rtol=1e-9)
    np.testing.assert_allclose(hat, np.broadcast_to(hat[0], hat.shape), rtol=1e-14)
    np.testing.assert_allclose(paper, np.broadcast_to(paper[0], paper.shape), rtol=1e-14)


# Rotations.

# Of a vector Shampoo has the whole matrix, and Muon divides it by its norm.
ON_VECTORS = tuple(key for key in ("shampoo", "caspr", "muon") if key in CARDS)
EQUIVARIANT = ("gd", "sgd", "momentum", "nesterov", "schedule_free_sgd", "amos", *ON_VECTORS)
BY_COORDINATE = tuple(key for key in CARDS if key not in EQUIVARIANT)


def turned(key: str, seed: int, **hyper: Any) -> tuple[np.ndarray, np.ndarray]:
    """Q x of a path, and the path in turned coordinates, on f(x) = (x - a)'H(x - a) / 2."""
    rng, card = np.random.default_rng(seed), CARDS[key]
    h, a = np.diag([1.0, 3.0, 9.0]), rng.normal(size=3)
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    x, y = np.ones(3), q @ np.ones(3)
    one, other = (card.numpy_class(**{**card.preset, **hyper}) for _ in range(2))
    for _ in range(12):
        x = one.step(x, h @ (one.point(x) - a))
        y = other.step(y, q @ h @ (q.T @ other.point(y) - a))
    return q @ x, y


@pytest.mark.parametrize("key", EQUIVARIANT)
@given(seed=SEEDS)
def test_these_methods_know_no_axes(key, seed):
    hyper = {"eps": 1e-3} if key in ("shampoo", "caspr") else {}  # their roots amplify rounding
    qx, y = turned(key, seed, lr=0.05, **hyper)
    np.testing.assert_allclose(y, qx, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("key", BY_COORDINATE)
def test_all_others_do(key):
    lr = 5.0 if "prodigy" in key else 0.05
    hyper = {"d0": 1e-2} if "prodigy" in key else {}
    assert all(not np.allclose(*turned(key, seed, lr=lr, **hyper), rtol=1e-4) for seed in range(5))


@given(seed=SEEDS)
def test_without_preconditioning_generalized_adam_knows_no_axes(seed):
    qx, y = turned("generalized_adam", seed, lr=0.01, preconditioning=False)
    np.testing.assert_allclose(y, qx, rtol=1e-10, atol=1e-12)


# Methods that are others at some of their hyper-parameters, bit for bit in both editions.

SAME = {
    "AdamW without decay is Adam": ("adamw", {"weight_decay": 0.0}, "adam", {}),
    "AdamW is Adam with its decay decoupled": (
        *("adamw", {"weight_decay": 0.1}),
        *("adam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ),
    "AMSGrad is Adam's form of the paper": ("amsgrad", {}, "adam", {"amsgrad": "paper"}),
    "NadamP of power 2 is NAdamW": ("nadamp", {"power": 2.0}, "nadamw", {}),
    "generalized Adam is NAdamW": ("generalized_adam", {}, "nadamw", {}),
    "Signum without momentum is signSGD": ("signum", {"momentum": 0.0}, "signsgd", {}),
}


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("name", SAME)
@FEW
@given(seed=SEEDS, lr=st.sampled_from([1e-3, 0.1]))
def test_one_method_is_another_bit_for_bit(name, edition, seed, lr):
    key, hyper, other_key, other = SAME[name]
    problem = Problem({"x": (3,)}, steps=8, seed=seed)
    one = path(edition, key, problem, lr=lr, **hyper)
    assert equal(one, path(edition, other_key, problem, lr=lr, **other))


def close(one: Path, other: Path) -> None:
    np.testing.assert_allclose(one.x["x"], other.x["x"], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("edition", EDITIONS)
@FEW
@given(seed=SEEDS, beta=st.sampled_from([0.5, 0.9]))
def test_lion_of_equal_betas_is_signum(edition, seed, beta):
    problem = Problem({"x": (3,)}, steps=12, seed=seed)
    one = path(edition, "lion", problem, lr=0.1, betas=(beta, beta), weight_decay=0.1)
    close(one, path(edition, "signum", problem, lr=0.1, momentum=beta, weight_decay=0.1))


@pytest.mark.parametrize("edition", EDITIONS)
@FEW
@given(seed=SEEDS)
def test_ademamix_without_its_slow_average_is_adamw(edition, seed):
    problem = Problem({"x": (3,)}, steps=12, seed=seed)
    one = path(edition, "ademamix", problem, lr=0.1, alpha=0.0, weight_decay=0.1)
    close(one, path(edition, "adamw", problem, lr=0.1, weight_decay=0.1))


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("key", ["laprop", "nadamw", "nadam"])
@FEW
@given(seed=SEEDS, beta2=st.sampled_from([0.5, 0.999]))
def test_without_momentum_they_are_adam(key, edition, seed, beta2):
    problem = Problem({"x": (3,)}, steps=12, seed=seed)
    hyper = {"lr": 0.01, "betas": (0.0, beta2), "eps": 1e-3, "weight_decay": 0.0}
    close(path(edition, key, problem, **hyper), path(edition, "adam", problem, **hyper))


@pytest.mark.parametrize("edition", EDITIONS)
@FEW
@given(seed=SEEDS, nesterov=st.booleans())
def test_without_preconditioning_generalized_adam_is_momentum(edition, seed, nesterov):
    problem = Problem({"x": (3,)}, steps=12, seed=seed)
    hyper = {"betas": (0.8, 0.9), "weight_decay": 0.0, "nesterov": nesterov}
    one = path(edition, "generalized_adam", problem, lr=0.01, preconditioning=False, **hyper)
    close(one, path(edition, "sgd", problem, lr=0.01, momentum=0.8, nesterov=nesterov))


@pytest.mark.parametrize("edition", EDITIONS)
@FEW
@given(seed=SEEDS, d=st.sampled_from([1e-3, 0.1]))
def test_prodigy_that_may_not_grow_is_adamw(edition, seed, d):
    problem = Problem({"x": (3,)}, steps=12, seed=seed)
    hyper = {"lr": 0.5, "eps": 0.0, "weight_decay": 0.0}
    one = path(
        *(edition, "prodigy", problem),
        **{**hyper, "d0": d, "d_coef": 1e-9, "use_bias_correction": True},
    )
    close(one, path(edition, "adam", problem, **{**hyper, "lr": 0.5 * d}))


# Schedule-Free, as its paper says: between Polyak-Ruppert and primal averaging.


@given(seed=SEEDS, lr=st.sampled_from([0.01, 0.3]))
def test_schedule_free_with_beta_0_is_polyak_ruppert_averaging(seed, lr):
    problem = Problem({"x": (3,)}, seed=seed)
    averaged = an.PolyakAverage(an.SGD(lr=lr))
    numpy_path(averaged, problem)
    x = numpy_path(an.ScheduleFreeSGD(lr=lr, momentum=0.0), problem).x
    np.testing.assert_allclose(x["x"], averaged.average["x"], rtol=1e-10, atol=1e-12)


@given(seed=SEEDS, lr=st.sampled_from([0.01, 0.3]))
def test_schedule_free_with_beta_1_is_primal_averaging(seed, lr):
    problem = Problem({"x": (3,)}, seed=seed)
    found = numpy_path(an.ScheduleFreeSGD(lr=lr, momentum=1.0), problem)
    x = z = problem.start["x"]
    for k in range(problem.steps):
        np.testing.assert_allclose(found.points[k]["x"], x, rtol=1e-10, atol=1e-12)
        z = z - lr * problem.gradient(k, {"x": x})["x"]
        x = x + (z - x) / (k + 1)
    np.testing.assert_allclose(found.x["x"], x, rtol=1e-10, atol=1e-12)


@given(seed=SEEDS)
def test_any_schedule_free_x_is_the_mean_of_its_z(seed):
    optimizer, g = an.ScheduleFreeAdamW(lr=0.1, r=0.0, weight_lr_power=0.0), noise(seed)
    x, zs = np.zeros(4), []
    for k in range(len(g)):
        x = optimizer.step(x, g[k])
        zs.append(optimizer.state.z)
        np.testing.assert_allclose(x, np.mean(zs, axis=0), rtol=1e-10, atol=1e-12)


# Averages of snapshots.


@pytest.mark.parametrize("how", [{"mode": "ema", "beta": 0.0}, {"mode": "queue", "k": 1}], ids=str)
@given(seed=SEEDS, interval=st.integers(1, 4))
def test_an_average_of_one_snapshot_is_the_last_one(how, seed, interval):
    optimizer = an.LAWA(an.Adam(lr=0.1), interval=interval, **how)
    x, last = np.zeros(4), None
    for k, g in enumerate(noise(seed)):
        x = optimizer.step(x, g)
        last = x if k % interval == 0 else last
        assert np.array_equal(optimizer.average, last)


@given(seed=SEEDS)
def test_a_queue_of_all_iterates_is_polyak_averaging(seed):
    queue = an.LAWA(an.Adam(lr=0.1), mode="queue", k=12, interval=1)
    mean = an.PolyakAverage(an.Adam(lr=0.1))
    for optimizer in (queue, mean):
        descend(optimizer, noise(seed))
    np.testing.assert_allclose(queue.average, mean.average, rtol=1e-10)


# Accumulators.


@given(size=SCALES)
def test_adagrads_rate_falls_like_one_over_root_t(size):
    optimizer, zero, g = an.Adagrad(lr=0.1, eps=0.0), np.zeros(1), np.full(1, size)
    steps = [-optimizer.step(zero, g).item() for _ in range(50)]
    np.testing.assert_allclose(steps, 0.1 / np.sqrt(np.arange(1, 51)), rtol=1e-12)

"""The look-ahead methods: which of them are others at special settings, and first steps by hand."""

import numpy as np
import pytest

from adaopt.numpy import SGD, AdamW, AdEMAMix, GeneralizedAdam, LaProp, NAdam, NadamP, NAdamW

HYPER = {"lr": 0.03, "betas": (0.83, 0.97), "eps": 1e-3, "weight_decay": 0.2}


def run(optimizer, steps=20):
    """The iterates on gradients that change sign and scale."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(5)
    xs = []
    for _ in range(steps):
        x = optimizer.step(x, rng.standard_normal(5) * 10 ** rng.uniform(-2, 1))
        xs.append(x)
    return np.array(xs)


def close(a, b):
    np.testing.assert_allclose(run(a), run(b), rtol=1e-13, atol=1e-13)


def test_nadam_as_in_algoperf_is_nadamw():
    close(NAdam(**HYPER, variant="algoperf", decoupled_weight_decay=True), NAdamW(**HYPER))


def test_nadamp_at_two_is_nadamw_and_elsewhere_is_not():
    assert np.array_equal(run(NadamP(**HYPER)), run(NAdamW(**HYPER)))
    assert abs(run(NadamP(**HYPER, power=1.5)) - run(NAdamW(**HYPER))).max() > 0.01


def test_generalized_adam_is_nadamw_or_momentum_with_decay_apart():
    close(GeneralizedAdam(**HYPER), NAdamW(**HYPER))
    plain = HYPER | {"weight_decay": 0.0}
    for nesterov in (False, True):
        close(
            GeneralizedAdam(**plain, preconditioning=False, nesterov=nesterov),
            SGD(lr=0.03, momentum=0.83, nesterov=nesterov),
        )


def test_first_steps_with_decay_by_hand():
    x, g = np.array([2.0]), np.array([-3.0])
    hyper = {"lr": 0.5, "betas": (0.6, 0.9), "eps": 0.0, "weight_decay": 0.1}
    ahead = (0.6 * 0.4 + 0.4) / 0.4  # of the gradient, after the correction
    assert NAdamW(**hyper).step(x, g) == pytest.approx(2 - 0.5 * (-ahead + 0.2))
    flat = GeneralizedAdam(**hyper, nesterov=False)  # m without bias correction
    assert flat.step(x, g) == pytest.approx(2 - 0.5 * (-0.4 + 0.2))
    momentum = GeneralizedAdam(**hyper, preconditioning=False)
    assert momentum.step(x, g) == pytest.approx(2 - 0.5 * (-3 - 0.6 * 3 + 0.2))
    dozat = NAdam(lr=0.5, betas=(0.6, 0.9), eps=0.0, variant="dozat")
    assert dozat.step(x, g) == pytest.approx(2 + 0.5 * (0.6 * 0.4 / (1 - 0.36) + 1))


def test_nadam_schedule_grows_from_half_of_beta1():
    mu = [NAdam(momentum_decay=0.5).mu(k) for k in (0, 1, 10, 10_000)]
    assert mu == sorted(mu)
    assert mu[0] == pytest.approx(0.45)
    assert mu[-1] == pytest.approx(0.9)
    assert NAdam(momentum_decay=0.0).mu(1000) == pytest.approx(0.45)
    assert NAdam(variant="dozat").mu(1) == 0.9


def test_laprop_averages_what_is_already_divided():
    x = np.zeros(1)
    signs = LaProp(lr=1.0, betas=(0.5, 0.0), eps=0.0)
    for g in (1e-3, -50.0, 7.0):
        x = signs.step(x, np.array([g]))
    m = [0.5, -0.25, 0.375]  # averages of the signs +, -, +
    assert x == pytest.approx(-sum(a / (1 - 0.5**k) for k, a in enumerate(m, 1)))


def test_ademamix_without_a_slow_average_is_adamw():
    mixed = AdEMAMix(**HYPER | {"betas": (0.83, 0.97, 0.99)}, alpha=0.0)
    close(mixed, AdamW(**HYPER))


def test_ademamix_warms_up_the_weight_and_the_half_life():
    optimizer = AdEMAMix(betas=(0.9, 0.999, 0.9999), beta3_warmup=1000)
    half_lives = [np.log(0.5) / np.log(optimizer.beta3(k)) for k in (0, 250, 500, 1000, 5000)]
    first, last = half_lives[0], half_lives[-1]
    assert first == pytest.approx(np.log(0.5) / np.log(0.9))
    assert half_lives[1:3] == pytest.approx([first + (last - first) * f for f in (0.25, 0.5)])
    assert half_lives[3] == last == pytest.approx(np.log(0.5) / np.log(0.9999))
    x, g = np.zeros(1), np.ones(1)
    warm = AdEMAMix(lr=1.0, betas=(0.0, 0.0, 0.5), eps=0.0, alpha=8.0, alpha_warmup=4)
    assert warm.step(x, g) == pytest.approx(-(1 + 8.0 / 4 * 0.5))

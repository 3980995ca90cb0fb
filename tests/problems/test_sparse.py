"""Sparse problems: the same on every machine, as sparse as they say, and rotated without change."""

import numpy as np
import pytest

from adaopt import problems
from adaopt.numpy import SGD, Adagrad
from adaopt.training import minimize


@pytest.fixture(scope="module")
def text():
    return problems.docstring_words()


@pytest.fixture(scope="module")
def zipf():
    return problems.zipf_words(n=400, dim=150)


def test_a_paragraph_is_the_set_of_its_words(text):
    train, held_out, words = text
    assert train.A.shape == (2000, len(words)) and held_out.dim == train.dim
    assert set(np.unique(train.A)) == {0, 1}
    assert words == sorted(set(words)) and {"the", "masked"} <= set(words)
    assert train.A.sum(axis=0).min() == 3  # the rarest word that counts
    assert 0.005 < train.A.mean() < 0.02
    assert (train.l2, held_out.l2) == (1e-4, 0)


def test_masked_says_which_part_of_numpy_it_is(text):
    train, _, words = text
    with_word = train.A[:, words.index("masked")] == 1
    assert np.mean(train.y[with_word] > 0) > 3 * np.mean(train.y > 0)


def test_no_paragraph_is_in_both_halves(text):
    train, held_out, _ = text
    both = np.vstack([train.A, held_out.A])
    # paragraphs are told apart by all their words; the few that agree in the common ones may meet
    assert len(np.unique(both, axis=0)) > 0.97 * len(both)


def test_the_text_is_learned_and_the_held_out_part_too(text):
    train, held_out, _ = text
    rng = np.random.default_rng(0)
    run = minimize(train, Adagrad(lr=0.5), np.zeros(train.dim), 500, rng, batch_size=8)
    wrong = np.mean((held_out.A @ run.x > 0) != (held_out.y > 0))
    assert wrong < 0.6 * np.mean(held_out.y > 0)  # the share of errors of "never masked"


def test_zipf_frequencies_fall_with_the_rank():
    train, held_out = problems.zipf_words(n=4000, dim=50, words=1, exponent=1.0)
    expected = 1 / np.arange(1, 51)
    counts = train.A.mean(axis=0)
    np.testing.assert_allclose(counts, expected / expected.sum(), atol=0.02)
    assert (train.A.sum(axis=1) == 1).all()
    assert held_out.A.shape == train.A.shape and not np.array_equal(held_out.A, train.A)


def test_zipf_is_drawn_from_its_seed(zipf):
    again, _ = problems.zipf_words(n=400, dim=150)
    other, _ = problems.zipf_words(n=400, dim=150, seed=1)
    np.testing.assert_array_equal(again.A, zipf[0].A)
    assert not np.array_equal(other.A, zipf[0].A)


def test_both_parts_of_zipf_have_the_same_weights_behind_them(zipf):
    train, held_out = zipf
    wrong = np.mean((held_out.A @ train.minimizer > 0) != (held_out.y > 0))
    assert wrong < 0.35


def test_rotated_is_the_same_problem_for_gradient_descent_and_another_for_adagrad(zipf):
    train, _ = zipf
    turned = problems.rotated(train)
    assert turned.name == "zipf, rotated"
    assert np.mean(turned.A == 0) < 0.01 < 0.9 < np.mean(train.A == 0)
    np.testing.assert_allclose(turned.A @ turned.A.T, train.A @ train.A.T, atol=1e-12)
    x0, values = np.zeros(train.dim), {}
    for rule in (SGD(lr=1.0), Adagrad(lr=0.5)):
        runs = [minimize(p, rule, x0, 30).values for p in (train, turned)]
        values[type(rule)] = np.abs(runs[0] - runs[1]).max()
    assert values[SGD] < 1e-12 < 0.01 < values[Adagrad]

"""LAWA and Polyak averaging in both editions, against the formulas in plain Python."""

import copy
import pickle
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import Parameter

import adaopt.numpy
import adaopt.torch
from adaopt.catalog import CARDS, WRAPPERS


def snapshots(iterates: list[float], interval: int = 1, start: int = 0) -> list[float]:
    """The iterates after the steps start + 1, start + 1 + interval, ..."""
    return [x for j, x in enumerate(iterates) if j >= start and (j - start) % interval == 0]


def queue(iterates, k, interval, start):
    last = snapshots(iterates, interval, start)[-k:]
    return sum(last) / k if len(last) == k else None


def ema(iterates, interval, start, beta):
    e = None
    for s in snapshots(iterates, interval, start):
        e = s if e is None else beta * e + (1 - beta) * s
    return e


def mean(iterates, start):
    taken = snapshots(iterates, 1, start)
    return sum(taken) / len(taken) if taken else None


COUNTS = {"interval": st.integers(1, 5), "start": st.integers(0, 7)}
KINDS = st.one_of(
    st.fixed_dictionaries({"mode": st.just("queue"), "k": st.integers(1, 6), **COUNTS}),
    st.fixed_dictionaries({"mode": st.just("ema"), "beta": st.floats(0, 0.99), **COUNTS}),
    st.fixed_dictionaries({"start": COUNTS["start"]}),
)


def oracle(kind: dict) -> Callable:
    """The average of a list of numbers, for the settings of a wrapper."""
    given = {name: value for name, value in kind.items() if name != "mode"}
    plain = {"queue": queue, "ema": ema, None: mean}[kind.get("mode")]
    return lambda iterates: plain(iterates, **given)


def wrapped(package, kind: dict, optimizer):
    return (package.LAWA if "mode" in kind else package.PolyakAverage)(optimizer, **kind)


@given(kind=KINDS, seed=st.integers(0, 999), steps=st.integers(0, 25))
def test_both_editions_follow_the_formula_on_random_sequences(kind, seed, steps):
    rng = np.random.default_rng(seed)
    x, p = np.array(0.5), Parameter(torch.tensor(0.5, dtype=torch.float64))
    reading = wrapped(adaopt.numpy, kind, adaopt.numpy.SGD(lr=0.1))
    working = wrapped(adaopt.torch, kind, adaopt.torch.SGD([p], lr=0.1))
    iterates = []
    for _ in range(steps):
        g = rng.normal()
        x = reading.step(x, np.array(g))
        p.grad = torch.tensor(g, dtype=torch.float64)
        working.step()
        iterates.append(float(x))
    expected, ours, theirs = oracle(kind)(iterates), reading.average, working.average()
    if expected is None:
        assert ours is None
        assert theirs is None
    else:
        assert ours == pytest.approx(expected, rel=1e-13, abs=1e-13)
        assert theirs[0].item() == pytest.approx(expected, rel=1e-13, abs=1e-13)


@pytest.mark.parametrize("edition", ["numpy", "torch"])
def test_ema_with_beta_0_is_the_last_snapshot_bit_for_bit(edition):
    rng = np.random.default_rng(0)
    x, p = rng.normal(size=3), Parameter(torch.zeros(3, dtype=torch.float64))
    rule = adaopt.numpy.LAWA(adaopt.numpy.Adam(), mode="ema", beta=0.0, interval=4)
    optimizer = adaopt.torch.LAWA(adaopt.torch.Adam([p]), mode="ema", beta=0.0, interval=4)
    for j in range(10):
        g = rng.normal(size=3)
        if edition == "numpy":
            x = rule.step(x, g)
            now, average = x, rule.average
        else:
            p.grad = torch.from_numpy(g)
            optimizer.step()
            now, average = p.detach().numpy().copy(), optimizer.average()[0].numpy()
        if j % 4 == 0:
            last = now
        assert np.array_equal(average, last)


@pytest.mark.parametrize("key", CARDS)
@pytest.mark.parametrize("kind", [{"mode": "queue", "k": 2, "interval": 2}, {}], ids=str)
def test_any_method_goes_on_as_if_it_were_not_averaged(key, kind):
    """The iterates are those without a wrapper, bit for bit, and the two editions' averages agree.

    A method with modes is averaged where it is evaluated.
    """
    rng, card = np.random.default_rng(1), CARDS[key]
    x = bare_x = {"a": rng.normal(size=(3, 2)), "b": rng.normal(size=4)}
    params = {n: Parameter(torch.from_numpy(a.copy())) for n, a in x.items()}
    bare_params = {n: Parameter(torch.from_numpy(a.copy())) for n, a in x.items()}
    rule = adaopt.numpy.build(key, lr=0.01)
    bare_rule = adaopt.numpy.build(key, lr=0.01)
    reading = wrapped(adaopt.numpy, kind, rule)
    bare = adaopt.torch.build(key, bare_params.values(), lr=0.01)
    working = wrapped(adaopt.torch, kind, adaopt.torch.build(key, params.values(), lr=0.01))
    for _ in range(7):
        g = {n: rng.normal(size=a.shape) for n, a in x.items()}
        x, bare_x = reading.step(x, g), bare_rule.step(bare_x, g)
        for n in g:
            params[n].grad, bare_params[n].grad = torch.from_numpy(g[n]), torch.from_numpy(g[n])
        working.step()
        bare.step()
    average = dict(zip(x, working.average(), strict=True))
    for n in x:
        assert np.array_equal(x[n], bare_x[n])
        assert torch.equal(params[n], bare_params[n])
        np.testing.assert_allclose(average[n].numpy(), reading.average[n], rtol=1e-12, atol=1e-12)
    assert card.numpy_class is type(rule)


# The reading edition alone.


def test_averages_are_copies_and_reset_forgets():
    rule = adaopt.numpy.LAWA(adaopt.numpy.SGD(lr=1.0), k=2, interval=1)
    x = rule.step(np.array([4.0]), np.array([1.0]))
    assert rule.average is None
    x[:] = 99.0  # the caller's own array
    rule.step(np.array([3.0]), np.array([1.0]))
    assert rule.average.tolist() == [2.5]
    rule.average[:] = -1.0
    assert rule.average.tolist() == [2.5]
    rule.reset()
    assert rule.average is None
    assert (rule.steps, rule.optimizer.k) == (0, 0)


def test_a_refused_step_does_not_count():
    rule = adaopt.numpy.PolyakAverage(adaopt.numpy.SGD(lr=1.0))
    with pytest.raises(FloatingPointError):
        rule.step(np.array([1.0]), np.array([np.nan]))
    assert rule.steps == 0
    assert rule.average is None


def test_step_size_and_point_are_the_rules_own():
    rule = adaopt.numpy.PolyakAverage(adaopt.numpy.SGD(lr=0.5))
    rule.lr = 0.25
    assert rule.lr == rule.optimizer.lr == 0.25
    x = np.ones(2)
    assert np.array_equal(rule.point(x), rule.optimizer.point(x))
    with pytest.raises(ValueError, match="Invalid learning rate: -1"):
        rule.lr = -1


@settings(max_examples=25)
@given(kind=KINDS, first=st.integers(0, 12))
def test_a_copy_goes_on_exactly(kind, first):
    rng = np.random.default_rng(0)
    g = rng.normal(size=(20, 3))
    rule, x = wrapped(adaopt.numpy, kind, adaopt.numpy.Adam(lr=0.1)), np.ones(3)
    for j in range(first):
        x = rule.step(x, g[j])
    other, y = pickle.loads(pickle.dumps(copy.deepcopy(rule))), x
    for j in range(first, 20):
        x, y = rule.step(x, g[j]), other.step(y, g[j])
    assert np.array_equal(x, y)
    assert np.array_equal(rule.average, other.average)


def test_representation():
    rule = adaopt.numpy.SignSGD()
    assert repr(adaopt.numpy.PolyakAverage(rule, 3)) == f"PolyakAverage({rule!r}, start=3)"
    shown = f"LAWA({rule!r}, mode='ema', k=10, interval=7, start=0, beta=0.9)"
    assert repr(adaopt.numpy.LAWA(rule, "ema", interval=7)) == shown


# Both editions.

BAD = [
    ({"mode": "mean"}, ValueError, r"Invalid mode value: 'mean' .expected one of 'queue', 'ema'"),
    ({"k": 0}, ValueError, "Invalid k value: 0"),
    ({"k": 2.5}, TypeError, r"Invalid k value: 2\.5"),
    ({"interval": 0}, ValueError, "Invalid interval value: 0"),
    ({"interval": "ten"}, TypeError, "Invalid interval value: 'ten'"),
    ({"start": -1}, ValueError, "Invalid start value: -1"),
    ({"beta": 1.0}, ValueError, r"Invalid beta value: 1\.0"),
    ({"beta": float("nan")}, ValueError, "Invalid beta value: nan"),
]


@pytest.mark.parametrize(("bad", "error", "message"), BAD, ids=[str(bad) for bad, *_ in BAD])
def test_bad_settings_are_refused(bad, error, message):
    with pytest.raises(error, match=message):
        adaopt.numpy.LAWA(adaopt.numpy.SGD(), **bad)
    with pytest.raises(error, match=message):
        adaopt.torch.LAWA(adaopt.torch.SGD([Parameter(torch.ones(2))]), **bad)


def test_only_an_optimizer_of_the_edition_can_be_averaged():
    optimizer = adaopt.torch.SGD([Parameter(torch.ones(2))])
    with pytest.raises(TypeError, match=r"optimizer must be a rule of adaopt\.numpy, not SGD"):
        adaopt.numpy.LAWA(optimizer)
    with pytest.raises(TypeError, match=r"optimizer must be a torch optimizer, not SGD\(lr="):
        adaopt.torch.PolyakAverage(adaopt.numpy.SGD())
    with pytest.raises(TypeError, match="optimizer is averaged already, by PolyakAverage"):
        adaopt.torch.LAWA(adaopt.torch.PolyakAverage(optimizer))
    with pytest.raises(ValueError, match="Invalid start value: -3"):
        adaopt.numpy.PolyakAverage(adaopt.numpy.SGD(), start=-3)


@pytest.mark.parametrize("key", WRAPPERS)
def test_cards_say_what_the_classes_take_and_need(key):
    card = WRAPPERS[key]
    p = Parameter(torch.zeros(1000))
    working = card.torch_class(adaopt.torch.SGD([p]), **card.preset)
    reading = card.numpy_class(adaopt.numpy.SGD(), **card.preset)
    for h in card.hyper:
        value = card.preset.get(h.name, h.default)
        assert getattr(working.h, h.name) == getattr(reading, h.name) == value
    for _ in range(working.h.__dict__.get("interval", 1) * 10):
        p.grad = torch.ones(1000)
        working.step()
    kept = sum(t.numel() * t.element_size() for tensors in working.kept for t in tensors)
    assert kept == card.extra_bytes * p.numel()
    assert working.average() is not None

"""What every method of the reading edition keeps to, at every setting of its card."""

import numpy as np
import pytest

from adaopt.catalog import CARDS

CASES = {
    f"{card.key}-{i}": (card, {**card.preset, **hyper})
    for card in CARDS.values()
    for i, hyper in enumerate(({}, *card.variants))
}
DTYPES = (np.float16, np.float32, np.float64, np.longdouble, np.complex64, np.complex128)


@pytest.fixture(params=CASES)
def case(request):
    """A card and how to make its rule."""
    card, hyper = CASES[request.param]
    return card, lambda **more: card.numpy_class(**{**hyper, **more})


def draw(k, shape=(3, 2), dtype=float):
    return np.asarray(np.random.default_rng(k).standard_normal(shape) * (-1) ** k, dtype)


def tensors(state):
    return [value for value in vars(state).values() if isinstance(value, np.ndarray)]


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: np.dtype(dtype).name)
def test_results_and_state_keep_the_dtype(case, dtype):
    card, make = case
    rule, x = make(), draw(100, dtype=dtype)
    if np.dtype(dtype).kind == "c" and not card.numpy_class.elementwise:
        with pytest.raises(TypeError, match="does not support complex"):
            rule.step(x, draw(0, dtype=dtype))
        return
    with np.errstate(all="ignore" if dtype is np.float16 else "warn"):
        for k in range(4):
            x = rule.step(x, draw(k, dtype=dtype))
    assert x.dtype == dtype
    real = x.real.dtype
    assert {value.dtype for value in tensors(rule.state)} <= {real}


@pytest.mark.parametrize("shape", [(), (4,), (0, 3), (2, 3, 4)])
def test_inputs_stay_and_nothing_is_shared(case, shape):
    _, make = case
    rule, x = make(), draw(100, shape)
    for k in range(3):
        g = draw(k, shape)
        x.flags.writeable = g.flags.writeable = False
        new = rule.step(x, g)
        assert (new.shape, new.dtype) == (x.shape, x.dtype)
        for value in (x, g, *tensors(rule.state)):
            assert not np.shares_memory(new, value)
        for value in tensors(rule.state):
            assert not np.shares_memory(value, x)
            assert not np.shares_memory(value, g)
        x = new


def test_an_array_and_the_same_in_a_dict(case):
    _, make = case
    alone, together, x = make(), make(), draw(100)
    named = {"w": x}
    for k in range(4):
        x, named = alone.step(x, draw(k)), together.step(named, {"w": draw(k)})
    np.testing.assert_array_equal(named["w"], x)


def test_a_wrong_gradient_leaves_everything_as_it_was(case):
    _, make = case
    rule, x = make(), draw(100)
    for k in range(2):
        x = rule.step(x, draw(k))
    before, g = (repr(rule.state), rule.k, repr(rule.shared)), draw(2)
    wrong = (g[:2], g.T, g.astype(np.float32), g.astype(object), g.astype(int), g * np.nan, None)
    for bad in wrong:
        with pytest.raises((TypeError, ValueError, FloatingPointError)):
            rule.step(x, bad)
        assert (repr(rule.state), rule.k, repr(rule.shared)) == before


def test_hyper_parameters_may_change_between_steps(case):
    card, make = case
    values = {bool: (True, False), tuple: (), type(None): (0.5,), str: ()}
    usual = {"growth_rate": 1.5, "power": 3.0, "beta2_decay": -0.5, "d": 1.5}
    for name, default in card.numpy_class.defaults.items():
        words = card.numpy_class.choices.get(name, ())
        values[int] = (card.numpy_class.ranges.get(name, (0,))[0], 5)
        for value in words or values.get(type(default), (usual.get(name, 0.25),)):
            rule, x = make(), draw(100)
            x = rule.step(x, draw(0))
            try:
                setattr(rule, name, value)
            except ValueError as error:  # contradicts the others: Nesterov without momentum
                assert "Nesterov" in str(error)
                continue
            x = rule.step(rule.step(x, draw(1)), draw(2))
            assert np.isfinite(x).all()

"""The base of the reading edition: everything around a rule."""

import copy
import inspect
import pickle
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from adaopt.catalog import CARDS
from adaopt.numpy import GD, SGD, Rule, build
from adaopt.ranges import checked


class Ema(Rule):
    """A rule with zero-initialised memory, a pair of betas and an option, to test the base."""

    lr: float = 0.5
    betas: tuple = (0.9, 0.99)
    variant: str = "mean"
    memory = "m", "v"

    def update(self, x, g, s, k):
        s.m = self.betas[0] * s.m + g
        s.v = self.betas[1] * s.v + g**2
        return x - self.lr * s.m / k


class Careless(Rule):
    """Writes into whatever it is given, and keeps it."""

    lr: float = 0.5

    def update(self, x, g, s, k):
        x -= self.lr * g
        g *= 0
        s.x, s.g = x, g
        return x


@pytest.mark.parametrize(
    ("hyper", "error", "message"),
    [
        ({"lr": -1}, ValueError, "Invalid learning rate: -1"),
        ({"lr": float("nan")}, ValueError, "Invalid learning rate: nan"),
        ({"lr": float("inf")}, ValueError, "Invalid learning rate: inf"),
        ({"lr": 10**400}, ValueError, f"Invalid learning rate: {10**400}"),
        ({"dampening": -(10**400)}, ValueError, f"Invalid dampening value: {-(10**400)}"),
        ({"lr": np.float64(-0.5)}, ValueError, "Invalid learning rate: -0.5"),
        ({"momentum": -1}, ValueError, "Invalid momentum value: -1"),
        ({"weight_decay": -0.1}, ValueError, "Invalid weight_decay value: -0.1"),
        ({"dampening": float("nan")}, ValueError, "Invalid dampening value: nan"),
        ({"lr": "0.1"}, TypeError, "Invalid learning rate: '0.1' (expected a number)"),
        ({"lr": None}, TypeError, "Invalid learning rate: None (expected a number)"),
        ({"momentum": True}, TypeError, "Invalid momentum value: True (expected a number)"),
        ({"maximize": 2}, TypeError, "Invalid maximize value: 2 (expected True or False)"),
        (
            {"nesterov": True},
            ValueError,
            "Nesterov momentum requires a momentum and zero dampening",
        ),
        (
            {"nesterov": True, "momentum": 0.9, "dampening": 0.1},
            ValueError,
            "Nesterov momentum requires a momentum and zero dampening",
        ),
    ],
)
def test_invalid_value_is_refused_at_construction_and_on_assignment(hyper, error, message):
    with pytest.raises(error) as raised:
        SGD(**hyper)
    assert str(raised.value) == message
    optimizer = SGD(dampening=0.1 if "dampening" in hyper else 0.0)
    optimizer.step(np.ones(2), np.ones(2))
    before = repr(optimizer)
    with pytest.raises(error):
        for name, value in hyper.items():
            setattr(optimizer, name, value)
    if len(hyper) == 1:
        assert repr(optimizer) == before
    assert optimizer.k == 1


@pytest.mark.parametrize(
    ("name", "value", "default", "message"),
    [
        ("betas", (1.0, 0.9), (0.9, 0.9), "Invalid beta parameter at index 0: 1.0"),
        ("betas", (0.9, -0.1), (0.9, 0.9), "Invalid beta parameter at index 1: -0.1"),
        ("betas", (0.9,), (0.9, 0.9), "Invalid betas value: (0.9,) (expected 2 numbers)"),
        ("betas", 0.9, (0.9, 0.9), "Invalid betas value: 0.9 (expected 2 numbers)"),
        ("eps", -1e-8, 1e-8, "Invalid epsilon value: -1e-08"),
        ("alpha", -0.1, 0.99, "Invalid alpha value: -0.1"),
        ("rho", 1.5, 0.9, "Invalid rho value: 1.5"),
        ("lr_decay", -1, 0.0, "Invalid lr_decay value: -1"),
        (
            "initial_accumulator_value",
            -1,
            0.0,
            "Invalid initial_accumulator_value value: -1",
        ),
        ("momentum_decay", -1, 0.0, "Invalid momentum_decay value: -1"),
        ("warmup_steps", 0.5, 0, "Invalid warmup_steps value: 0.5 (expected a whole number)"),
    ],
)
def test_later_methods_find_their_messages_in_the_table(name, value, default, message):
    with pytest.raises((ValueError, TypeError)) as raised:
        checked(name, value, default)
    assert str(raised.value) == message


def test_words_are_among_the_choices_and_intervals_can_be_the_methods_own():
    assert checked("amsgrad", "hat", False, (False, True, "hat")) == "hat"
    with pytest.raises(ValueError, match=r"Invalid amsgrad value: 1 .expected one of False, True"):
        checked("amsgrad", 1, False, (False, True))
    with pytest.raises(ValueError, match=r"Invalid power value: 0\.5"):
        checked("power", 0.5, 2.0, None, (1.0, 8.0))


def test_messages_are_those_of_torch_optim():
    for hyper in ({"lr": -1}, {"momentum": -1}, {"weight_decay": -1}, {"nesterov": True}):
        with pytest.raises(ValueError) as theirs:
            torch.optim.SGD([torch.zeros(1)], **hyper)
        with pytest.raises(ValueError) as ours:
            SGD(**hyper)
        assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize("dtype", [">f4", "<f4", ">f8", ">c16", "<c16"])
def test_any_byte_order_is_read_and_the_machines_own_returned(dtype):
    x, g = np.array([1, -2], dtype), np.array([0.5, 3], dtype)
    optimizer = SGD(lr=0.5, momentum=0.5)
    y = optimizer.step(x, g)
    assert y.dtype == x.dtype.newbyteorder("=")
    np.testing.assert_array_equal(y, x - 0.5 * g)
    np.testing.assert_array_equal(optimizer.step(y, g), x - 1.25 * g)


def test_values_are_kept_as_python_numbers_so_that_float32_stays_float32():
    optimizer = SGD(lr=np.float64(0.1), momentum=np.float64(0.9))
    assert type(optimizer.lr) is float
    assert SGD(lr=Fraction(1, 4)).step(np.zeros(1), np.ones(1)) == -0.25
    assert SGD(maximize=np.True_).maximize is True
    x = optimizer.step(np.ones(2, np.float32), np.ones(2, np.float32))
    assert x.dtype == np.float32
    assert type(checked("betas", [np.float32(0.5), 0.5], (0.9, 0.9))[0]) is float


def test_unknown_keyword_and_attribute_suggest_the_nearest():
    with pytest.raises(TypeError, match=r"SGD has no argument 'momentun'. Did you mean 'momentum'"):
        SGD(momentun=0.9)
    with pytest.raises(AttributeError, match=r"no attribute 'weight_decy'.*'weight_decay'"):
        SGD().weight_decy = 0.1
    with pytest.raises(ValueError, match="Did you mean 'nesterov'"):
        build("nestorov")


def test_assignment_takes_effect_at_the_next_step():
    optimizer = SGD(lr=1.0)
    x = optimizer.step(np.zeros(1), np.ones(1))
    optimizer.lr = 0.25
    assert optimizer.step(x, np.ones(1)) == -1.25


def test_signature_and_repr_show_the_hyper_parameters():
    names = ["lr", "momentum", "dampening", "weight_decay", "nesterov", "maximize"]
    assert list(inspect.signature(SGD).parameters) == names
    assert inspect.signature(SGD).parameters["lr"].default == 1e-3
    text = "SGD(lr=0.1, momentum=0.9, dampening=0.0, weight_decay=0.0, nesterov=False, "
    assert repr(SGD(lr=0.1, momentum=0.9)) == text + "maximize=False)"


def test_subclass_of_a_method_keeps_the_order_and_changes_defaults():
    class Heavy(SGD):
        momentum: float = 0.9
        extra: float = 2.0

    assert list(Heavy.defaults) == [*list(SGD.defaults)[:-1], "extra", "maximize"]
    assert Heavy().momentum == 0.9
    assert SGD().momentum == 0.0


ARRAYS = hnp.arrays(
    st.sampled_from([np.float16, np.float32, np.float64, np.complex64, np.complex128]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    elements=st.integers(-8, 8),
)


@given(x=ARRAYS, lr=st.sampled_from([0.0, 0.5]), momentum=st.sampled_from([0.0, 0.5]))
def test_any_shape_and_dtype_inputs_unchanged_results_fresh(x, lr, momentum):
    g = (x * 2 + 1).astype(x.dtype)
    x_before, g_before = x.copy(), g.copy()
    optimizer = SGD(lr=lr, momentum=momentum)
    y = optimizer.step(x, g)
    z = optimizer.step(y, g)
    assert isinstance(y, np.ndarray)
    assert (y.dtype, y.shape) == (x.dtype, x.shape)
    assert not np.shares_memory(y, x)
    assert not np.shares_memory(z, y)
    np.testing.assert_array_equal(x, x_before)
    np.testing.assert_array_equal(g, g_before)
    # small integers and powers of two: no rounding in any of the dtypes
    np.testing.assert_array_equal(y, x - lr * g)
    np.testing.assert_array_equal(z, y - lr * (1 + momentum) * g)


def test_a_careless_rule_cannot_write_into_the_callers_arrays():
    x, g = np.ones(2), np.full(2, 4.0)
    optimizer = Careless()
    y = optimizer.step(x, g)
    assert x.tolist() == [1, 1]
    assert g.tolist() == [4, 4]
    y[:] = 100  # nor does the caller reach the state through the result
    assert optimizer.state.x.tolist() == [-1, -1]


def test_complex_is_stepped_as_pairs_of_reals():
    x, g = np.array([1 + 2j, 3 - 1j]), np.array([2 - 1j, 1 + 1j])
    pairs = Ema().step(np.stack([x.real, x.imag], -1), np.stack([g.real, g.imag], -1))
    np.testing.assert_array_equal(Ema().step(x, g), pairs[:, 0] + 1j * pairs[:, 1])


def test_memory_starts_as_zeros_and_state_is_by_name():
    optimizer = Ema()
    assert optimizer.state == {}
    x = optimizer.step(
        {"w": np.ones((2, 3)), "b": np.ones(2)}, {"w": np.ones((2, 3)), "b": 2.0 * np.ones(2)}
    )
    assert list(x) == list(optimizer.state) == ["w", "b"]
    assert optimizer.state["b"].v.tolist() == [4, 4]
    assert optimizer.state["w"].m.shape == (2, 3)
    single = Ema()
    np.testing.assert_array_equal(single.step(np.ones(2), 2.0 * np.ones(2)), x["b"])
    np.testing.assert_array_equal(single.state.m, [2, 2])
    assert single.state.m is not single.state.v


def test_reset_forgets_the_steps_but_not_the_hyper_parameters():
    optimizer = SGD(lr=0.3, momentum=0.9)
    first = optimizer.step(np.ones(2), np.ones(2))
    optimizer.step(first, np.ones(2))
    optimizer.reset()
    assert (optimizer.k, optimizer.state, optimizer.lr) == (0, {}, 0.3)
    np.testing.assert_array_equal(optimizer.step(np.ones(2), np.ones(2)), first)
    optimizer.reset()
    optimizer.step(np.ones(5), np.ones(5))  # another shape is welcome after a reset


def test_maximize_is_minimize_of_the_negative():
    x, g = np.array([1.0, -2.0]), np.array([0.5, 0.25])
    hyper = {"lr": 0.1, "momentum": 0.7, "weight_decay": 0.2}
    up, down = SGD(maximize=True, **hyper), SGD(**hyper)
    a = b = x
    for _ in range(3):
        a, b = up.step(a, g), down.step(b, -g)
    np.testing.assert_array_equal(a, b)


def test_point_is_x_itself():
    x = np.ones(2)
    assert SGD().point(x) is x


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_copies_go_on_exactly_and_on_their_own(clone):
    optimizer = SGD(lr=0.1, momentum=0.9, nesterov=True, maximize=True)
    x = optimizer.step(np.ones(3), np.arange(3.0))
    twin = clone(optimizer)
    assert repr(twin) == repr(optimizer)
    for _ in range(3):
        np.testing.assert_array_equal(twin.step(x, np.ones(3)), optimizer.step(x, np.ones(3)))
    twin.reset()
    assert optimizer.k == 4
    with pytest.raises(ValueError, match="Invalid learning rate"):
        twin.lr = -1


@pytest.mark.parametrize(
    ("x", "g", "error", "message"),
    [
        (np.ones(2), np.ones(3), ValueError, r"x has shape \(2,\), but g has shape \(3,\)"),
        (np.ones(2), np.ones((2, 1)), ValueError, r"g has shape \(2, 1\)"),
        (
            np.ones(2),
            np.ones(2, np.float32),
            TypeError,
            "x has dtype float64, but g has dtype float32",
        ),
        (np.array([1, 2]), np.ones(2), TypeError, "x has dtype int64"),
        (np.ones(2), np.array([True, False]), TypeError, "g has dtype bool"),
        (["a"], ["b"], TypeError, "x has dtype <U1"),
        ({"w": np.ones(2)}, np.ones(2), TypeError, "both be dicts"),
        ({"w": np.ones(2)}, {"v": np.ones(2)}, ValueError, r"\['w'\], but g has \['v'\]"),
        (
            {"w": np.ones(2), "b": np.ones(1)},
            {"w": np.ones(2), "b": np.ones(2)},
            ValueError,
            r"x\['b'\] has shape \(1,\), but g\['b'\] has shape \(2,\)",
        ),
        (
            np.ones((2, 2)),
            np.array([[1, 2], [np.nan, np.inf]]),
            FloatingPointError,
            r"step 2: g is nan at index \(1, 0\)",
        ),
        (
            {"w": np.ones(1), 7: np.ones(2)},
            {"w": np.ones(1), 7: np.array([0, -np.inf])},
            FloatingPointError,
            r"step 2: g\[7\] is -inf at index \(1,\)",
        ),
        (np.array(1.0), np.array(np.nan), FloatingPointError, r"g is nan at index \(\)"),
    ],
)
def test_unfit_arrays_are_refused_by_name_and_leave_the_state(x, g, error, message):
    if isinstance(x, dict):
        good = {n: np.asarray(a) for n, a in x.items()}
        ones = {n: np.ones_like(a) for n, a in good.items()}
    else:
        good = np.ones(np.shape(x))
        ones = np.ones_like(good)
    optimizer = SGD(momentum=0.9)
    optimizer.step(good, ones)
    before = pickle.dumps(vars(optimizer))
    with pytest.raises(error, match=message):
        optimizer.step(x, g)
    assert pickle.dumps(vars(optimizer)) == before


@pytest.mark.parametrize(
    "other", [np.ones(3), np.ones(2, np.float32), {"w": np.ones(2)}, np.ones((2, 1))]
)
def test_other_arrays_than_at_the_first_step_are_refused(other):
    optimizer = SGD(momentum=0.9)
    optimizer.step(np.ones(2), np.ones(2))
    with pytest.raises(ValueError, match=r"call reset\(\) first"):
        optimizer.step(other, copy.deepcopy(other))
    assert optimizer.k == 1


def test_a_rule_that_fails_or_returns_another_shape_leaves_the_state():
    class Faulty(Rule):
        memory = ("m",)

        def update(self, x, g, s, k):
            s.m = s.m + g
            if k == 2:
                raise ZeroDivisionError
            return x if k == 1 else np.zeros(7)

    optimizer = Faulty()
    optimizer.step(np.ones(2), np.ones(2))
    with pytest.raises(ZeroDivisionError):
        optimizer.step(np.ones(2), np.ones(2))
    assert (optimizer.k, optimizer.state.m.tolist()) == (1, [1, 1])
    optimizer.k = 2
    with pytest.raises(ValueError, match=r"update returned shape \(7,\)"):
        optimizer.step(np.ones(2), np.ones(2))
    assert optimizer.state.m.tolist() == [1, 1]
    with pytest.raises(NotImplementedError, match="does not define update"):
        type("Nothing", (Rule,), {})().step(np.ones(2), np.ones(2))


def test_python_numbers_are_zero_dimensional_arrays():
    y = SGD(lr=0.5).step(3.0, 2.0)
    assert (y.shape, float(y)) == ((), 2.0)


@pytest.mark.parametrize("key", CARDS)
def test_every_card_builds_its_class_with_its_defaults(key):
    entry = CARDS[key]
    rule = build(key)
    assert type(rule) is entry.numpy_class
    expected = {h.name: h.default for h in entry.hyper} | dict(entry.preset)
    assert {n: getattr(rule, n) for n in rule.defaults} == expected
    assert build(key, lr=0.123).lr == 0.123
    for variant in entry.variants:
        assert build(key, **variant).step(np.ones(2), np.ones(2)).shape == (2,)


def test_gd_is_sgd():
    assert GD is SGD


def test_imports_no_torch():
    code = "import sys, adaopt.numpy; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

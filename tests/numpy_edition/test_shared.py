"""The base of the reading edition: sums over all arrays, gradients elsewhere, fixed settings."""

import copy
import pickle

import numpy as np
import pytest

from adaopt.numpy import Rule, State


class Normalized(Rule):
    """Steps of length lr: the norm is that of all arrays together."""

    lr: float = 1.0
    power: float = 0.5
    ranges = {"power": (0.0, 1.0)}

    def share(self):
        return State(largest=0.0, norm=0.0)

    def measure(self, x, g, s, k):
        return (np.sum(g**2, dtype=float),)

    def advance(self, shared, totals):
        shared.norm = float(totals[0]) ** self.power
        shared.largest = max(shared.largest, shared.norm)

    def update(self, x, g, s, k):
        if not np.isfinite(x).all():
            raise ArithmeticError
        return x - self.lr * g / self.shared.norm


class Ahead(Rule):
    """Wants its gradients on the far side of where it was."""

    lr: float = 0.5

    def start(self, x):
        return State(old=x)

    def at(self, x, s):
        return 2 * x - s.old

    def update(self, x, g, s, k):
        s.old = x
        return x - self.lr * g


def test_sums_go_over_all_arrays_and_complex_parts():
    optimizer = Normalized()
    x = {"a": np.zeros(2), "b": np.zeros((1, 1), complex)}
    x = optimizer.step(x, {"a": np.array([2.0, 0.0]), "b": np.array([[1 + 2j]])})
    assert optimizer.shared.norm == 3
    np.testing.assert_allclose(x["a"], [-2 / 3, 0])
    np.testing.assert_allclose(x["b"], [[(-1 - 2j) / 3]])
    x = optimizer.step(x, {"a": np.array([0.0, 0.0]), "b": np.array([[1j]])})
    assert vars(optimizer.shared) == {"largest": 3, "norm": 1}
    optimizer.reset()
    assert vars(optimizer.shared) == {}


def test_the_shared_numbers_begin_with_the_settings_of_the_first_step():
    class Given(Normalized):
        d: float = 1.0

        def share(self):
            return State(largest=self.d, norm=0.0)

    optimizer = Given()
    optimizer.d = 7.0
    optimizer.step(np.zeros(1), np.ones(1))
    assert optimizer.shared.largest == 7


def test_no_arrays_no_sums():
    assert Normalized().step({}, {}) == {}


def test_an_error_leaves_the_shared_numbers():
    optimizer = Normalized()
    optimizer.step(np.zeros(2), np.array([3.0, 4.0]))
    before = pickle.dumps(vars(optimizer))
    with pytest.raises(ArithmeticError):
        optimizer.step(np.array([np.inf, 0.0]), np.ones(2))
    assert pickle.dumps(vars(optimizer)) == before


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_copies_have_shared_numbers_of_their_own(clone):
    optimizer = Normalized()
    x = optimizer.step(np.zeros(2), np.array([3.0, 4.0]))
    twin = clone(optimizer)
    twin.step(x, np.array([6.0, 8.0]))
    assert (optimizer.shared.largest, twin.shared.largest) == (5, 10)


@pytest.mark.parametrize("dtype", [np.float32, float, complex])
def test_point_says_where_the_next_gradient_is_wanted(dtype):
    optimizer, x = Ahead(), np.array([1.0, 2.0], dtype)
    assert optimizer.point(x) is x
    y = optimizer.step(x, np.array([2.0, 2.0], dtype))
    point = optimizer.point(y)
    assert point.dtype == x.dtype
    np.testing.assert_array_equal(point, [-1, 0])
    np.testing.assert_array_equal(y, [0, 1])
    optimizer.reset()
    both = optimizer.step({"a": x, "b": x}, {"a": x, "b": 2 * x})
    np.testing.assert_array_equal(optimizer.point(both)["a"], [0, 0])
    np.testing.assert_array_equal(optimizer.point(both)["b"], [-1, -2])


def test_point_refuses_other_arrays_than_those_of_the_first_step():
    optimizer = Ahead()
    optimizer.step(np.ones(2), np.ones(2))
    for other in (np.ones(3), np.ones(2, np.float32), {"a": np.ones(2)}):
        with pytest.raises(ValueError, match=r"call reset\(\) first"):
            optimizer.point(other)


def test_a_subclass_fixes_a_setting_by_an_assignment_without_annotation():
    class Square(Normalized):
        power = 1.0

    assert list(Square.defaults) == ["lr", "maximize"]
    optimizer = Square()
    assert optimizer.power == 1
    with pytest.raises(TypeError, match="Square has no argument 'power'"):
        Square(power=0.5)
    with pytest.raises(AttributeError, match="Square has no attribute 'power'"):
        optimizer.power = 0.5
    np.testing.assert_array_equal(optimizer.step(np.zeros(1), np.full(1, 2.0)), [-0.5])


def test_a_rule_of_whole_arrays_refuses_complex_ones():
    class Whole(Normalized):
        elementwise = False

    with pytest.raises(TypeError, match="Whole does not support complex arrays"):
        Whole().step(np.ones(2, complex), np.ones(2, complex))

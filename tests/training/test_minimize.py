"""The loop: what it computes, counts, records and refuses."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from adaopt import problems, schedules
from adaopt.numpy import GD, SGD, Rule
from adaopt.problems import LeastSquares
from adaopt.training import DivergenceError, minimize

X0 = np.array([3.0, -2.0])


def rng(seed=0):
    return np.random.default_rng(seed)


def torch_sgd(**hyper):
    return lambda parameters: torch.optim.SGD(parameters, **hyper)


@pytest.fixture(scope="module")
def plane():
    return problems.plane()


class Counting(LeastSquares):
    """Counts the component gradients it is asked for."""

    asked = 0

    def grad(self, x):
        self.asked += self.n
        return super().grad(x)

    def grad_batch(self, indices, x):
        self.asked += len(indices)
        return super().grad_batch(indices, x)


def test_gradient_descent_is_the_loop_written_out(plane):
    trace = minimize(plane, GD(lr=0.5), X0, 4)
    x = X0
    for k in range(5):
        np.testing.assert_array_equal(trace.iterates[k], x)
        assert trace.values[k] == plane.f(x)
        x = x - 0.5 * plane.grad(x)
    assert trace.steps.tolist() == [0, 1, 2, 3, 4]
    assert trace.evaluations.tolist() == [0, 12, 24, 36, 48]
    assert trace.function_evaluations.tolist() == [0] * 5
    assert trace.seconds[0] == 0
    assert np.all(np.diff(trace.seconds) > 0)
    np.testing.assert_array_equal(trace.x, trace.iterates[-1])
    assert trace.value == trace.values[-1]


def test_minibatches_are_the_draws_of_the_generator(plane):
    trace = minimize(plane, SGD(lr=0.1), X0, 5, rng(3), batch_size=4)
    x, draws = X0, rng(3)
    for k in range(5):
        x = x - 0.1 * plane.grad_batch(draws.integers(12, size=4), x)
        np.testing.assert_array_equal(trace.iterates[k + 1], x)
    assert trace.evaluations.tolist() == [0, 4, 8, 12, 16, 20]


def test_without_replacement_every_epoch_visits_every_term_once():
    seen = []

    class Spy(LeastSquares):
        def grad_batch(self, indices, x):
            seen.append(np.array(indices))
            return super().grad_batch(indices, x)

    spy = Spy(np.ones((10, 1)), np.arange(10.0))
    trace = minimize(spy, SGD(lr=0.1), [0.0], 9, rng(), batch_size=4, replace=False)
    assert [len(batch) for batch in seen] == [4, 4, 2] * 3  # 4 does not divide 10: a rest
    epochs = [np.concatenate(seen[i : i + 3]).tolist() for i in (0, 3, 6)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert epochs[0] != epochs[1]
    assert trace.evaluations.tolist() == [0, 4, 8, 10, 14, 18, 20, 24, 28, 30]


@pytest.mark.parametrize("batch_size", [None, 1, 4, 12])
def test_evaluations_are_those_the_problem_counted(batch_size):
    p = Counting(np.ones((12, 1)), np.arange(12.0))
    trace = minimize(p, SGD(lr=0.1), [0.0], 7, rng(), batch_size=batch_size)
    assert trace.evaluations[-1] == p.asked == 7 * (batch_size or 12)


@pytest.mark.parametrize("batch_size", [None, 3])
@pytest.mark.parametrize(
    "hyper", [{"lr": 0.2}, {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}]
)
def test_both_editions_give_the_same_run(plane, hyper, batch_size):
    def settings():
        return {"rng": rng(1), "batch_size": batch_size, "schedule": schedules.inverse(0.2, 9.0)}

    ours = minimize(plane, SGD(**hyper), X0, 50, **settings())
    made = minimize(plane, torch_sgd(**hyper), X0, 50, **settings())
    np.testing.assert_allclose(made.iterates, ours.iterates, rtol=1e-12, atol=1e-13)
    parameter = torch.nn.Parameter(torch.zeros(2, dtype=torch.float64))
    given = minimize(plane, torch.optim.SGD([parameter], **hyper), X0, 50, **settings())
    np.testing.assert_array_equal(given.iterates, made.iterates)
    assert parameter.tolist() == [0, 0]  # minimize works on a copy


def test_the_given_rule_does_not_change_so_runs_repeat(plane):
    optimizer = SGD(lr=0.1, momentum=0.9)
    runs = [minimize(plane, optimizer, X0, 20, rng(5), batch_size=2).iterates for _ in range(2)]
    np.testing.assert_array_equal(*runs)
    assert (optimizer.k, optimizer.lr) == (0, 0.1)
    assert not np.array_equal(
        runs[0], minimize(plane, optimizer, X0, 20, rng(6), batch_size=2).iterates
    )


def test_float32_torch_parameters_stay_float32(plane):
    parameter = torch.nn.Parameter(torch.zeros(2))
    trace = minimize(plane, torch.optim.SGD([parameter], lr=0.5), X0, 3)
    np.testing.assert_array_equal(trace.iterates, trace.iterates.astype(np.float32))
    assert trace.value < trace.values[0]


def test_schedule_sets_the_step_size_of_every_step(plane):
    trace = minimize(plane, SGD(lr=99.0), X0, 3, schedule=schedules.inverse(0.4, 2.0))
    x = X0
    for k in range(3):
        x = x - 0.4 / (1 + k / 2) * plane.grad(x)
    np.testing.assert_allclose(trace.x, x, rtol=1e-15)


def test_line_search_needs_no_constant_and_is_paid_for(plane):
    for optimizer in (GD(), torch_sgd(lr=1.0)):
        search = schedules.Backtracking()
        trace = minimize(plane, optimizer, X0, 200, line_search=search)
        assert trace.value - plane.minimum < 1e-12
        assert np.all(np.diff(trace.values) <= 1e-15)
        assert trace.function_evaluations[-1] == 12 * search.evaluations >= 12 * 2 * 200
        assert trace.evaluations[-1] == 12 * 200


def test_record_every_keeps_start_and_end(plane):
    every = minimize(plane, SGD(lr=0.1), X0, 10, rng(), batch_size=2)
    some = minimize(plane, SGD(lr=0.1), X0, 10, rng(), batch_size=2, record_every=4)
    assert some.steps.tolist() == [0, 4, 8, 10]
    np.testing.assert_array_equal(some.iterates, every.iterates[[0, 4, 8, 10]])
    np.testing.assert_array_equal(some.evaluations, every.evaluations[[0, 4, 8, 10]])


def test_importance_weights_remove_the_bias_of_non_uniform_sampling(plane):
    # the expected gradient of one draw, summed exactly over all n outcomes
    p = np.arange(1.0, 13) / 78
    gradients = plane.grad_i(np.arange(12), X0)
    biased, repaired = p @ gradients, (p / (12 * p)) @ gradients
    assert np.linalg.norm(biased - plane.grad(X0)) > 0.08
    np.testing.assert_allclose(repaired, plane.grad(X0), atol=1e-14)
    # and the loop draws by p and applies exactly these weights
    for reweight in (True, False):
        trace = minimize(
            plane, SGD(lr=0.1), X0, 1, rng(2), batch_size=3, probabilities=p, reweight=reweight
        )
        drawn = rng(2).choice(12, 3, p=p)
        weights = 1 / (12 * p[drawn]) if reweight else np.ones(3)
        step = -0.1 * weights @ gradients[drawn] / 3
        np.testing.assert_allclose(trace.x, X0 + step, rtol=1e-14)


def test_least_squares_converges_at_199_and_diverges_at_201_over_L():
    p = problems.diabetes()
    x0 = np.zeros(10)
    good = minimize(p, GD(lr=1.99 / p.smoothness), x0, 2000, record_every=100)
    assert good.value - p.minimum < 1e-9
    with pytest.raises(DivergenceError) as raised:
        minimize(p, GD(lr=2.01 / p.smoothness), x0, 2000)
    error = raised.value
    assert 1000 < error.step < 1500
    assert len(error.trace.values) == error.step + 1
    assert error.trace.value > 1e10
    for part in (
        f"diverged at step {error.step}",
        "f was 0.5 at the start",
        "smaller lr than 0.499477",
        "2/L = 0.496992",
    ):
        assert part in str(error)


def test_divergence_between_records_is_caught_at_its_step(plane):
    with pytest.raises(DivergenceError, match="diverged at step") as raised:
        minimize(plane, GD(lr=1e60), X0, 100, record_every=100, limit=np.inf)
    assert raised.value.step < 10


def test_divergence_of_sgd_names_a_safe_step_for_batches(plane):
    with pytest.raises(DivergenceError, match=r"any batch is safe with lr < 1/L_max = 0\.18379"):
        minimize(plane, SGD(lr=5.0), X0, 500, rng(), batch_size=1)


def test_divergence_error_survives_pickling_between_processes():
    import pickle

    error = pickle.loads(pickle.dumps(DivergenceError("far away", 7, None)))
    assert (str(error), error.step) == ("far away", 7)
    assert isinstance(error, FloatingPointError)


class Faulty:
    """x^2 whose gradient becomes NaN within 1 of the minimum."""

    dim = 1

    def f(self, x):
        return float(x @ x)

    def grad(self, x):
        return 2 * x if abs(x[0]) > 1 else np.full(1, np.nan)

    def __repr__(self):
        return "Faulty()"


def test_nan_of_the_problem_is_blamed_on_the_problem():
    with pytest.raises(FloatingPointError) as raised:
        minimize(Faulty(), GD(lr=0.25), [4.0], 10)
    assert type(raised.value) is FloatingPointError
    assert "step 3: the gradient of Faulty() is nan at index 0" in str(raised.value)
    assert "although f(x) = 1 is finite" in str(raised.value)

    class Nowhere(Faulty):
        def f(self, x):
            return float("nan")

    with pytest.raises(ValueError, match=r"Faulty\(\): f\(x0\) is nan"):
        minimize(Nowhere(), GD(lr=0.25), [4.0], 10)


def test_a_problem_that_is_no_finite_sum_counts_gradients():
    trace = minimize(Faulty(), GD(lr=0.1), [4.0], 5)
    assert trace.evaluations.tolist() == [0, 1, 2, 3, 4, 5]
    with pytest.raises(TypeError, match="has no n: a batch_size needs a finite sum"):
        minimize(Faulty(), GD(lr=0.1), [4.0], 5, rng(), batch_size=1)


def test_gradient_is_taken_where_the_rule_says(plane):
    class Ahead(Rule):
        lr: float = 0.1

        def point(self, x):
            return x + 1

        def update(self, x, g, s, k):
            return x - self.lr * g

    trace = minimize(plane, Ahead(), X0, 1)
    np.testing.assert_array_equal(trace.x, X0 - 0.1 * plane.grad(X0 + 1))


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"x0": np.zeros(3)}, ValueError, r"x0 has shape \(3,\), expected \(2,\)"),
        ({"x0": [np.nan, 0]}, ValueError, "x0 is nan at index 0"),
        ({"steps": 0}, ValueError, "steps must be at least 1, not 0"),
        ({"steps": 1.5}, TypeError, "steps must be an integer, not 1.5"),
        ({"steps": True}, TypeError, "steps must be an integer, not True"),
        ({"record_every": 0}, ValueError, "record_every must be at least 1"),
        ({"limit": 0}, ValueError, "limit must be above 1, not 0"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
        ({"batch_size": 13}, ValueError, "batch_size must be at most n = 12, not 13"),
        ({"batch_size": 2, "rng": None}, TypeError, r"pass rng=numpy.random.default_rng\(0\)"),
        ({"batch_size": 2, "rng": 7}, TypeError, "not 7"),
        ({"probabilities": np.ones(12) / 12}, ValueError, "probabilities need a batch_size"),
        (
            {"batch_size": 1, "probabilities": np.ones(3) / 3},
            ValueError,
            r"probabilities have shape \(3,\), expected \(12,\)",
        ),
        ({"batch_size": 1, "probabilities": np.ones(12)}, ValueError, "the sum is 12.0"),
        (
            {"batch_size": 1, "probabilities": np.ones(12) / 12, "replace": False},
            ValueError,
            "need replace=True",
        ),
        (
            {"batch_size": 1, "probabilities": np.eye(12)[3]},
            ValueError,
            r"probabilities\[0\] is 0",
        ),
        ({"optimizer": SGD}, TypeError, r"the class SGD: pass an instance, SGD\(lr=...\)"),
        ({"optimizer": "sgd"}, TypeError, "optimizer must be a rule of adaopt.numpy or of torch"),
        (
            {"optimizer": torch.optim.SGD([torch.zeros(3)], lr=0.1)},
            ValueError,
            r"exactly one parameter of x0's shape \(2,\); it has the shapes \[\(3,\)\]",
        ),
        ({"schedule": lambda k: -1.0}, ValueError, r"schedule\(0\) is -1.0"),
        ({"schedule": lambda k: float("nan")}, ValueError, r"schedule\(0\) is nan"),
        (
            {"line_search": schedules.Backtracking(), "batch_size": 2},
            ValueError,
            "line_search needs the full gradient",
        ),
        (
            {"line_search": schedules.Backtracking(), "optimizer": SGD(momentum=0.9)},
            ValueError,
            "needs plain SGD, not SGD",
        ),
        ({"checkpoint": "/nowhere/at/all.npz"}, ValueError, "there is no folder /nowhere/at"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_by_name(plane, changed, error, message):
    arguments = {"optimizer": SGD(lr=0.1), "x0": X0, "steps": 3, "rng": rng()} | changed
    with pytest.raises(error, match=message):
        minimize(plane, **arguments)


def test_progress_bar_counts_steps(plane, capsys):
    minimize(plane, GD(lr=0.1), X0, 7, progress=True)
    assert "7/7" in capsys.readouterr().err
    minimize(plane, GD(lr=0.1), X0, 7)
    assert capsys.readouterr().err == ""


def test_importing_loads_no_torch():
    code = "import sys, adaopt.training; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

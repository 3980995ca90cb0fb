"""The tasks of exercise 1 (lecture 1, finite sums), each with its family of known mistakes."""

from typing import Any

import numpy as np

from adaopt.grading.diagnosis import Case, Mistake, Prediction, Task
from adaopt.problems import LeastSquares, diabetes

# headings of lecture 1
SUM = "The problem"
INDEX = "The index at $x$"
STEP = "How long may a step be?"
SGD = "Stochastic gradient descent"
WEIGHTS = "Stochastic gradient descent"
BATCH = "What a larger batch buys"
FLOOR = "Where it breaks: the noise floor"

# the setting of the last question
FLOOR_STEP, FLOOR_BATCH = 0.02, 8


def _sizes(rng: np.random.Generator, odd: bool) -> list[tuple[int, int, float]]:
    """(n, d, l2): tall and wide data, with and without a regularizer; never n = d or n = 1, 2,
    where different mistakes give the same numbers, unless odd."""
    n, d = (int(k) for k in rng.integers((6, 2), (12, 5)))
    sizes = [(n, d, 0.3), (d, n, 0.07)]
    return [*sizes, (1, 3, 0.5), (5, 1, 0.0), (40, 6, 25.0)] if odd else sizes


def _data(rng: np.random.Generator, n: int, d: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # different scales: a wrong sum must not pass for a right one by symmetry
    A = rng.normal(size=(n, d)) * rng.uniform(0.5, 2.0, size=d)
    return A, rng.normal(1.0, 1.0, size=n), rng.normal(size=d)


def _label(n: int, d: int, l2: float, more: str = "") -> str:
    return f"n = {n}, dim = {d}, l2 = {l2:g}{more}"


def _gradient_cases(rng: np.random.Generator, odd: bool) -> list[Case]:
    cases = []
    for n, d, l2 in _sizes(rng, odd):
        A, b, x = _data(rng, n, d)
        cases.append(Case(_label(n, d, l2), (A, b, l2, x)))
    return cases


FULL_GRADIENT = Task(
    name="full_gradient",
    reference=lambda A, b, l2, x: A.T @ (A @ x - b) / len(b) + l2 * x,
    cases=_gradient_cases,
    returns="the gradient of f at x, an array of shape (dim,)",
    where=SUM,
    mistakes=(
        Mistake(
            "not divided by n",
            lambda A, b, l2, x: A.T @ (A @ x - b) + l2 * x,
            "does not divide the data term by n.",
        ),
        Mistake(
            "sum instead of mean",
            lambda A, b, l2, x: A.T @ (A @ x - b) + len(b) * l2 * x,
            "is the sum of the n component gradients, not their mean.",
        ),
        Mistake(
            "missing regularizer",
            lambda A, b, l2, x: A.T @ (A @ x - b) / len(b),
            "leaves out the gradient of the regularizer.",
        ),
        Mistake(
            "not divided by n, missing regularizer",
            lambda A, b, l2, x: A.T @ (A @ x - b),
            "does not divide the data term by n and leaves out the gradient of the regularizer.",
        ),
        Mistake(
            "regularizer divided by n",
            lambda A, b, l2, x: (A.T @ (A @ x - b) + l2 * x) / len(b),
            "divides the regularizer by n too; every f_i carries the whole of it.",
        ),
        Mistake(
            "factor two in the data term",
            lambda A, b, l2, x: 2 * A.T @ (A @ x - b) / len(b) + l2 * x,
            "has the data term twice: the half in f_i is missing.",
        ),
        Mistake(
            "factor two in the regularizer",
            lambda A, b, l2, x: A.T @ (A @ x - b) / len(b) + 2 * l2 * x,
            "has the regularizer's gradient twice: its half is missing.",
        ),
        Mistake(
            "sign of the residual",
            lambda A, b, l2, x: A.T @ (b - A @ x) / len(b) + l2 * x,
            "has the data term with the wrong sign: check the order in the residual.",
        ),
        Mistake(
            "negative gradient",
            lambda A, b, l2, x: A.T @ (b - A @ x) / len(b) - l2 * x,
            "is minus the gradient, the direction of a descent step.",
        ),
        Mistake(
            "divided by the dimension",
            lambda A, b, l2, x: A.T @ (A @ x - b) / len(x) + l2 * x,
            "divides by the number of coordinates; the sum has n terms.",
        ),
        Mistake(
            "targets forgotten",
            lambda A, b, l2, x: A.T @ (A @ x) / len(b) + l2 * x,
            "does not depend on b.",
        ),
        Mistake(
            "one component only",
            lambda A, b, l2, x: A[0] * (A[0] @ x - b[0]) + l2 * x,
            "is the gradient of the first term alone (index 0).",
        ),
    ),
)


def _path_cases(rng: np.random.Generator, odd: bool) -> list[Case]:
    shapes = [(6, 3, 0.11), (4, 2, 0.03)]
    if odd:
        shapes += [(0, 2, 0.1), (1, 1, 0.2), (25, 5, 0.004)]
    cases = []
    for (steps, size, lr), (n, d, l2) in zip(shapes, _sizes(rng, odd), strict=True):
        A, b, x = _data(rng, n, d)
        batches = rng.integers(n, size=(steps, size))
        # a repeated index, so that dropping repeats shows
        batches[:, -1] = batches[:, 0]
        label = _label(n, d, l2, f", {steps} steps with batches of {size}")
        cases.append(Case(label, (LeastSquares(A, b, l2), x, lr, batches)))
    return cases


def _path(problem: Any, x0: np.ndarray, lr: float, batches: np.ndarray, direction: Any) -> Any:
    """Iterates of x - lr * direction(k, x): the loop that right and wrong answers share."""
    iterates = [x0]
    for k in range(len(batches)):
        iterates.append(iterates[-1] - lr * direction(k, iterates[-1]))
    return np.array(iterates)


def _sgd(problem: Any, x0: np.ndarray, lr: float, batches: np.ndarray) -> np.ndarray:
    return _path(problem, x0, lr, batches, lambda k, x: problem.grad_batch(batches[k], x))


def _wrong_sgd(direction: Any) -> Any:
    """A wrong path from its direction(problem, x0, batches, k, x)."""

    def path(problem: Any, x0: np.ndarray, lr: float, batches: np.ndarray) -> np.ndarray:
        return _path(problem, x0, lr, batches, lambda k, x: direction(problem, x0, batches, k, x))

    return path


def _last_iterate_everywhere(problem: Any, x0: Any, lr: float, batches: Any) -> np.ndarray:
    path = _sgd(problem, x0, lr, batches)
    return np.repeat(path[-1:], len(path), axis=0)


def _first_row_last(problem: Any, x0: Any, lr: float, batches: Any) -> np.ndarray:
    path = _sgd(problem, x0, lr, batches)
    return np.vstack([path[1:], path[-1:]])


SGD_PATH = Task(
    name="sgd",
    reference=_sgd,
    cases=_path_cases,
    returns="all iterates, an array of shape (steps + 1, dim) whose row k is x_k and row 0 is x0",
    where=SGD,
    axes=("step", "coordinate"),
    mistakes=(
        Mistake(
            "gradient always at x0",
            _wrong_sgd(lambda p, x0, batches, k, x: p.grad_batch(batches[k], x0)),
            "takes every gradient at x_0: the iterate index is missing.",
            INDEX,
            "slides, claim 1",
        ),
        Mistake(
            "same batch in every step",
            _wrong_sgd(lambda p, x0, batches, k, x: p.grad_batch(batches[0], x)),
            "uses the first batch in every step.",
        ),
        Mistake(
            "batch of the next step",
            _wrong_sgd(
                lambda p, x0, batches, k, x: p.grad_batch(batches[(k + 1) % len(batches)], x)
            ),
            "uses batch k + 1 in step k.",
        ),
        Mistake(
            "first index of the batch only",
            _wrong_sgd(lambda p, x0, batches, k, x: p.grad_i(batches[k][0], x)),
            "uses one index of each batch and drops the others.",
        ),
        Mistake(
            "indices ignored",
            _wrong_sgd(lambda p, x0, batches, k, x: p.grad(x)),
            "takes the full gradient in every step, whatever the batch says.",
        ),
        Mistake(
            "sum over the batch",
            _wrong_sgd(lambda p, x0, batches, k, x: p.grad_i(batches[k], x).sum(axis=0)),
            "takes the sum over the batch, not the mean.",
            BATCH,
        ),
        Mistake(
            "batch sum divided by n",
            _wrong_sgd(lambda p, x0, batches, k, x: p.grad_i(batches[k], x).sum(axis=0) / p.n),
            "divides the sum over the batch by n, not by the size of the batch.",
            BATCH,
        ),
        Mistake(
            "repeated indices dropped",
            _wrong_sgd(lambda p, x0, batches, k, x: p.grad_batch(np.unique(batches[k]), x)),
            "counts an index that the batch repeats only once, which biases the estimate "
            "when indices are drawn with replacement.",
            BATCH,
        ),
        Mistake(
            "ascent",
            _wrong_sgd(lambda p, x0, batches, k, x: -p.grad_batch(batches[k], x)),
            "walks uphill: the sign of the step is wrong.",
        ),
        Mistake(
            "step size decays",
            _wrong_sgd(lambda p, x0, batches, k, x: p.grad_batch(batches[k], x) / (k + 1)),
            "divides the step size by k + 1; here it is constant.",
        ),
        Mistake(
            "every row is the last iterate",
            _last_iterate_everywhere,
            "has the last iterate in every row: the same array was stored each time and "
            "then changed.",
            source="students (aliasing of a NumPy array)",
        ),
        Mistake(
            "rows shifted by one",
            _first_row_last,
            "has x_1 in row 0: the start x_0 belongs there.",
            INDEX,
        ),
    ),
)


def _weight_cases(rng: np.random.Generator, odd: bool) -> list[Case]:
    cases = []
    for n, d, l2 in _sizes(rng, odd):
        A, b, x = _data(rng, n, d)
        p = rng.dirichlet(np.full(n, 0.3 if odd else 3.0)) * 0.9 + 0.1 / n
        i = n - 1
        cases.append(
            Case(
                _label(n, d, l2, f", i = {i}, p[i] = {p[i]:.3f}"), (LeastSquares(A, b, l2), x, i, p)
            )
        )
    return cases


WEIGHTED_GRADIENT = Task(
    name="weighted_gradient",
    reference=lambda problem, x, i, p: problem.grad_i(i, x) / (problem.n * p[i]),
    cases=_weight_cases,
    returns="the estimate from the one index i, an array of shape (dim,)",
    where=WEIGHTS,
    mistakes=(
        Mistake(
            "weight missing",
            lambda problem, x, i, p: problem.grad_i(i, x),
            "has no weight: its mean under p is not the gradient of f unless p is uniform.",
        ),
        Mistake(
            "weight inverted",
            lambda problem, x, i, p: problem.grad_i(i, x) * problem.n * p[i],
            "has the weight upside down: what is drawn often counts even more.",
        ),
        Mistake(
            "multiplied by p",
            lambda problem, x, i, p: problem.grad_i(i, x) * p[i],
            "multiplies by p[i]: the expectation already does that once.",
        ),
        Mistake(
            "n missing in the weight",
            lambda problem, x, i, p: problem.grad_i(i, x) / p[i],
            "is an unbiased estimate of the sum of all terms; f is their mean.",
        ),
        Mistake(
            "divided by n only",
            lambda problem, x, i, p: problem.grad_i(i, x) / problem.n,
            "divides by n, but does not use p.",
        ),
        Mistake(
            "full gradient",
            lambda problem, x, i, p: problem.grad(x),
            "is the full gradient: exact, but at n times the cost of one index.",
        ),
        Mistake(
            "expectation of the unweighted estimate",
            lambda problem, x, i, p: p @ problem.grad_i(np.arange(problem.n), x),
            "is a mean over all n terms with weights p; it must use the index i alone.",
        ),
        Mistake(
            "fixed index in p",
            lambda problem, x, i, p: problem.grad_i(i, x) / (problem.n * p[0]),
            "takes the probability of index 0 in place of that of index i.",
        ),
        Mistake(
            "fixed index",
            lambda problem, x, i, p: problem.grad_i(0, x) / (problem.n * p[0]),
            "uses index 0 whatever i is.",
        ),
        Mistake(
            "negative estimate",
            lambda problem, x, i, p: -problem.grad_i(i, x) / (problem.n * p[i]),
            "has the wrong sign.",
        ),
    ),
)


def _batch_cases(rng: np.random.Generator, odd: bool) -> list[Case]:
    cases = []
    for n, d, l2 in [(9, 3, 0.3), (7, 2, 0.07)] + ([(6, 4, 2.0), (50, 1, 0.0)] if odd else []):
        A, b, x = _data(rng, n, d)
        # all n at once (variance 0) only among the odd ones: many mistakes agree there
        for size in (2, 5, *((1, n) if odd else ())):
            label = _label(n, d, l2, f", batches of {size}")
            cases.append(Case(label, (LeastSquares(A, b, l2), x, size)))
    return cases


def _spread(problem: Any, x: np.ndarray) -> float:
    """sigma^2: mean squared distance of a component gradient from the full one."""
    deviations = problem.grad_i(np.arange(problem.n), x) - problem.grad(x)
    return np.sum(deviations**2) / problem.n


def _variance(problem: Any, x: np.ndarray, size: int) -> float:
    return _spread(problem, x) / size * (problem.n - size) / (problem.n - 1)


def _second_moment(problem: Any, x: np.ndarray, size: int) -> float:
    gradients = problem.grad_i(np.arange(problem.n), x)
    return np.sum(gradients**2) / problem.n / size * (problem.n - size) / (problem.n - 1)


MINIBATCH_VARIANCE = Task(
    name="minibatch_variance",
    reference=_variance,
    cases=_batch_cases,
    returns="the variance, one number",
    where=BATCH,
    axes=(),
    mistakes=(
        Mistake(
            "without-replacement factor missing",
            lambda problem, x, size: _spread(problem, x) / size,
            "is the variance for indices drawn with replacement; distinct indices vary less.",
        ),
        Mistake(
            "factor (n - B) / n",
            lambda problem, x, size: _spread(problem, x) / size * (1 - size / problem.n),
            "has a finite-population factor that is slightly wrong: for B = 1 it must be 1.",
            source="sampling textbooks, which pair this factor with the n - 1 variance",
        ),
        Mistake(
            "n - 1 variance and (n - B) / (n - 1)",
            lambda problem, x, size: _variance(problem, x, size) * problem.n / (problem.n - 1),
            "corrects for n - 1 twice: once in the spread, once in the factor.",
        ),
        Mistake(
            "n - 1 variance, with replacement",
            lambda problem, x, size: _spread(problem, x) / size * problem.n / (problem.n - 1),
            "uses the n - 1 variance and no finite-population factor.",
        ),
        Mistake(
            "not centred",
            _second_moment,
            "uses the squared length of the gradients, not of their distance from the mean.",
        ),
        Mistake(
            "not divided by B",
            lambda problem, x, size: _variance(problem, x, size) * size,
            "does not divide by the size of the batch.",
        ),
        Mistake(
            "divided by B twice",
            lambda problem, x, size: _variance(problem, x, size) / size,
            "divides by the square of the batch size.",
        ),
        Mistake(
            "square root",
            lambda problem, x, size: np.sqrt(_variance(problem, x, size)),
            "is the standard deviation, the square root of what is asked.",
        ),
        Mistake(
            "mean over the coordinates",
            lambda problem, x, size: _variance(problem, x, size) / problem.dim,
            "is the mean over the coordinates; a squared distance is their sum.",
        ),
        Mistake(
            "single index",
            lambda problem, x, size: _spread(problem, x),
            "is the variance for one index, whatever the batch.",
        ),
    ),
)


def _largest_step(factor: float) -> float:
    return factor / diabetes().smoothness


LARGEST_STEP = Prediction(
    name="largest_step",
    value=lambda: _largest_step(2.0),
    where=STEP,
    mistakes=(
        Mistake(
            "1/L",
            lambda: _largest_step(1.0),
            "is 1/L, the step of the usual proof: safe, but not the largest stable one.",
        ),
        Mistake(
            "4/L",
            lambda: _largest_step(4.0),
            "is twice too long: check the half in f and the second derivative.",
        ),
        Mistake(
            "sum instead of mean",
            lambda: _largest_step(2.0 / diabetes().n),
            "belongs to the sum of the terms: the Hessian of f has a factor 1/n.",
        ),
        Mistake(
            "sum instead of mean, 1/L",
            lambda: _largest_step(1.0 / diabetes().n),
            "belongs to the sum of the terms (and is half of its largest stable step).",
        ),
        Mistake(
            "largest component",
            lambda: 2 / diabetes().component_smoothness,
            "comes from the steepest single term; here the full gradient is used.",
        ),
        Mistake(
            "1 / largest component",
            lambda: 1 / diabetes().component_smoothness,
            "comes from the steepest single term; here the full gradient is used.",
        ),
        Mistake(
            "smallest eigenvalue",
            lambda: 2 / diabetes().strong_convexity,
            "uses the smallest curvature; the first direction to diverge is another one.",
        ),
        Mistake(
            "2 / (L + mu)",
            lambda: 2 / (diabetes().smoothness + diabetes().strong_convexity),
            "is 2/(L + mu), the fastest step, a little shorter than the largest stable one.",
        ),
        Mistake(
            "singular value not squared",
            lambda: 2 / np.sqrt(diabetes().smoothness),
            "uses a singular value of A where its square belongs.",
        ),
        Mistake("L itself", lambda: 1 / _largest_step(1.0), "is L, a curvature and not a step."),
        Mistake(
            "one digit only",
            lambda: float(f"{_largest_step(2.0):.0e}"),
            "is right when rounded to one digit; the question asks for three.",
        ),
    ),
)


def _floor(size: int = FLOOR_BATCH) -> float:
    problem = diabetes()
    return FLOOR_STEP / 4 * _variance(problem, problem.minimizer, size)


NOISE_FLOOR = Prediction(
    name="noise_floor",
    value=_floor,
    where=FLOOR,
    # the with-replacement value, 1.6% away, is accepted: the theory itself is only this exact
    rtol=0.02,
    mistakes=(
        Mistake(
            "a half missing",
            lambda: 2 * _floor(),
            "lacks one half: there are two, in f and in the equation for the spread.",
        ),
        Mistake("a half too many", lambda: _floor() / 2, "has one half too many."),
        Mistake(
            "the variance itself",
            lambda: 4 * _floor() / FLOOR_STEP,
            "is the variance of the gradient, not a gap in f.",
        ),
        Mistake(
            "step missing", lambda: _floor() / FLOOR_STEP, "does not shrink with the step size."
        ),
        Mistake(
            "square of the step",
            lambda: FLOOR_STEP * _floor(),
            "falls with the square of the step size.",
        ),
        Mistake(
            "factor 1/4 missing",
            lambda: 4 * _floor(),
            "is the step times the variance: a constant is missing.",
        ),
        Mistake("batch ignored", lambda: _floor(1), "is the floor for a batch of 1."),
        Mistake(
            "batch size squared", lambda: _floor() / FLOOR_BATCH, "divides by the batch size twice."
        ),
        Mistake(
            "variance at zero",
            lambda: FLOOR_STEP / 4 * _variance(diabetes(), np.zeros(diabetes().dim), FLOOR_BATCH),
            "takes the variance at x = 0; the iterates end around the minimizer.",
        ),
    ),
)

TASKS = (FULL_GRADIENT, LARGEST_STEP, SGD_PATH, WEIGHTED_GRADIENT, MINIBATCH_VARIANCE, NOISE_FLOOR)

"""Exercise 1: right answers of any style get 10 points, each known mistake loses exactly its own.

The checks that run here are the files that otter runs, hidden ones included, in this process.
"""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from adaopt.grading import Prediction, diagnose, finite_sums
from adaopt.problems import LeastSquares, diabetes

ROOT = Path(__file__).parents[2]
STUDENT = ROOT / "exercises" / "student" / "01_finite_sums"
QUESTION = dict(
    zip((t.name for t in finite_sums.TASKS), ("q1", "q2", "q3", "q4", "q5", "q6"), strict=True)
)
POINTS = {"q1": 2, "q2": 1, "q3": 2, "q4": 2, "q5": 2, "q6": 1}
MISTAKES = [(task, mistake) for task in finite_sums.TASKS for mistake in task.mistakes]
IDS = [f"{task.name}: {mistake.name}" for task, mistake in MISTAKES]


def answer_of(task, mistake):
    return mistake.function() if isinstance(task, Prediction) else mistake.function


def grade(checks, names):
    """Results by question, as otter computes them."""
    from otter.nbmeta_config import NBMetadataConfig
    from otter.test_files import create_test_file

    results = {}
    for path in sorted(checks.glob("q*.py")):
        results[path.stem] = create_test_file(str(path), NBMetadataConfig())
        results[path.stem].run(names)
    return results


def scores(results):
    return {name: result.score for name, result in results.items()}


# right answers


def test_the_solution_gets_all_points(checks, answers):
    results = grade(checks, answers)
    assert scores(results) == POINTS
    assert sum(result.possible for result in results.values()) == 10


def other_full_gradient(A, b, l2, x):
    total = np.zeros(len(x))
    for row, target in zip(A, b, strict=True):
        total += (sum(row * x) - target) * row + l2 * x
    return list(total / len(A))


def other_sgd(problem, x0, lr, batches):
    path = np.empty((len(batches) + 1, problem.dim))
    path[0] = x0
    for k in range(len(batches)):
        path[k + 1] = path[k] - lr * sum(problem.grad_i(int(i), path[k]) for i in batches[k]) / len(
            batches[k]
        )
    return path


def other_weighted_gradient(problem, x, i, p):
    return (1 / problem.n) / p[i] * problem.grad_batch(np.array([i]), x)


def other_minibatch_variance(problem, x, batch_size):
    # the sampling textbooks' pair: n - 1 in the variance, 1 - B/n in the factor
    gradients = problem.grad_i(np.arange(problem.n), x)
    spread = np.trace(np.atleast_2d(np.cov(gradients, rowvar=False)))
    return np.array([spread / batch_size * (1 - batch_size / problem.n)])[0]


def other_answers():
    problem = diabetes()
    covariance = np.cov(problem.grad_i(np.arange(problem.n), problem.minimizer), rowvar=False)
    return {
        "full_gradient": other_full_gradient,
        "largest_step": round(2 * problem.n / np.linalg.norm(problem.A, 2) ** 2, 3),
        "sgd": other_sgd,
        "weighted_gradient": other_weighted_gradient,
        "minibatch_variance": other_minibatch_variance,
        "noise_floor": 0.02 / 2 * np.trace(covariance) / 8 / 2,
    }


def test_different_but_right_answers_get_all_points(checks):
    assert scores(grade(checks, other_answers())) == POINTS


# wrong answers


@pytest.mark.parametrize(("task", "mistake"), MISTAKES, ids=IDS)
def test_a_known_mistake_loses_exactly_its_points_and_is_named(checks, answers, task, mistake):
    results = grade(checks, {**answers, task.name: answer_of(task, mistake)})
    assert scores(results) == {**POINTS, QUESTION[task.name]: 0}
    public = results[QUESTION[task.name]].test_case_results[0]
    assert not public.test_case.hidden
    assert " ".join(mistake.message.split()) in " ".join(public.message.split())


@pytest.mark.parametrize(("task", "mistake"), MISTAKES, ids=IDS)
def test_no_mistake_is_taken_for_another_whatever_the_data(task, mistake):
    for seed in range(5):
        for odd in (False, True):
            assert diagnose(task, answer_of(task, mistake), seed, odd).mistake == mistake.name


def test_each_task_has_enough_mistakes_and_their_names_differ():
    for task in finite_sums.TASKS:
        names = [mistake.name for mistake in task.mistakes]
        assert len(names) >= 8
        assert len(set(names)) == len(names)


def test_an_answer_fitted_to_the_public_data_loses_the_hidden_points(checks, answers):
    task = finite_sums.FULL_GRADIENT
    public = {c.args[0].shape for c in task.cases(np.random.default_rng(0), False)}

    def fitted(A, b, l2, x):
        right = task.reference(A, b, l2, x)
        return right if A.shape in public else 0 * right

    results = grade(checks, {**answers, "full_gradient": fitted})
    assert scores(results) == {**POINTS, "q1": 1}


def test_the_path_from_a_start_in_whole_numbers_is_exact():
    # a student's first try by hand uses whole numbers
    problem = LeastSquares(np.eye(2), np.ones(2))
    path = finite_sums.SGD_PATH.reference(problem, np.array([1, 3]), 0.5, np.array([[1], [1]]))
    np.testing.assert_allclose(path, [[1, 3], [1, 2], [1, 1.5]])


def test_nothing_answered_gets_nothing(checks):
    results = grade(checks, {name: None for name in QUESTION})
    assert sum(scores(results).values()) == 0
    for result in results.values():
        assert "run the cell that defines it" in " ".join(
            result.test_case_results[0].message.split()
        )


# the references themselves


def test_the_variance_is_that_of_all_subsets():
    rng = np.random.default_rng(3)
    problem = LeastSquares(rng.normal(size=(6, 3)), rng.normal(size=6), 0.2)
    x = rng.normal(size=3)
    for size in range(1, 7):
        batches = [np.array(batch) for batch in combinations(range(6), size)]
        errors = [problem.grad_batch(batch, x) - problem.grad(x) for batch in batches]
        exact = np.mean(np.sum(np.square(errors), axis=1))
        found = finite_sums.MINIBATCH_VARIANCE.reference(problem, x, size)
        assert found == pytest.approx(exact, rel=1e-12, abs=1e-14)


def test_the_weighted_gradient_is_unbiased():
    rng = np.random.default_rng(4)
    problem = LeastSquares(rng.normal(size=(9, 3)), rng.normal(size=9), 0.2)
    x, p = rng.normal(size=3), rng.dirichlet(np.ones(9))
    estimates = [finite_sums.WEIGHTED_GRADIENT.reference(problem, x, i, p) for i in range(9)]
    np.testing.assert_allclose(p @ np.array(estimates), problem.grad(x), rtol=0, atol=1e-13)


def test_gradient_descent_turns_at_the_largest_step():
    problem, step = diabetes(), finite_sums.LARGEST_STEP.value()
    batches = np.tile(np.arange(problem.n), (500, 1))
    norms = {}
    for factor in (0.999, 1.001):
        path = finite_sums.SGD_PATH.reference(
            problem, np.zeros(problem.dim), factor * step, batches
        )
        direction = np.linalg.svd(problem.A)[2][0]
        norms[factor] = np.abs((path - problem.minimizer) @ direction)
    # along the steepest direction one step multiplies by 1 - factor * 2
    assert norms[0.999][-1] < 0.4 * norms[0.999][0]
    assert norms[1.001][-1] > 2.5 * norms[1.001][0]


def test_sgd_settles_at_the_predicted_floor():
    problem, rng = diabetes(), np.random.default_rng(6)
    size, step = finite_sums.FLOOR_BATCH, finite_sums.FLOOR_STEP
    batches = np.array([rng.choice(problem.n, size, replace=False) for _ in range(20000)])
    path = finite_sums.SGD_PATH.reference(problem, problem.minimizer, step, batches)
    gap = np.mean([problem.f(x) for x in path[5000::10]]) - problem.minimum
    # the formula is the leading term in the step; the rest adds a few percent
    assert 0.85 < gap / finite_sums.NOISE_FLOOR.value() < 1.2


# the files


def test_every_place_named_is_a_heading_of_the_lecture():
    lecture = json.loads((ROOT / "lectures" / "01_finite_sums.ipynb").read_text())
    lines = [
        line.lstrip("#").strip()
        for cell in lecture["cells"]
        if cell["cell_type"] == "markdown"
        for line in "".join(cell["source"]).splitlines()
        if line.startswith("#")
    ]
    places = {task.where for task in finite_sums.TASKS}
    places |= {mistake.where for _, mistake in MISTAKES if mistake.where}
    assert places <= set(lines)


def test_no_solution_and_no_hidden_check_reaches_the_student():
    master = json.loads((ROOT / "exercises" / "01_finite_sums.ipynb").read_text())
    secrets = {"SOLUTION", "hidden=True", "hidden: true", "seed="}
    for cell in master["cells"]:
        inside = False
        for line in "".join(cell["source"]).splitlines():
            inside = (inside or "# BEGIN SOLUTION" in line) and "# END SOLUTION" not in line
            if inside or line.endswith("# SOLUTION"):
                secrets.add(line.split("# SOLUTION")[0].partition("BEGIN")[0].strip("# "))
    secrets.discard("")
    assert len(secrets) > 12
    files = [*sorted(STUDENT.rglob("*.py")), STUDENT / "01_finite_sums.ipynb"]
    assert len(files) == 7
    for path in files:
        text = path.read_text()
        cells = json.loads(text)["cells"] if path.suffix == ".ipynb" else [{"source": [text]}]
        for cell in cells:
            source = "".join(cell["source"])
            assert not [s for s in secrets if s in source], path.name
            assert not cell.get("outputs")


def test_points_and_set_up_in_the_notebook_agree_with_the_checks():
    cells = json.loads((STUDENT / "01_finite_sums.ipynb").read_text())["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells)
    assert f"questions={len(POINTS)}," in text
    assert [
        int(line.split()[-1]) for line in text.splitlines() if line.startswith("_Points:_")
    ] == [POINTS[q] for q in sorted(POINTS)]

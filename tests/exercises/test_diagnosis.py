"""The machinery of diagnosis, on a task of its own: every fault has a message of its own."""

import threading
import time

import numpy as np
import pytest

from adaopt.grading import Case, Mistake, Prediction, Task, check, diagnose
from adaopt.grading.limits import TooSlow, time_limit


def _cases(rng, odd):
    sizes = (3, 5, 1) if odd else (3, 5)
    return [Case(f"length {n}", (rng.normal(size=n), 2.0)) for n in sizes]


def _path(x, lr):
    return np.array([x, x - lr * x])


TASK = Task(
    name="walk",
    reference=_path,
    cases=_cases,
    returns="two iterates, shape (2, d)",
    where="Walking",
    axes=("step", "coordinate"),
    seconds=0.2,
    mistakes=(
        Mistake("ascent", lambda x, lr: np.array([x, x + lr * x]), "walks uphill.", "Uphill"),
        Mistake("no step", lambda x, lr: np.array([x, x]), "stands still."),
    ),
)
NUMBER = Prediction(
    "height", lambda: 8.0, (Mistake("half", lambda: 4.0, "is half of it."),), "Heights", rtol=1e-3
)


def in_place(x, lr):
    x *= 1 - lr
    return np.array([x, x])


def endless(x, lr):
    while True:
        try:
            x = x + 1
        except Exception:
            pass


def raises(x, lr):
    y = np.zeros(7)
    return y + x


def exits(x, lr):
    raise SystemExit("bye")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "walk does not exist yet: run the cell"),
        (..., "walk is still '...'"),
        (3.5, "walk must be a function; yours is of type float"),
        (lambda x, lr: None, "returns nothing yet: it must return two iterates"),
        (lambda x, lr: ..., "returns nothing yet"),
        (lambda x, lr: x, "returns the shape (3,), expected (2, 3) (length 3)"),
        (lambda x, lr: "up", "returns a str that is not an array of real numbers"),
        (lambda x, lr: {"x": x}, "returns a dict that is not an array of real numbers"),
        (lambda x, lr: [[1.0], [1.0, 2.0]], "returns a list that is not an array"),
        (lambda x, lr: _path(x, lr) * 1j, "returns a ndarray that is not an array of real"),
        (lambda x, lr: _path(x, lr) * np.nan, "returns NaN or infinity (length 3)"),
        (lambda x, lr: _path(x, lr) / 0.0, "returns NaN or infinity"),
        (in_place, "changes its input x in place (length 3)"),
        (endless, "too slow: more than 0.2 s for one call"),
        (raises, "stops with ValueError: operands could not be broadcast"),
        (exits, "stops with SystemExit: bye"),
        (lambda x: x, "stops with TypeError:"),
    ],
)
def test_every_fault_has_its_own_message(answer, words):
    diagnosis = diagnose(TASK, answer)
    assert not diagnosis.ok
    assert words in diagnosis.message


def test_the_students_own_line_is_quoted():
    message = diagnose(TASK, raises).message
    assert "of your cell: return y + x" in message


def test_an_html_tag_in_an_error_is_broken():
    def bad(x, lr):
        raise ValueError("no <b>bold</b> here")

    assert "no < b>bold< /b> here" in diagnose(TASK, bad).message


def test_a_right_answer_may_come_as_a_list_and_print_and_warn(capsys):
    def chatty(x, lr):
        print("hello")
        np.zeros(1) / 0.0
        return [list(x), [xi - lr * xi for xi in x]]

    assert diagnose(TASK, chatty, odd=True).ok
    assert capsys.readouterr().out == ""


def test_a_known_mistake_is_named_with_its_place_in_the_lecture():
    diagnosis = diagnose(TASK, lambda x, lr: np.stack([x, x * (1 + lr)]))
    assert diagnosis.mistake == "ascent"
    assert diagnosis.message.startswith(
        "Your walk walks uphill.\nFirst difference (length 3): step 1"
    )
    assert diagnosis.message.endswith('Look at "Uphill" in the lecture.')


def test_a_mistake_without_a_place_has_the_tasks():
    assert diagnose(TASK, lambda x, lr: [x, x]).message.endswith(
        'Look at "Walking" in the lecture.'
    )


def test_an_unknown_mistake_gets_its_first_departure():
    def late(x, lr):
        path = _path(x, lr)
        path[1, 2:] += 1e-6
        return path

    diagnosis = diagnose(TASK, late)
    assert diagnosis.mistake is None
    assert "none of the common mistakes" in diagnosis.message
    assert "step 1, coordinate 2: yours " in diagnosis.message


SCALE, UNUSED = 0.3, 7


def test_data_of_the_notebook_that_a_function_reads_are_named():
    def leaky(x, lr):
        return np.array([x, x - SCALE * x])

    def clean(x, lr):
        return np.array([x, x - 0.3 * x.UNUSED if lr < 0 else x - 0.3 * x])

    assert (
        "It reads SCALE of the notebook: use its arguments only." in diagnose(TASK, leaky).message
    )
    assert "of the notebook" not in diagnose(TASK, clean).message


def test_a_common_factor_is_told():
    message = diagnose(TASK, lambda x, lr: 3 * _path(x, lr)).message
    assert "All your values are 3 times the expected ones." in message


def test_odd_settings_are_tried_only_when_asked():
    def no_single(x, lr):
        return _path(x, lr) if len(x) > 1 else np.zeros((2, 1))

    assert diagnose(TASK, no_single).ok
    assert "(length 1)" in diagnose(TASK, no_single, odd=True).message


def test_other_seeds_give_other_data():
    # an answer fitted to the public data
    known = {len(c.args[0]): c.args[0] for c in _cases(np.random.default_rng(0), False)}

    def fitted(x, lr):
        return _path(known[len(x)], lr)

    assert diagnose(TASK, fitted, seed=0).ok
    assert not diagnose(TASK, fitted, seed=1).ok


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("8", "must be a number; yours is of type str"),
        (True, "must be a number; yours is of type bool"),
        (np.zeros(2), "must be a number; yours is of type ndarray"),
        (float("nan"), "must be a finite number; yours is nan"),
        (4.003, "is half of it."),
        (5.0, "= 5 is not right"),
        (8.01, "is not right"),
    ],
)
def test_a_wrong_number_is_diagnosed_and_the_right_one_is_not_printed(answer, words):
    diagnosis = diagnose(NUMBER, answer)
    assert not diagnosis.ok
    assert words in diagnosis.message
    assert "8" not in diagnosis.message.replace("8.01", "")


@pytest.mark.parametrize("answer", [8, 8.007, np.float32(8), np.array([8.0]), np.array(8.0)])
def test_a_right_number_of_any_kind_is_accepted(answer):
    assert diagnose(NUMBER, answer).ok


def test_check_raises_with_lines_that_fit_a_notebook():
    check(TASK, _path)
    with pytest.raises(AssertionError, match="Your walk walks uphill") as error:
        check(TASK, TASK.mistakes[0].function)
    assert max(map(len, str(error.value).splitlines())) <= 80


def test_the_time_limit_interrupts_and_leaves_no_alarm():
    with pytest.raises(TooSlow), time_limit(0.05):
        time.sleep(5)
    time.sleep(0.15)  # a second ring would raise here


def test_outside_the_main_thread_a_slow_call_is_reported_afterwards():
    verdicts = []

    def slow(x, lr):
        time.sleep(0.25)
        return _path(x, lr)

    thread = threading.Thread(target=lambda: verdicts.append(diagnose(TASK, slow)))
    thread.start()
    thread.join()
    assert "too slow" in verdicts[0].message

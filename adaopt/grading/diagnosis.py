"""Diagnosis of a student's answer by known mistakes.

The messages say what the answer is (a known mistake), where it first departs from the right one,
and which section of the lecture to read; they never say what to write.
"""

import contextlib
import dis
import io
import linecache
import numbers
import re
import textwrap
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from adaopt.grading.limits import TooSlow, time_limit


@dataclass(frozen=True)
class Mistake:
    """A known wrong answer, kept as data.

    ``function`` has the signature of the student's function (for a :class:`Prediction`: no
    arguments). ``message`` completes "Your answer ...". ``where`` is the heading in the lecture to
    read again, the task's own if empty. ``source`` says where the mistake was met.
    """

    name: str
    function: Callable[..., Any]
    message: str
    where: str = ""
    source: str = "students"


@dataclass(frozen=True)
class Case:
    """One input on which the answers are compared; ``label`` describes it in a message."""

    label: str
    args: tuple[Any, ...]


@dataclass(frozen=True)
class Task:
    """A function that a student writes.

    ``cases(rng, odd)`` gives the inputs, odd settings included if ``odd``; ``axes`` names the axes
    of the result, ``returns`` describes it in words. Values agree when they differ by at most
    ``rtol`` times the largest entry of the expected array; each call may last ``seconds``.
    """

    name: str
    reference: Callable[..., Any]
    cases: Callable[[np.random.Generator, bool], Sequence[Case]]
    mistakes: tuple[Mistake, ...]
    returns: str
    where: str
    axes: tuple[str, ...] = ("coordinate",)
    rtol: float = 1e-9
    seconds: float = 2.0


@dataclass(frozen=True)
class Prediction:
    """A number that a student predicts to relative accuracy ``rtol``; it is never printed."""

    name: str
    value: Callable[[], float]
    mistakes: tuple[Mistake, ...]
    where: str
    rtol: float = 1e-3


@dataclass(frozen=True)
class Diagnosis:
    """The verdict: ``message`` for the student, ``mistake`` is the name of the known mistake."""

    ok: bool
    message: str
    mistake: str | None = None


def check(task: Task | Prediction, answer: Any, seed: int = 0, odd: bool = False) -> None:
    """Raise AssertionError with the diagnosis if the answer is wrong (the body of an otter test).

    Arguments as for :func:`diagnose`.
    """
    diagnosis = diagnose(task, answer, seed, odd)
    # raised by hand: `assert` would vanish under python -O, and with it every exercise's check
    if not diagnosis.ok:
        raise AssertionError(_wrapped(diagnosis.message))


def diagnose(task: Task | Prediction, answer: Any, seed: int = 0, odd: bool = False) -> Diagnosis:
    """Compare an answer with the reference and with the task's known mistakes.

    Args:
        task: what was asked.
        answer: the student's function (for a Prediction: the number).
        seed: draws the data of the cases.
        odd: add the odd settings that the hidden checks use.

    Returns:
        The verdict with a message for the student. A wrong answer never raises.
    """
    try:
        if answer is None:
            raise _Fault(f"{task.name} does not exist yet: run the cell that defines it.")
        if answer is Ellipsis:
            raise _Fault(f"{task.name} is still '...': write your answer in its place.")
        if isinstance(task, Prediction):
            return _diagnose_number(task, answer)
        return _diagnose_function(task, answer, np.random.default_rng(seed), odd)
    except _Fault as fault:
        return Diagnosis(False, str(fault), fault.mistake)


class _Fault(Exception):
    """What is wrong with the answer, in words for the student."""

    def __init__(self, message: str, mistake: str | None = None):
        super().__init__(message)
        self.mistake = mistake


def _diagnose_number(task: Prediction, answer: Any) -> Diagnosis:
    if isinstance(answer, np.ndarray) and answer.size == 1:
        answer = answer.item()
    if not isinstance(answer, numbers.Real) or isinstance(answer, bool):
        raise _Fault(f"{task.name} must be a number; yours is of type {type(answer).__name__}.")
    number = float(answer)
    if not np.isfinite(number):
        raise _Fault(f"{task.name} must be a finite number; yours is {number}.")
    if _agree(number, task.value(), task.rtol):
        return Diagnosis(True, f"{task.name} is right (to {task.rtol:g}, relative).")
    for mistake in task.mistakes:
        if _agree(number, mistake.function(), task.rtol):
            look = _look(mistake.where or task.where)
            raise _Fault(f"Your {task.name} {mistake.message}\n{look}", mistake.name)
    raise _Fault(
        f"Your {task.name} = {number:.6g} is not right, and it is none of the common mistakes.\n"
        f"{_look(task.where)}"
    )


def _diagnose_function(task: Task, function: Any, rng: np.random.Generator, odd: bool) -> Diagnosis:
    if not callable(function):
        raise _Fault(f"{task.name} must be a function; yours is of type {type(function).__name__}.")
    cases = task.cases(rng, odd)
    expected = [_quietly(task.reference, case) for case in cases]
    given = [_run(task, function, case, right) for case, right in zip(cases, expected, strict=True)]
    right = [_agree(*pair, task.rtol) for pair in zip(given, expected, strict=True)]
    if all(right):
        return Diagnosis(True, f"{task.name} is right in all {len(cases)} cases.")
    first = right.index(False)
    departure = _departure(task, cases[first], given[first], expected[first])
    for mistake in task.mistakes:
        wrongly = (_quietly(mistake.function, case) for case in cases)
        if all(_agree(mine, w, task.rtol) for mine, w in zip(given, wrongly, strict=True)):
            look = _look(mistake.where or task.where)
            raise _Fault(f"Your {task.name} {mistake.message}\n{departure}\n{look}", mistake.name)
    raise _Fault(
        f"Your {task.name} is not right, and it is none of the common mistakes.\n"
        f"{_outside(function)}{departure}\n{_look(task.where)}"
    )


def _look(where: str) -> str:
    return f'Look at "{where}" in the lecture.'


def _agree(mine: Any, right: Any, rtol: float) -> bool:
    mine, right = np.asarray(mine), np.asarray(right)
    if mine.shape != right.shape:
        return False
    scale = np.max(np.abs(right), initial=0.0) or 1.0
    return bool(np.all(np.abs(mine - right) <= rtol * scale))


def _departure(task: Task, case: Case, mine: np.ndarray, right: np.ndarray) -> str:
    """Where the first wrong entry stands, and the common factor if there is one."""
    scale = np.max(np.abs(right), initial=0.0) or 1.0
    wrong = np.abs(mine - right) > task.rtol * scale
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    place = ", ".join(f"{axis} {i}" for axis, i in zip(task.axes, index, strict=True))
    values = f"{mine[index]:.6g}, expected {right[index]:.6g}"
    text = f"First difference ({case.label}): {place + ': ' if place else ''}yours {values}."
    with np.errstate(all="ignore"):
        ratio = mine / right
    factor = float(ratio.flat[0])
    if right.size > 1 and np.isfinite(factor) and np.allclose(ratio, factor, rtol=1e-6, atol=0):
        text += f" All your values are {factor:.4g} times the expected ones."
    return text


def _copies(args: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(a.copy() if isinstance(a, np.ndarray) else a for a in args)


def _quietly(function: Callable[..., Any], case: Case) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.asarray(function(*_copies(case.args)), dtype=float)


def _run(task: Task, function: Callable[..., Any], case: Case, right: np.ndarray) -> np.ndarray:
    """The student's result as a float array of the expected shape, or a fault."""
    args = _copies(case.args)
    result = _call(task, function, args, case)
    for position, (before, after) in enumerate(zip(case.args, args, strict=True)):
        if isinstance(before, np.ndarray) and not np.array_equal(before, after):
            name = _argument_name(function, position)
            raise _Fault(
                f"{task.name} changes its input {name} in place ({case.label}). Whoever calls it "
                "still needs the old values: make a new array instead.",
                "in-place change",
            )
    if result is None or result is Ellipsis:
        raise _Fault(f"{task.name} returns nothing yet: it must return {task.returns}.")
    try:
        array = np.asarray(result)
        if array.dtype.kind not in "biuf":
            raise TypeError
        array = array.astype(float)
    except (TypeError, ValueError):
        raise _Fault(
            f"{task.name} returns a {type(result).__name__} that is not an array of real numbers; "
            f"it must return {task.returns}."
        ) from None
    if array.shape != right.shape:
        raise _Fault(
            f"{task.name} returns the shape {array.shape}, expected {right.shape} "
            f"({case.label}): it must return {task.returns}."
        )
    if not np.all(np.isfinite(array)):
        raise _Fault(
            f"{task.name} returns NaN or infinity ({case.label}): something is divided by zero, "
            "overflows or was never filled in."
        )
    return array


def _call(task: Task, function: Callable[..., Any], args: tuple[Any, ...], case: Case) -> Any:
    began = time.monotonic()
    try:
        with time_limit(task.seconds), contextlib.redirect_stdout(io.StringIO()):
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                result = function(*args)
    except (Exception, SystemExit) as error:
        message = _plain(f"{type(error).__name__}: {error}")
        raise _Fault(
            f"{task.name} stops with {message} ({case.label}){_line(error, function)}"
        ) from None
    except TooSlow:
        began = -np.inf
    if time.monotonic() - began > task.seconds:
        raise _Fault(
            f"{task.name} is too slow: more than {task.seconds:g} s for one call ({case.label}). "
            "Is there a loop that never ends?",
            "too slow",
        ) from None
    return result


def _argument_name(function: Callable[..., Any], position: int) -> str:
    names = getattr(getattr(function, "__code__", None), "co_varnames", ())
    return names[position] if position < len(names) else f"number {position + 1}"


def _outside(function: Callable[..., Any]) -> str:
    """A warning if the function reads data of the notebook, which the check's data are not."""
    if not isinstance(function, FunctionType):
        return ""
    known = function.__globals__
    loads = (i.argval for i in dis.get_instructions(function) if i.opname == "LOAD_GLOBAL")
    data = [n for n in dict.fromkeys(loads) if n in known and not _is_tool(known[n])]
    return f"It reads {', '.join(data)} of the notebook: use its arguments only.\n" if data else ""


def _is_tool(value: Any) -> bool:
    return callable(value) or isinstance(value, ModuleType)


def _line(error: BaseException, function: Callable[..., Any]) -> str:
    """The student's own line in which the error arose, if it can be told."""
    filename = getattr(getattr(function, "__code__", None), "co_filename", None)
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == filename]
    if not lines:
        return "."
    text = _plain(linecache.getline(filename, lines[-1]).strip())
    return f", line {lines[-1]} of your cell" + (f": {text}" if text else ".")


def _wrapped(text: str) -> str:
    """Notebooks show a message in a box that does not wrap lines."""
    return "\n".join(textwrap.fill(line, 80) for line in text.splitlines())


def _plain(text: str) -> str:
    """The text cut to a readable length; otter shows it as HTML, where '<x' would open a tag."""
    text = re.sub(r"<(?=[\w/!?])", "< ", text)
    return text if len(text) <= 300 else text[:300] + " ..."

"""What an exercise notebook calls: fetching its checks, points so far, guarded experiments."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from adaopt.grading.limits import TooSlow, time_limit

if TYPE_CHECKING:
    from otter import Notebook
    from otter.test_files import GradingResults


def start(name: str, questions: int, repository: str) -> Notebook:
    """The grader of an exercise notebook, its checks fetched first if they are not there.

    Beside a notebook opened from the repository lies the folder ``tests``; Colab opens the
    notebook alone, so that the checks are downloaded into ``NAME/tests``, once.

    Args:
        name: the exercise, for example "01_finite_sums".
        questions: how many questions it has (their checks are q1.py, q2.py, ...).
        repository: address of the course's repository.

    Raises:
        RuntimeError: otter is missing, or the checks are neither here nor reachable; the message
            says what to do.
    """
    try:
        import otter
    except ImportError:
        raise RuntimeError(
            "The package otter-grader, which runs the checks, is missing. Install it with "
            "`pip install 'otter-grader>=7,<8'`, restart the kernel and run this cell again."
        ) from None
    # while otter grades, it brings its own tests and the network may be absent
    grading = otter.Notebook._tests_dir_override is not None
    tests = Path("tests")
    if not grading and not (tests / "q1.py").is_file():
        tests = Path(name, "tests")
        _fetch(f"{repository}/raw/main/exercises/student/{name}/tests", tests, questions)
    return otter.Notebook(tests_dir=str(tests))


def _fetch(address: str, folder: Path, questions: int) -> None:
    missing = [q for k in range(questions) if not (q := folder / f"q{k + 1}.py").is_file()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        url = f"{address}/{path.name}"
        try:
            with urllib.request.urlopen(url, timeout=20) as reply:
                text = reply.read()
        except (urllib.error.URLError, TimeoutError, ValueError) as error:
            raise RuntimeError(
                f"The checks could not be fetched from {url} ({error}). Is there a network, and is "
                "the address right? Without a network, open the notebook in its folder of the "
                "repository (exercises/student), where the checks lie beside it."
            ) from None
        path.write_bytes(text)


def print_points(results: GradingResults | None, total: int) -> None:
    """Print the points of the public checks, a line for each question.

    Args:
        results: what ``grader.check_all()`` returned; None while otter grades, when nothing is
            printed.
        total: the points of the exercise, hidden checks included.
    """
    if results is None:
        return
    for name, result in sorted(results.results.items()):
        verdict = "passed" if result.passed_all else "not yet"
        print(f"{name}: {result.score:g} of {result.possible:g} points  {verdict}")
    print(f"So far: {results.total:g} of {results.possible:g} points of the public checks.")
    rest = total - results.possible
    print(f"Hidden checks (other data, odd settings) give the other {rest:g} when it is graded.")


@contextmanager
def experiment(*needed: str, seconds: float = 20.0) -> Iterator[None]:
    """Run an experiment on the student's answers; say which are needed if it fails.

    So an unanswered notebook runs from top to bottom without an error, and ends.

    Args:
        needed: the questions whose answers the experiment uses.
        seconds: the longest time that it may take.
    """
    try:
        with time_limit(seconds):
            yield
    except (Exception, TooSlow) as error:
        late = isinstance(error, TooSlow)
        reason = f"after {seconds:g} s" if late else f"with {type(error).__name__}: {error}"
        print(f"This experiment needs a right answer to {' and '.join(needed)}.")
        print(f"It stopped {reason}")

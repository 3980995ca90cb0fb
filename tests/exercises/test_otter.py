"""Exercise 1 through otter itself: graded as an instructor does, started as in Colab."""

import functools
import gc
import http.server
import importlib.util
import json
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from adaopt import grading

ROOT = Path(__file__).parents[2]
NAME = "01_finite_sums"
STUDENT = ROOT / "exercises" / "student" / NAME
SETUP = json.loads((STUDENT / f"{NAME}.ipynb").read_text())["cells"][1]


def run_otter(submission, assigned):
    from otter.api import grade_submission

    with warnings.catch_warnings():
        # otter's own: event loops and notebook formats
        warnings.simplefilter("ignore")
        results = grade_submission(str(submission), str(assigned / "autograder.zip"), quiet=True)
        # and the socket of its log server, which its thread leaves unclosed a second later
        for thread in threading.enumerate():
            if "serve_until_stopped" in thread.name:
                thread.join(timeout=5)
        gc.collect()
    return results


def errors(results):
    return [
        output.ename
        for cell in results.notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "error"
    ]


def test_otter_gives_the_solution_10_points(assigned):
    results = run_otter(assigned / "autograder" / f"{NAME}.ipynb", assigned)
    assert (results.total, results.possible) == (10, 10)
    assert errors(results) == []


def test_otter_gives_the_untouched_notebook_0_points_without_an_error(assigned):
    results = run_otter(STUDENT / f"{NAME}.ipynb", assigned)
    assert (results.total, results.possible) == (0, 10)
    assert not results.has_catastrophic_failure()
    assert errors(results) == []


# Colab: the notebook comes alone, the checks are fetched


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Address of a server that answers as the repository's does; the working folder is empty."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def translate_path(self, path):
            assert path.startswith("/raw/main/")
            return str(ROOT / path.removeprefix("/raw/main/"))

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.chdir(tmp_path)
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def colab(builder, monkeypatch):
    """otter asks the name of the running shell whether this is Colab."""
    monkeypatch.setattr("otter.check.utils.get_ipython", lambda: "<google.colab._shell.Shell>")
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))


def test_in_colab_the_checks_are_fetched_once_and_answer(colab, repository, answers):
    grader = grading.start(NAME, 6, repository)
    assert grader.interpreter.name == "COLAB"
    fetched = {path.name: path.read_bytes() for path in Path(NAME, "tests").iterdir()}
    assert fetched == {path.name: path.read_bytes() for path in (STUDENT / "tests").iterdir()}
    assert grader.check("q1", global_env=answers).score == 1
    assert "Ellipsis" not in str(grader.check("q2", global_env={"largest_step": ...}))
    # offline from now on
    assert grading.start(NAME, 6, "http://127.0.0.1:9").check("q3", global_env=answers).score == 1


def test_without_a_network_the_message_says_what_to_do(colab, repository):
    with pytest.raises(
        RuntimeError, match=r"could not be fetched from http://127\.0\.0\.1:9/raw.*Is th"
    ):
        grading.start(NAME, 6, "http://127.0.0.1:9")
    with pytest.raises(RuntimeError, match=r"tests/q7.py \(HTTP Error 404"):
        grading.start(NAME, 7, repository)


def test_beside_the_notebook_the_checks_need_no_network(monkeypatch, tmp_path, builder):
    (tmp_path / "tests").symlink_to(STUDENT / "tests")
    monkeypatch.chdir(tmp_path)
    assert grading.start(NAME, 6, "nowhere").check("q2", global_env={"largest_step": 1}).score == 0


def missing(monkeypatch, names):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in names else found(name)
    )


def run_setup():
    exec(compile("".join(SETUP["source"]).partition("from adaopt")[0], "set-up", "exec"), {})


def test_a_missing_package_is_installed_in_colab_only(monkeypatch, colab):
    absent, commands = {"adaopt", "otter"}, []
    missing(monkeypatch, absent)

    def install(command):
        commands.append(command)
        absent.clear()
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(subprocess, "run", install)
    run_setup()
    assert commands[0][1:4] == ["-m", "pip", "install"]
    assert commands[0][-1] == "adaopt[grading] @ git+https://github.com/OWNER/adaopt"


@pytest.mark.parametrize("in_colab", [True, False])
def test_a_package_that_stays_missing_is_named_with_the_remedy(monkeypatch, request, in_colab):
    if in_colab:
        request.getfixturevalue("colab")
    missing(monkeypatch, {"otter"})
    commands = []
    monkeypatch.setattr(subprocess, "run", commands.append)
    with pytest.raises(ModuleNotFoundError, match=r"Missing: otter\. Install with\s+pip install"):
        run_setup()
    assert len(commands) == in_colab


def test_the_set_up_cell_is_folded_and_first():
    assert SETUP["metadata"]["tags"] == ["hide-input"]


def test_points_are_summed_and_silent_while_otter_grades(colab, repository, answers, capsys):
    from otter.test_files import GradingResults

    grader = grading.start(NAME, 6, repository)
    names = {**answers, "sgd": None}
    results = GradingResults([grader.check(f"q{k}", global_env=names) for k in range(1, 7)])
    grading.print_points(results, total=10)
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "q3: 0 of 1 points  not yet"
    assert lines[6] == "So far: 5 of 6 points of the public checks."
    assert "the other 4" in lines[7]
    grading.print_points(None, total=10)
    assert capsys.readouterr().out == ""


def test_an_experiment_never_ends_in_an_error(capsys):
    with grading.experiment("q1", "q2"):
        raise TypeError("no number")
    with grading.experiment("q3", seconds=0.05):
        while True:
            pass
    with grading.experiment("q4"):
        print("done")
    out = capsys.readouterr().out
    assert "needs a right answer to q1 and q2.\nIt stopped with TypeError: no number\n" in out
    assert "needs a right answer to q3.\nIt stopped after 0.05 s\n" in out
    assert out.endswith("done\n")

"""exercises/build.py: the same bytes every time, and a broken master changes nothing."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_raw_cell

ROOT = Path(__file__).parents[2]
NAME = "01_finite_sums"


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".OTTER_LOG"
    }


def test_the_committed_student_folder_is_what_the_master_gives(assigned):
    committed = files(ROOT / "exercises" / "student" / NAME)
    assert files(assigned / "student") == committed, "run `make exercises` and commit the result"


def test_a_rebuild_gives_the_same_bytes(builder, assigned, tmp_path):
    builder._assign(ROOT / "exercises" / f"{NAME}.ipynb", tmp_path)
    assert files(tmp_path / "student") == files(assigned / "student")
    assert (tmp_path / "autograder.zip").read_bytes() == (assigned / "autograder.zip").read_bytes()
    notebook = f"autograder/{NAME}.ipynb"
    assert (tmp_path / notebook).read_bytes() == (assigned / notebook).read_bytes()


def test_every_master_has_its_student_folder():
    masters = {path.stem for path in (ROOT / "exercises").glob("[0-9][0-9]_*.ipynb")}
    folders = {path.name for path in (ROOT / "exercises" / "student").iterdir()}
    assert masters == folders


# a small exercise: one question, no import that takes time

CELLS = {
    "config": "# ASSIGNMENT CONFIG\ninit_cell: false\nexport_cell: false\ntests:\n  files: true\n"
    "  ok_format: false",
    "set-up": 'import otter\n\ngrader = otter.Notebook(tests_dir="tests")',
    "begin": "# BEGIN QUESTION\nname: q1",
    "solution-begin": "# BEGIN SOLUTION",
    "solution": "answer = 42  # SOLUTION",
    "solution-end": "# END SOLUTION",
    "tests-begin": "# BEGIN TESTS",
    "test": "def test_answer(answer):\n    assert answer == 42, 'answer must be 42'",
    "tests-end": "# END TESTS",
    "end": "# END QUESTION",
}


# what does not depend on the checks need not wait for otter
NO_OTTER = """from types import SimpleNamespace


class grader:
    check = print
    check_all = staticmethod(lambda: SimpleNamespace(total=1, possible=1))"""


def write_master(path, **changes):
    cells = []
    for key, source in (CELLS | {k.replace("_", "-"): v for k, v in changes.items()}).items():
        new = new_code_cell if key in ("set-up", "solution", "test") else new_raw_cell
        if source is not None:
            cells.append(new(source, id=key))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)


@pytest.fixture
def small(tmp_path):
    """(master, student, autograder) of a small exercise; the student folder is an old one."""
    student = tmp_path / "student"
    (student / "09_small").mkdir(parents=True)
    (student / "09_small" / "old.txt").write_text("old")
    return tmp_path / "09_small.ipynb", student, tmp_path / "autograder"


def test_a_master_is_built_once_and_again_when_anything_changed(builder, small, monkeypatch):
    master, student, autograder = small
    write_master(master, set_up=NO_OTTER)
    assert builder.build(*small)
    assert files(student).keys() == {"09_small/09_small.ipynb", "09_small/tests/q1.py"}
    assert sorted(path.name for path in autograder.iterdir()) == [
        "09_small-solution.ipynb",
        "09_small.stamp",
        "09_small.zip",
    ]
    assert not builder.build(*small)
    before = files(student)
    monkeypatch.setattr(builder, "_run_solution", lambda *args: None)
    (student / "09_small" / "tests" / "q1.py").write_text("changed by hand")
    shutil.rmtree(autograder)
    assert builder.build(*small)
    assert files(student) == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"solution": "answer = = 42"}, ["cell 5 (solution), line 1: SyntaxError: invalid syntax"]),
        (
            {"solution": "# BEGIN SOLUTION\nanswer = 42"},
            ["cell 5 (solution): BEGIN SOLUTION without END SOLUTION"],
        ),
        ({"begin": "# BEGIN QUESTION\npoints: 2"}, ["Question name not specified"]),
        (
            {"solution_end": None},
            ["begin tests cell inside a solution", "(question q1, cell number 6)"],
        ),
        ({"test": "answer == 42"}, ["Error in question q1: an exception-based test cell"]),
        (
            {"solution": "answer = undefined  # SOLUTION", "set_up": NO_OTTER},
            ["cell 2 of the solution notebook (answer = undefined  # SOLUTION): NameError"],
        ),
        ({"solution": "answer = 41  # SOLUTION"}, ["does not get all points", "must be 42"]),
    ],
)
def test_a_broken_master_is_named_with_its_cell_and_changes_nothing(builder, small, changes, words):
    master, student, autograder = small
    write_master(master, **changes)
    with pytest.raises(builder.BrokenExercise) as error:
        builder.build(*small)
    assert str(error.value).startswith("09_small.ipynb")
    for word in words:
        assert word in str(error.value)
    assert files(student) == {"09_small/old.txt": b"old"}
    assert files(autograder) == {}


def test_a_master_that_is_no_notebook_is_named(builder, small):
    small[0].write_text("{ not json")
    with pytest.raises(builder.BrokenExercise, match=r"^09_small.ipynb: not a valid notebook"):
        builder.build(*small)


def test_an_endless_solution_is_named(builder, small, monkeypatch):
    monkeypatch.setattr(builder, "CELL_SECONDS", 3)
    endless = "answer = 42  # SOLUTION\nwhile True:\n    pass"
    write_master(small[0], set_up=NO_OTTER, solution=endless)
    with pytest.raises(builder.BrokenExercise, match=r"cell 2 .*still running after 3 s"):
        builder.build(*small)


def test_the_command_reports_a_broken_master_and_fails(builder, small, monkeypatch, capsys):
    write_master(small[0], solution="answer = = 42")
    monkeypatch.setattr(builder, "HERE", small[0].parent)
    assert builder.main() == 1
    assert "09_small.ipynb, cell 5" in capsys.readouterr().err

"""Every lecture: linted, normalized, and executed with each cell compared strictly by nbval."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import lint
import nbformat
import pytest
import refresh

ROOT = Path(__file__).parents[2]
LECTURES = sorted((ROOT / "lectures").glob("[0-9]*.ipynb"))
CLAIMS = {  # which of the slides' claims a lecture settles; what is missing is cited, in words
    "01": range(1, 6),
    "02": range(6, 12),
    "03": {12, 13, 14, 16, 17, 18, 19},
    "04": {20, 21, 23, 24, 25, 26},
    "05": range(27, 32),
    "06": {32},
    "09": range(41, 49),
    "10": range(49, 53),
    "11": {53},
    "12": range(54, 65),
}
CITED = {"03": {15}, "04": {22}, "09": {40}}  # a markdown cell with the tag claim-NN
IGNORED_SHARE = {"11": 0.6}  # lecture 11 times networks; the others keep lint's default
# What differs between two runs of the same code, besides numbers.
SANITIZE = """\
[addresses]
regex: 0x[0-9a-f]+
replace: ADDRESS
[cell files]
regex: ipykernel_\\d+/\\d+
replace: CELL
"""


def nbval(path: Path, sanitize: Path) -> subprocess.CompletedProcess:
    """pytest --nbval on one notebook, in a process of its own: strict, one thread, own settings."""
    sanitize.write_text(SANITIZE)
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-cell-timeout=240"]
    command += [f"--nbval-sanitize-with={sanitize}", "--rootdir", str(path.parent), "-q"]
    command += ["-c", os.devnull, "-p", "no:xdist", "-p", "no:cacheprovider", str(path)]
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    return subprocess.run(command, env=kept | one, capture_output=True, text=True, timeout=600)


@pytest.fixture(params=LECTURES, ids=lambda path: path.stem)
def path(request) -> Path:
    return request.param


def test_there_are_lectures():
    assert LECTURES


def test_nbval(path, tmp_path):
    run = nbval(path, tmp_path / "sanitize.ini")
    assert run.returncode == 0, run.stdout + run.stderr


def test_lint(path):
    share = IGNORED_SHARE.get(path.name[:2], lint.IGNORED_SHARE)
    assert lint.problems(nbformat.read(path, as_version=4), share) == []


def test_normalized(path):
    assert refresh.is_normalized(path), "run make refresh"


def test_the_claims_of_the_lecture_are_settled(path):
    settled = {record["claim"] for record in lint.records(nbformat.read(path, as_version=4))}
    assert settled == set(CLAIMS[path.name[:2]])


def test_the_cited_claims_of_the_lecture_are_tagged(path):
    cells = nbformat.read(path, as_version=4).cells
    tags = {t for c in cells if c.cell_type == "markdown" for t in c.metadata.get("tags", [])}
    assert tags == {f"claim-{claim}" for claim in CITED.get(path.name[:2], ())}


# Must fail when a fault is planted: a figure without alt text, a cell that raises, one that was
# never executed.


def figure(notebook):
    return next(c for c in lint.code_cells(notebook) if c.metadata.get("mystnb"))


def without_alt(notebook):
    del figure(notebook).metadata["mystnb"]


def never_executed(notebook):
    lint.code_cells(notebook)[3].update(execution_count=None, outputs=[])


def raises(notebook):
    cell = lint.code_cells(notebook)[3]
    cell.source = "1 / 0"
    cell.outputs = [nbformat.v4.new_output("error", ename="ZeroDivisionError", evalue="zero")]


@pytest.mark.parametrize(
    ("plant", "message"),
    [
        (without_alt, "alt text has 0 characters"),
        (never_executed, "never executed"),
        (raises, "raises ZeroDivisionError"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_fault_planted_in_a_copy_is_found(plant, message):
    notebook = nbformat.read(LECTURES[0], as_version=4)
    plant(notebook)
    assert any(message in problem for problem in lint.problems(notebook))


def test_nbval_fails_on_a_cell_that_raises_and_on_another_number(tmp_path):
    notebook = nbformat.read(LECTURES[0], as_version=4)
    notebook.cells = [nbformat.v4.new_code_cell("print(1)"), nbformat.v4.new_code_cell("1 / 0")]
    for count, cell in enumerate(notebook.cells, start=1):
        cell.execution_count = count
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", name="stdout", text="2\n")]
    nbformat.write(notebook, tmp_path / "copy.ipynb")
    run = nbval(tmp_path / "copy.ipynb", tmp_path / "sanitize.ini")
    assert run.returncode == 1
    assert re.search(r"\b2 failed|1 failed, 1 xfailed", run.stdout), run.stdout


# The first cell: what a reader sees where the package is missing.


def first_cell(colab: bool, status: int, monkeypatch) -> list:
    """Run the install cell of lecture 1 as if adaopt were missing; returns pip's commands."""
    commands = []

    def pip(command, **_):
        commands.append(command)
        return SimpleNamespace(returncode=status, stderr="no network")

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(subprocess, "run", pip)
    if colab:
        monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    else:
        monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    exec(lint.code_cells(nbformat.read(LECTURES[0], as_version=4))[0].source, {})
    return commands


def test_in_colab_the_first_cell_installs_the_package(monkeypatch):
    (command,) = first_cell(True, 0, monkeypatch)
    assert command[1:4] == ["-m", "pip", "install"]
    assert re.fullmatch(r"git\+https://github\.com/[\w-]+/adaopt", command[-1])


def test_in_colab_without_network_the_first_cell_shows_what_pip_says(monkeypatch):
    with pytest.raises(RuntimeError, match=r"Could not install git\+https(.|\n)*no network"):
        first_cell(True, 1, monkeypatch)


def test_elsewhere_the_first_cell_says_what_to_do(monkeypatch):
    with pytest.raises(ModuleNotFoundError, match=r"adaopt is missing.*make lab"):
        first_cell(False, 0, monkeypatch)


def test_all_first_cells_are_equal():
    sources = {lint.code_cells(nbformat.read(p, as_version=4))[0].source for p in LECTURES}
    assert len(sources) == 1

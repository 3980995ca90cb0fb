"""Build the student notebook and the autograder of every exercise master.

    python exercises/build.py            # what `make exercises` runs

A master ``exercises/NN_name.ipynb`` becomes

    student/NN_name/                     the notebook without solutions, its checks (committed)
    autograder/NN_name.zip               what `otter run` grades with (not committed)
    autograder/NN_name-solution.ipynb    the solution (not committed)

Everything is built in a temporary folder, the solution is run there and must get all points, and
only then are the results moved into place. The same master gives the same bytes. A master is
skipped when neither it nor anything it depends on has changed.
"""

from __future__ import annotations

import ast
import hashlib
import io
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
import zipfile
from contextlib import redirect_stdout
from importlib.metadata import version
from pathlib import Path

import nbformat

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent / "adaopt"
CELL_SECONDS = 120


class BrokenExercise(Exception):
    """A master that cannot be built; the message names notebook, cell and error."""


def main() -> int:
    failed = False
    for master in sorted(HERE.glob("[0-9][0-9]_*.ipynb")):
        try:
            built = build(master, HERE / "student", HERE / "autograder")
            print(f"{master.stem}: {'built' if built else 'up to date'}")
        except BrokenExercise as error:
            print(f"{error}\nNothing of {master.stem} was changed.", file=sys.stderr)
            failed = True
    return int(failed)


def build(master: Path, student: Path, autograder: Path) -> bool:
    """Build one master into ``student/NAME/`` and ``autograder/NAME*``, unless up to date.

    Returns:
        Whether it was built.

    Raises:
        BrokenExercise: the master is not a valid exercise, or its solution does not get all points.
    """
    name = master.stem
    folder, archive = student / name, autograder / f"{name}.zip"
    solution, stamp = autograder / f"{name}-solution.ipynb", autograder / f"{name}.stamp"
    # what the student's own runs leave beside the notebook does not count as a change
    outputs = [archive, solution, folder / f"{name}.ipynb", folder / "tests"]
    if stamp.is_file() and stamp.read_text() == _digest(master, outputs):
        return False
    _check_cells(master)
    student.mkdir(parents=True, exist_ok=True)
    autograder.mkdir(parents=True, exist_ok=True)
    # beside its destination, so that moving into place is a rename
    with tempfile.TemporaryDirectory(dir=autograder, prefix=f".{name}-") as temporary:
        new = Path(temporary)
        _assign(master, new)
        _run_solution(master, new / "autograder" / f"{name}.ipynb")
        _replace(new / "student", folder, new / "old")
        os.replace(new / "autograder.zip", archive)
        os.replace(new / "autograder" / f"{name}.ipynb", solution)
    stamp.write_text(_digest(master, outputs))
    return True


def _digest(master: Path, outputs: list[Path]) -> str:
    """A hash of all that goes in and all that came out."""
    digest = hashlib.sha256(version("otter-grader").encode())
    sources = [master, Path(__file__), *sorted(PACKAGE.rglob("*.py"))]
    for path in sources + [f for o in outputs for f in (sorted(o.glob("*.py")) or [o])]:
        digest.update(path.name.encode() + b"\0")
        digest.update(path.read_bytes() if path.is_file() else b"absent")
    return digest.hexdigest()


def _check_cells(master: Path) -> None:
    """Find the mistakes of an author that otter reports without naming the cell, or not at all."""
    try:
        notebook = nbformat.read(master, as_version=4)
        nbformat.validate(notebook)
    except Exception as error:
        message = str(error).splitlines()[0]
        raise BrokenExercise(f"{master.name}: not a valid notebook: {message}") from None
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type != "code":
            continue
        if cell.source.count("# BEGIN SOLUTION") != cell.source.count("# END SOLUTION"):
            raise BrokenExercise(
                f"{master.name}, cell {number} ({cell.id}): BEGIN SOLUTION without END SOLUTION "
                "or the reverse"
            )
        try:
            ast.parse(cell.source)
        except SyntaxError as error:
            raise BrokenExercise(
                f"{master.name}, cell {number} ({cell.id}), line {error.lineno}: "
                f"SyntaxError: {error.msg}"
            ) from None


def _assign(master: Path, new: Path) -> None:
    """Run otter assign into ``new`` and take out everything that differs from run to run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from otter.assign import main as assign

        logging.getLogger("otter").setLevel(logging.ERROR)
        # a copy, because otter works in the master's folder
        source = shutil.copy(master, new)
        try:
            with redirect_stdout(io.StringIO()):
                assign(str(source), str(new), no_run_tests=True, no_pdfs=True)
        except Exception as error:
            raise BrokenExercise(f"{master.name}: {type(error).__name__}: {error}") from None
    for kind in ("student", "autograder"):
        _normalize(new / kind / master.name)
    (made,) = (new / "autograder").glob("*.zip")
    _rewrite_zip(made, new / "autograder.zip")
    made.unlink()


def _normalize(path: Path) -> None:
    """Cell ids by position: otter invents new ones each time."""
    notebook = nbformat.read(path, as_version=4)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{path.stem}-{number:02d}"
    nbformat.write(notebook, path)


def _rewrite_zip(made: Path, path: Path) -> None:
    """Sorted, uncompressed and dated 1980: compressors and clocks differ."""
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(path, "w") as new:
        for name in sorted(old.namelist()):
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o644 << 16
            new.writestr(entry, old.read(name))


def _run_solution(master: Path, solution: Path) -> None:
    """Run the solution with all checks, the hidden ones too; it must get all points."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook = nbformat.read(solution, as_version=4)
    points = "results = grader.check_all()\nassert results.total == results.possible, results"
    notebook.cells.append(nbformat.v4.new_code_cell(points))
    resources = {"metadata": {"path": str(solution.parent)}}
    client = NotebookClient(notebook, timeout=CELL_SECONDS, resources=resources)
    try:
        # the kernel's own log is of no use to an author
        client.execute(stderr=subprocess.DEVNULL)
    except CellExecutionError as error:
        number, cell = _first_unfinished(notebook)
        if cell is notebook.cells[-1]:
            raise BrokenExercise(
                f"{master.name}: the solution does not get all points:\n{error.evalue}"
            ) from None
        raise BrokenExercise(
            f"{master.name}, cell {number} of the solution notebook "
            f"({cell.source.splitlines()[0]}): {error.ename}: {error.evalue}"
        ) from None
    except TimeoutError:
        number, cell = _first_unfinished(notebook)
        raise BrokenExercise(
            f"{master.name}, cell {number} of the solution notebook "
            f"({cell.source.splitlines()[0]}): still running after {CELL_SECONDS} s"
        ) from None


def _first_unfinished(notebook: nbformat.NotebookNode) -> tuple[int, nbformat.NotebookNode]:
    """The number and the code cell that raised or never ended."""
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type != "code" or not cell.source:
            continue
        raised = any(output.output_type == "error" for output in cell.outputs)
        if raised or cell.execution_count is None:
            return number, cell
    raise AssertionError("every cell ended")


def _replace(new: Path, folder: Path, old: Path) -> None:
    """Put ``new`` in the place of ``folder``."""
    if folder.exists():
        os.replace(folder, old)
    os.replace(new, folder)


if __name__ == "__main__":
    sys.exit(main())

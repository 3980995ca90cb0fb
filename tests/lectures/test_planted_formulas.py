"""A wrong formula, planted where a lecture's method is computed, fails the lecture's own run."""

import traceback
from pathlib import Path

import lint
import matplotlib
import nbformat
import numpy as np
import pytest

from adaopt.catalog import card
from adaopt.grading.mistakes import MISTAKES, mutated

LECTURES = Path(__file__).parents[2] / "lectures"
PLANTED = {
    "02": ("adagrad", "mean in place of the sum"),
    "03": ("rmsprop", "1 - beta forgotten"),
    "04": ("adam", "m not corrected"),
    "05": ("adamw", "decay in the gradient"),
    "06": ("momentum", "no memory"),
    "09": ("shampoo", "square roots"),
}


def sources(lecture: str) -> list[str]:
    """The code cells that a reader sees: no installing, no plotting."""
    (path,) = LECTURES.glob(f"{lecture}_*.ipynb")
    cells = lint.code_cells(nbformat.read(path, as_version=4))
    return [cell.source for cell in cells if not lint.FOLDED & set(cell.metadata.get("tags", []))]


def plant(key: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the mistake into the class itself; its source still reads as the right one."""
    (mistake,) = [mistake for mistake in MISTAKES[key] if mistake.name == name]
    rule = card(key).numpy_class
    wrong = vars(mutated(key, mistake))[mistake.method]
    wrong.__wrapped__ = getattr(rule, mistake.method)
    monkeypatch.setattr(rule, mistake.method, wrong)


def run(cells: list[str]) -> None:
    namespace = {"__name__": "lecture"}
    for number, source in enumerate(cells):
        exec(compile(source, f"cell {number}", "exec"), namespace)


@pytest.fixture(autouse=True)
def as_in_a_notebook(monkeypatch):
    monkeypatch.chdir(LECTURES)
    with matplotlib.rc_context(), np.printoptions():
        yield


@pytest.mark.parametrize("lecture", PLANTED)
def test_a_planted_formula_fails_and_without_it_the_same_cells_pass(lecture, monkeypatch):
    cells = sources(lecture)
    with monkeypatch.context() as fault:
        plant(*PLANTED[lecture], fault)
        with pytest.raises(AssertionError) as failure:
            run(cells)
    frames = traceback.extract_tb(failure.tb)
    failed = max(int(f.filename[5:]) for f in frames if f.filename.startswith("cell "))
    assert Path(frames[-1].filename).name in (f"cell {failed}", "claims.py")  # not a library's own
    run(cells[: failed + 1])

"""The architecture of the package: what imports what, what an import costs, how large it is."""

import ast
import doctest
import inspect
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from adaopt import catalog

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "adaopt"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Imports point downwards only: a module of a lower room knows none of the upper ones.
LOWER = ("numpy", "torch", "linalg", "nn", "data", "problems", "schedules", "catalog", "ranges")
UPPER = ("figures", "widgets", "grading", "memory", "cli")


def imported_names(path: Path) -> set[str]:
    """Every dotted name that a module imports, at the top or inside a function."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", [m for m in MODULES if room(m) in LOWER], ids=str)
def test_imports_point_downwards(path):
    upwards = [n for n in imported_names(path) for u in UPPER if n.startswith(f"adaopt.{u}")]
    assert upwards == []


@pytest.mark.parametrize("path", [m for m in MODULES if room(m) == "numpy"], ids=str)
def test_reading_edition_knows_no_torch(path):
    wrong = [n for n in imported_names(path) if n.split(".")[0] == "torch" or "adaopt.torch" in n]
    assert wrong == []


@pytest.mark.parametrize(
    "statement, heavy",
    [
        ("import adaopt", {"torch", "matplotlib", "numpy", "sklearn"}),
        ("import adaopt.catalog, adaopt.cli", {"torch", "matplotlib"}),
        ("import adaopt.numpy, adaopt.problems", {"torch", "matplotlib", "sklearn"}),
        ("import adaopt.schedules, adaopt.training", {"torch", "matplotlib", "sklearn"}),
        ("import adaopt.data, adaopt.claims", {"torch", "matplotlib"}),
        ("import adaopt.grading, tests.proof", {"torch", "matplotlib"}),
    ],
)
def test_import_leaves_heavy_libraries_alone(statement, heavy):
    code = f"{statement}\nimport sys\nprint(sorted({heavy!r} & set(sys.modules)))"
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == "[]"


def code_lines(path: Path) -> int:
    """Lines of a module that hold code: no docstrings, comments or blank lines."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return len(ast.unparse(tree).splitlines())


@pytest.mark.parametrize("folder, most", [("numpy", 1050), ("torch", 2650), (".", 9000)])
def test_small_stays_small(folder, most):
    assert sum(map(code_lines, (PACKAGE / folder).rglob("*.py"))) <= most


@pytest.mark.parametrize("path", [m for m in MODULES if room(m) in ("numpy", "torch")], ids=str)
def test_files_can_be_read_in_one_sitting(path):
    """Rules are short; their base, the engine and the functions of matrices may be longer."""
    most = 400 if path.parent.name == "engine" or path.name == "rule.py" else 120
    if path.parent.name == "matrix" or path.name == "matrix.py":
        most = 250
    assert len(path.read_text().splitlines()) <= most


@pytest.mark.parametrize("key", catalog.CARDS)
def test_a_rule_reads_as_its_formula(key):
    card = catalog.CARDS[key]
    for formula in (card.numpy_class.update, card.torch_class.rule):
        (function,) = ast.parse(textwrap.dedent(inspect.getsource(formula))).body
        function.decorator_list = []
        assert len(ast.unparse(function).splitlines()) - 1 <= 14


def test_every_card_names_a_class_of_both_editions():
    for card in catalog.CARDS.values():
        assert card.numpy_class.__name__ == card.torch_class.__name__ == card.class_name


def test_cards_are_told_apart_by_colour_or_line():
    looks = [(card.color, card.linestyle) for card in catalog.CARDS.values()]
    assert len(set(looks)) == len(looks)


def test_the_readme_prints_what_it_says():
    result = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert result.attempted >= 4
    assert result.failed == 0


def test_requirements_are_pinned_exactly():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert "torch==2.13.0" in pins
    for pin in pins:
        name, version = pin.split(";")[0].strip().split("==")
        assert "+" not in version, f"{pin}: a local version suffix"
        assert not name.lower().startswith(("nvidia-", "triton")), f"{pin}: torch brings its own"

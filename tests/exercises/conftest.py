"""Exercise 1, built once for the tests in a folder of its own."""

import importlib
import importlib.util
import warnings
import zipfile
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
NAME = "01_finite_sums"


@pytest.fixture(scope="session")
def builder() -> ModuleType:
    """exercises/build.py as a module."""
    spec = importlib.util.spec_from_file_location("build", ROOT / "exercises" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with warnings.catch_warnings():
        # otter's dependencies warn when they are imported; imported here once, they are silent
        warnings.simplefilter("ignore")
        importlib.import_module("otter.assign")
        importlib.import_module("otter.execute.preprocessor")
    return module


@pytest.fixture(scope="session")
def assigned(builder, tmp_path_factory) -> Path:
    """What otter makes of the master: student/, autograder/ and autograder.zip."""
    folder = tmp_path_factory.mktemp("assigned")
    builder._assign(ROOT / "exercises" / f"{NAME}.ipynb", folder)
    return folder


@pytest.fixture(scope="session")
def checks(assigned) -> Path:
    """The folder of all checks, the hidden ones included, as the autograder has them."""
    folder = assigned / "checks"
    with zipfile.ZipFile(assigned / "autograder.zip") as archive:
        archive.extractall(folder)
    return folder / "tests"


@pytest.fixture(scope="session")
def solution(assigned) -> nbformat.NotebookNode:
    """The solution notebook."""
    return nbformat.read(assigned / "autograder" / f"{NAME}.ipynb", as_version=4)


@pytest.fixture(scope="session")
def answers(solution) -> dict:
    """The names that the solution's cells define, the experiments left out."""
    names: dict = {}
    for cell in solution.cells:
        tagged = "otter_assign_solution_cell" in cell.metadata.get("tags", [])
        if tagged or cell.source.startswith("import numpy"):
            source = cell.source.replace("import numpy as np", SETTING)
            exec(compile(source, cell.id, "exec"), names)
    return names


SETTING = "import numpy as np\nfrom adaopt import problems"

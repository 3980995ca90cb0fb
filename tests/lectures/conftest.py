"""`lint` and `book/refresh.py` as modules, for the tests of this folder."""

import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).parent


def load(name: str, path: Path) -> None:
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


load("lint", HERE / "lint.py")
load("refresh", HERE.parents[1] / "book" / "refresh.py")

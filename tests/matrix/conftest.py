"""`known_matrices` as a module, for the tests of this folder."""

import importlib.util
import sys
from pathlib import Path

spec = importlib.util.spec_from_file_location(
    "known_matrices", Path(__file__).parent / "known_matrices.py"
)
sys.modules["known_matrices"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["known_matrices"])

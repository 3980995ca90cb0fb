"""The performance page shows every result of the benchmarks, in the section of its question."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def load():
    path = ROOT / "book" / "_ext" / "adaopt_book.py"
    spec = importlib.util.spec_from_file_location("adaopt_book", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_results_stand_in_their_sections(tmp_path, monkeypatch):
    extension = load()
    for name in ("matrix", "step", "step_cuda"):
        (tmp_path / f"{name}.md").write_text(f"table of {name}\n")
    (tmp_path / "step.png").touch()
    monkeypatch.setattr(extension, "RESULTS", tmp_path)
    source = [(ROOT / "book" / "performance.md").read_text()]
    extension.insert_measurements(None, "book/performance", source)
    step, matrix = source[0].split("## Methods that take a weight as a matrix")
    assert "results/step.png)\n\ntable of step\n\ntable of step_cuda" in step
    assert "table of matrix" in matrix
    assert "![" not in matrix
    assert "<!--" not in source[0]
    other = ["<!-- step -->"]
    extension.insert_measurements(None, "book/intro", other)
    assert other == ["<!-- step -->"]

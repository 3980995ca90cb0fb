"""The page of proof: what is measured again, what a number looks like that is missing or bad."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

NUMBERS = {"methods": {}, "averages": {}}
LION = {
    "settings": [
        {"hyper": {}, "parity": 0.0, "references": {"oracle lion": 2.4e-16}, "bytes": 4.0},
        {"hyper": {"lr": "0.03"}, "parity": 3e-16, "references": {}, "bytes": 4.0},
    ],
    "notes": {"oracle lion": "of | and *"},
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "adaopt").mkdir()
    (tmp_path / "adaopt" / "rule.py").write_text("LR = 1\n")
    (tmp_path / "requirements.txt").write_text("numpy==2.4.6\n")
    return tmp_path


def test_the_methods_are_measured_again_when_the_package_changes(book, project, monkeypatch):
    calls = []
    monkeypatch.setattr(book.proof_page, "measure", lambda: calls.append(1) or NUMBERS)
    cache = project / "book" / "_build" / "proof.json"
    for _ in range(2):
        assert book.proof_page.measured(project, cache) == NUMBERS
    assert len(calls) == 1
    (project / "adaopt" / "rule.py").write_text("LR = 2\n")
    book.proof_page.measured(project, cache)
    (project / "adaopt" / "new.json").write_text("{}")
    book.proof_page.measured(project, cache)
    assert len(calls) == 3


def test_a_mistake_that_escapes_is_said(book):
    from adaopt.grading.mistakes import MISTAKES

    found = {mistake.name: [True, True] for mistake in MISTAKES["lion"]}
    found["ascent"] = [True, False]
    page = book.proof_page.mistakes_list("lion", LION | {"mistakes": found})
    missed = [line for line in page.splitlines() if "Not noticed" in line]
    assert len(missed) == 1
    assert missed[0].startswith("- **ascent**. The step goes up the gradient. Known from [")
    table = book.proof_page.mistakes_table({"lion": LION | {"mistakes": found}})
    assert table.strip().endswith(f"| Lion | {len(found)} | {len(found)} | {len(found) - 1} |")


def test_settings_without_a_reference_are_said(book):
    table = book.proof_page.settings_table("lion", LION)
    assert "| defaults | 0 | 2e-16 oracle lion | 4 |" in table
    assert "| `lr=0.03` | 3e-16 | none covers it | 4 |" in table
    assert "oracle lion: of \\| and \\*" in table


def test_times_are_read_from_the_benchmark_and_else_a_dash(book, project):
    numbers = {"lion": LION, "adam": LION}
    rows = book.proof_page.summary(project, numbers).splitlines()
    assert rows[0] == "| [Lion](#catalog-lion) | 2 | 3e-16 | 2e-16 | 4 | – | – |"
    results = project / "benchmarks" / "results"
    results.mkdir(parents=True)
    row = {"key": "lion", "size": "10M (100 tensors)", "hyper": {}}
    eager = row | {"candidate": "adaopt", "to_foreach": None}
    fused = row | {"candidate": "adaopt fused", "to_fused_by_bytes": 1.043}
    other = fused | {"hyper": {"lr": 1.0}, "to_fused_by_bytes": 9.0}
    (results / "step.json").write_text(json.dumps({"rows": [eager, fused, other]}))
    rows = book.proof_page.summary(project, numbers).splitlines()
    assert rows[0].endswith("| – | 1.04 |")
    assert rows[1].endswith("| – | – |")


def test_a_thread_becomes_a_link(book):
    words = book.proof_page.sources("a course, a-b/c.d_e#12; x_y")
    link = "[a-b/c.d\\_e#12](https://github.com/a-b/c.d_e/issues/12)"
    assert words == f"a course, {link}; x\\_y"

"""What a lecture must be besides correct: `problems(notebook)` lists every fault in words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from nbformat import NotebookNode

SHOWN_LINES = 10
FOLDED_LINES = 20
ALT_LETTERS = 60
IGNORED_SHARE = 0.2
FOLDED = {"hide-input", "hide-cell", "remove-cell"}
IGNORED = {"nbval-ignore-output", "nbval-skip"}
MACHINE_PATH = re.compile(
    r"/home/\w|/Users/\w|/root/|/tmp/|/work/|/usr/|[A-Z]:\\|site-packages|ipykernel_\d"
)
SPAN = re.compile(r'<span class="measured" data-claim="(\d\d)">([^<]*)</span>')
ANY_SPAN = re.compile(r"<span[^>]*measured")


def problems(notebook: NotebookNode, ignored_share: float = IGNORED_SHARE) -> list[str]:
    """Every fault of an executed lecture, each with its cell (counted from 1)."""
    found: list[str] = []
    for number, cell in enumerate(notebook.cells, start=1):
        checks = CODE_CHECKS if cell.cell_type == "code" else MARKDOWN_CHECKS
        found += [f"cell {number}: {fault}" for check in checks for fault in check(cell)]
    found += [fault for check in NOTEBOOK_CHECKS for fault in check(notebook)]
    return found + list(_too_many_ignored(notebook, ignored_share))


def records(notebook: NotebookNode) -> list[dict]:
    """The records of all settled claims, in the order of the page."""
    return [record for cell in code_cells(notebook) for record in _records(cell)]


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def _records(cell: NotebookNode) -> list[dict]:
    found = (output.get("metadata", {}).get("adaopt") for output in cell.outputs)
    return [record for record in found if record]


def _executed(cell: NotebookNode) -> Iterator[str]:
    if cell.execution_count is None:
        yield "never executed (nbval would compare nothing)"


def _errors(cell: NotebookNode) -> Iterator[str]:
    for output in cell.outputs:
        if output.output_type == "error":
            yield f"raises {output.ename}: {output.evalue}"
        if output.output_type == "stream" and output.name == "stderr":
            yield "writes to stderr (a warning?)"


def _paths(cell: NotebookNode) -> Iterator[str]:
    texts = [cell.source]
    for output in cell.get("outputs", []):
        texts.append(output.get("text", ""))
        texts += [v for k, v in output.get("data", {}).items() if k.startswith("text/")]
    for text in texts:
        if match := MACHINE_PATH.search(text):
            yield f"a path of the machine: {match.group()!r}"


def _timing(cell: NotebookNode) -> Iterator[str]:
    if {"execution", "ExecuteTime"} & set(cell.metadata):
        yield "timing metadata"


def _semicolon(cell: NotebookNode) -> Iterator[str]:
    if cell.source.rstrip().endswith(";"):
        yield "ends with ';', which nbval does not honour"


def _length(cell: NotebookNode) -> Iterator[str]:
    lines = [line for line in cell.source.split("\n") if line.strip()]
    limit = FOLDED_LINES if _tags(cell) & FOLDED else SHOWN_LINES
    if len(lines) > limit:
        yield f"{len(lines)} lines (at most {limit})"


def _alt_text(cell: NotebookNode) -> Iterator[str]:
    if not any("image/png" in output.get("data", {}) for output in cell.outputs):
        return
    alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
    if len(alt) < ALT_LETTERS:
        yield f"a figure whose alt text has {len(alt)} characters (at least {ALT_LETTERS})"
    if not _tags(cell) & FOLDED:
        yield "plotting code that is not folded (tag hide-input)"


def _ignored_needs_assertion(cell: NotebookNode) -> Iterator[str]:
    if "nbval-skip" in _tags(cell) or re.search(r"#\s*(NBVAL|PYTEST_VALIDATE)_", cell.source):
        yield "skipped, or ignored by a comment: use the tag nbval-ignore-output"
    if _tags(cell) & IGNORED and not _asserts(cell.source):
        yield "ignored by nbval, and asserts nothing"


def _asserts(source: str) -> bool:
    nodes = list(ast.walk(ast.parse(source)))
    settles = (isinstance(n, ast.Call) and getattr(n.func, "id", "") == "settle" for n in nodes)
    return any(isinstance(node, ast.Assert) for node in nodes) or any(settles)


def _claims(cell: NotebookNode) -> Iterator[str]:
    tagged = {int(tag[6:]) for tag in _tags(cell) if re.fullmatch(r"claim-\d\d", tag)}
    settled = {record["claim"] for record in _records(cell)}
    if tagged != settled:
        yield f"tagged for claims {sorted(tagged)}, settles {sorted(settled)}"
    for record in _records(cell):
        if not record["low"] <= record["value"] <= record["high"]:
            yield f"claim {record['claim']} is recorded outside its band"


def _first_cell(notebook: NotebookNode) -> Iterator[str]:
    cells = code_cells(notebook)
    if not cells:
        yield "no code cell"
        return
    if not _tags(cells[0]) & FOLDED or "pip" not in cells[0].source:
        yield "the first code cell must be folded and install the package in Colab"
    if cells[0].outputs:
        yield "the first code cell prints something"


def _measured_numbers(notebook: NotebookNode) -> Iterator[str]:
    values: dict[int, list[float]] = {}
    for record in records(notebook):
        values.setdefault(record["claim"], []).append(record["value"])
    for number, cell in enumerate(notebook.cells, start=1):
        spans = SPAN.findall(cell.source)
        if len(ANY_SPAN.findall(cell.source)) != len(spans):
            yield f"cell {number}: a malformed span of a measured number"
        for claim, typed in spans:
            if not any(_equal_as_typed(typed, value) for value in values.get(int(claim), [])):
                recorded = values.get(int(claim), "nothing")
                yield f"cell {number}: typed {typed!r} for claim {claim}, recorded {recorded}"


def _equal_as_typed(typed: str, value: float) -> bool:
    """Whether ``value``, rounded to the digits that were typed, is the number typed."""
    try:
        number = Decimal(typed)
        return Decimal(value).quantize(Decimal((0, (1,), number.as_tuple().exponent))) == number
    except InvalidOperation:
        return False


def _too_many_ignored(notebook: NotebookNode, share: float) -> Iterator[str]:
    cells = code_cells(notebook)
    ignored = sum(bool(_tags(cell) & IGNORED) for cell in cells)
    if ignored > share * len(cells):
        yield f"{ignored} of {len(cells)} code cells are ignored by nbval (at most {share:.0%})"


CODE_CHECKS = (
    _executed,
    _errors,
    _paths,
    _timing,
    _semicolon,
    _length,
    _alt_text,
    _ignored_needs_assertion,
    _claims,
)
MARKDOWN_CHECKS = (_paths,)
NOTEBOOK_CHECKS = (_first_cell, _measured_numbers)

"""Execute and normalize the lectures, so that a diff shows what changed.

    python book/refresh.py              every lecture
    python book/refresh.py NOTEBOOK     this one
    python book/refresh.py --check      execute nothing, only verify

A lecture whose execution fails keeps its old file. Two runs give the same
bytes, except where a cell shows a clock.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import os
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

LECTURES = Path(__file__).parents[1] / "lectures"
CELL_SECONDS = 60
# One thread: sums of floats then run in the same order on every machine.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}
WIDGET = "application/vnd.jupyter.widget"
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class ExecutionFailed(Exception):
    """A cell raised, ran too long or killed the kernel."""


def execute(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """The notebook executed in ``folder`` by a fresh kernel."""
    executed = copy.deepcopy(notebook)
    for cell in executed.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    started: list[int] = []
    client = NotebookClient(
        executed,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        resources={"metadata": {"path": str(folder)}},
        on_cell_start=lambda cell, cell_index: started.append(cell_index),
    )
    try:
        client.execute(env={**os.environ, **ENVIRONMENT})
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        place = f"cell {started[-1] + 1} of {len(executed.cells)}" if started else "the kernel"
        raise ExecutionFailed(f"{place} failed.\n{ANSI.sub('', str(error))}") from error
    return executed


def normalize(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without what depends on the editor or the run."""
    result = copy.deepcopy(notebook)
    result.metadata = nbformat.from_dict(METADATA)
    result.nbformat, result.nbformat_minor = 4, 5
    seen: dict[str, int] = {}
    for cell in result.cells:
        cell.source = "\n".join(line.rstrip() for line in cell.source.strip("\n").split("\n"))
        cell.id = _cell_id(cell, seen)
        cell.metadata = _cell_metadata(cell)
        cell.pop("attachments", None)
        if cell.cell_type == "code":
            cell.outputs = _outputs(cell.outputs)
    return result


def dumps(notebook: nbformat.NotebookNode) -> str:
    """How a lecture is written: sorted keys, one trailing newline."""
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def is_normalized(path: Path) -> bool:
    """Whether the file's bytes are those that `refresh` would write."""
    text = path.read_text(encoding="utf-8")
    return dumps(normalize(nbformat.reads(text, as_version=4))) == text


def _cell_id(cell: nbformat.NotebookNode, seen: dict[str, int]) -> str:
    """An id made from the source, unique when two cells are equal."""
    digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
    seen[digest] = seen.get(digest, 0) + 1
    return digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


def _cell_metadata(cell: nbformat.NotebookNode) -> nbformat.NotebookNode:
    kept = {key: cell.metadata[key] for key in ("mystnb",) if key in cell.metadata}
    tags = sorted(set(cell.metadata.get("tags", [])))
    if tags:
        kept["tags"] = tags
    if cell.cell_type == "code" and {"hide-input", "hide-cell", "remove-cell"} & set(tags):
        kept["jupyter"] = {"source_hidden": True}  # what the book folds is folded in JupyterLab too
    return nbformat.from_dict(kept)


def _outputs(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Without widget views (random ids), and equal streams joined."""
    kept: list[nbformat.NotebookNode] = []
    for output in outputs:
        if "data" in output:
            output.data = {k: v for k, v in output.data.items() if not k.startswith(WIDGET)}
            output.metadata = {k: v for k, v in output.metadata.items() if k == "adaopt"}
            if not output.data:
                continue
        if output.output_type == "stream" and kept and kept[-1].get("name") == output.name:
            kept[-1].text += output.text
            continue
        kept.append(output)
    return kept


def refresh(path: Path) -> str | None:
    """Execute and normalize a lecture; what went wrong, or None."""
    notebook = nbformat.read(path, as_version=4)
    try:
        executed = execute(notebook, path.parent)
    except ExecutionFailed as error:
        return f"{path}: not changed, because {error}"
    beside = path.with_suffix(".tmp")
    beside.write_text(dumps(normalize(executed)), encoding="utf-8")
    os.replace(beside, path)
    return None


def check(path: Path) -> str | None:
    """What is wrong with the form of a lecture, or None."""
    return None if is_normalized(path) else f"{path}: not normalized (make refresh)"


def main(arguments: list[str] | None = None) -> int:
    """The command line; the exit status is 1 if a lecture failed."""
    parser = argparse.ArgumentParser(description="Execute and normalize the lectures in place.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: every lecture")
    parser.add_argument("--check", action="store_true", help="execute nothing, only verify")
    options = parser.parse_args(arguments)
    paths = options.notebooks or sorted(LECTURES.glob("[0-9]*.ipynb"))
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        parser.error(f"no such notebook: {', '.join(missing)}")
    done = "normalized" if options.check else "refreshed"
    failed = False
    for path in paths:
        trouble = check(path) if options.check else refresh(path)
        failed |= trouble is not None
        print(trouble or f"{path}: {done}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

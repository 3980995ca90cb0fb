"""`make refresh`: what it writes, what it leaves alone, and what it says when a cell fails."""

import json

import nbformat
import pytest
import refresh
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output


@pytest.fixture
def write(tmp_path):
    def write(*sources, name="01_test.ipynb"):
        cells = [new_code_cell(source) for source in sources]
        path = tmp_path / name
        nbformat.write(new_notebook(cells=[new_markdown_cell("# Test"), *cells]), path)
        return path

    return write


def test_executes_in_its_own_folder_and_is_idempotent(write, capsys):
    path = write("import os\nprint(os.listdir())  ", "print('a')\nprint('b')\n1 + 1")
    assert refresh.main([str(path)]) == 0
    first = path.read_bytes()
    assert refresh.main([str(path)]) == 0
    assert path.read_bytes() == first
    assert first.endswith(b"}\n") and not first.endswith(b"\n\n")
    assert refresh.is_normalized(path)
    cells = json.loads(first)["cells"]
    assert cells[1]["outputs"][0]["text"] == ["['01_test.ipynb']\n"]
    assert [cell["execution_count"] for cell in cells[1:]] == [1, 2]
    assert capsys.readouterr().out == f"{path}: refreshed\n" * 2


def test_a_failing_cell_leaves_the_file_and_shows_cell_and_traceback(write, capsys):
    path = write("x = 1", "def f():\n    raise ValueError('seven')\nf()")
    before = path.read_bytes()
    assert refresh.main([str(path)]) == 1
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    out = capsys.readouterr().out
    assert f"{path}: not changed, because cell 3 of 3 failed." in out
    assert "raise ValueError('seven')" in out and "ValueError: seven" in out
    assert "\x1b" not in out


def test_a_cell_that_never_ends_is_stopped(write, monkeypatch, capsys):
    monkeypatch.setattr(refresh, "CELL_SECONDS", 1)
    path = write("while True: pass")
    assert refresh.main([str(path)]) == 1
    assert "cell 2 of 2 failed" in capsys.readouterr().out


def test_the_other_lectures_are_still_refreshed(write):
    bad = write("1 / 0", name="01_bad.ipynb")
    good = write("print(1)", name="02_good.ipynb")
    assert refresh.main([str(bad), str(good)]) == 1
    assert refresh.is_normalized(good)


def test_normalize_removes_the_traces_of_editor_run_and_machine():
    cell = new_code_cell("x = 1  \n")
    cell.metadata.update(
        {
            "tags": ["hide-input", "b"],
            "execution": {"iopub.status.busy": "2026-01-01T00:00:00Z"},
            "collapsed": False,
            "mystnb": {"image": {"alt": "text"}},
        }
    )
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "random"}}
    cell.outputs = [
        new_output("stream", name="stdout", text="a"),
        new_output("stream", name="stdout", text="b"),
        new_output("display_data", data={"text/plain": "1"}, metadata={"adaopt": 1, "x": 2}),
        new_output("display_data", data=view),
    ]
    notebook = new_notebook(cells=[cell, new_code_cell("x = 1")])
    notebook.metadata = nbformat.from_dict({"language_info": {"version": "3.11.7"}, "widgets": {}})
    result = refresh.normalize(notebook)
    first, second = result.cells
    assert first.source == second.source == "x = 1"
    assert first.id != second.id and second.id == f"{first.id}-2"
    assert first.metadata == {
        "tags": ["b", "hide-input"],
        "mystnb": {"image": {"alt": "text"}},
        "jupyter": {"source_hidden": True},
    }
    assert [output.output_type for output in first.outputs] == ["stream", "display_data"]
    assert first.outputs[0].text == "ab"
    assert first.outputs[1].metadata == {"adaopt": 1}
    assert result.metadata == refresh.METADATA
    assert cell.source == "x = 1  \n", "the argument is not changed"


def test_check_verifies_without_executing(write, capsys):
    path = write("print(1)  ")
    before = path.read_bytes()
    assert refresh.main(["--check", str(path)]) == 1
    assert path.read_bytes() == before
    assert "not normalized (make refresh)" in capsys.readouterr().out
    notebook = refresh.normalize(nbformat.read(path, as_version=4))
    path.write_text(refresh.dumps(notebook), encoding="utf-8")
    assert refresh.main(["--check", str(path)]) == 0


def test_a_missing_notebook_is_named(capsys):
    with pytest.raises(SystemExit) as caught:
        refresh.main(["lectures/99_none.ipynb"])
    assert caught.value.code == 2
    assert "no such notebook: lectures/99_none.ipynb" in capsys.readouterr().err

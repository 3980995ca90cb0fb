"""The lint finds each fault that it is there for, and nothing in a sound notebook."""

import lint
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ALT = (
    "On the diabetes data the gap falls with the short step and grows without bound with the long."
)
RECORD = {"claim": 5, "sentence": "s", "value": 1.046, "low": 0.9, "high": 1.1, "verdict": "true"}


def cell(source, outputs=(), tags=(), **metadata):
    made = new_code_cell(source, execution_count=1, outputs=list(outputs))
    made.metadata = nbformat.from_dict({"tags": list(tags), **metadata})
    return made


def png():
    return new_output("display_data", data={"image/png": "abc", "text/plain": "<Figure>"})


def figure(**change):
    made = cell("_ = draw()", [png()], ["hide-input"], mystnb={"image": {"alt": ALT}})
    made.metadata.update(change)
    return made


def settled(record=RECORD, tags=("claim-05",)):
    output = new_output("display_data", data={"text/plain": "s"}, metadata={"adaopt": record})
    return cell("settle(5, s, v, 0.9, 1.1, 'true')", [output], tags)


def span(text, claim="05"):
    return new_markdown_cell(f'It is <span class="measured" data-claim="{claim}">{text}</span>.')


def notebook(*cells):
    """A sound notebook with these cells added."""
    install = cell("pip", tags=["hide-input"])
    plain = [cell(f"x = {k}") for k in range(8)]
    return new_notebook(cells=[new_markdown_cell("# Title"), install, *plain, *cells])


def test_a_sound_notebook_has_no_problems():
    ignored = cell("assert clock() > 0", tags=["nbval-ignore-output"])
    sound = notebook(figure(), settled(), span("1.05"), span("1.0"), ignored)
    assert lint.problems(sound) == []
    assert [record["value"] for record in lint.records(sound)] == [1.046]


UNEXECUTED = cell("x")
UNEXECUTED.execution_count = None
FAULTS = {
    "never executed": UNEXECUTED,
    "raises ValueError: no": cell("x", [new_output("error", ename="ValueError", evalue="no")]),
    "writes to stderr": cell("x", [new_output("stream", name="stderr", text="w")]),
    "a path of the machine: '/home/a'": cell("open('/home/anna/x')"),
    "a path of the machine: '/tmp/'": cell("x", [new_output("stream", text="in /tmp/y")]),
    "a path of the machine: 'C:\\\\'": new_markdown_cell("in `C:\\data`"),
    "timing metadata": cell("x", execution={"iopub.status.busy": "2026"}),
    "ends with ';'": cell("plot();"),
    "11 lines (at most 10)": cell("\n\n".join(["x = 1"] * 11)),
    "21 lines (at most 20)": cell("\n".join(["x = 1"] * 21), tags=["hide-input"]),
    "alt text has 0 characters": figure(mystnb={}),
    "alt text has 6 characters": figure(mystnb={"image": {"alt": "a plot"}}),
    "not folded": figure(tags=[]),
    "asserts nothing": cell("print(clock())", tags=["nbval-ignore-output"]),
    "use the tag nbval-ignore-output": cell("assert x", tags=["nbval-skip"]),
    "skipped, or ignored by a comment": cell("# NBVAL_IGNORE_OUTPUT\nassert x"),
    "tagged for claims [4], settles [5]": settled(tags=["claim-04"]),
    "tagged for claims [], settles [5]": settled(tags=[]),
    "tagged for claims [4], settles []": cell("x", tags=["claim-04"]),
    "claim 5 is recorded outside its band": settled({**RECORD, "value": 2.0}),
    "typed '1.05' for claim 05, recorded nothing": span("1.05"),
    "a malformed span": new_markdown_cell('<span data-claim="05" class="measured">1</span>'),
}


@pytest.mark.parametrize("message", FAULTS)
def test_each_fault_is_found_and_nothing_else(message):
    (problem,) = lint.problems(notebook(FAULTS[message]))
    assert message in problem


@pytest.mark.parametrize("typed", ["1.06", "1.040", "1", "1.046e1", "about one", "nan"])
def test_a_typed_number_must_equal_the_recorded_one_at_its_digits(typed):
    problems = lint.problems(notebook(settled(), span(typed)))
    expected = [] if typed == "1" else [f"cell 12: typed {typed!r} for claim 05, recorded [1.046]"]
    assert problems == expected


def test_only_a_share_of_the_cells_may_be_ignored():
    ignored = [cell("assert True", tags=["nbval-ignore-output"]) for _ in range(3)]
    message = "3 of 12 code cells are ignored by nbval (at most 20%)"
    assert lint.problems(notebook(*ignored)) == [message]
    assert lint.problems(notebook(*ignored), ignored_share=0.6) == []


def test_the_first_code_cell_installs_and_is_folded_and_silent():
    message = "the first code cell must be folded and install the package in Colab"
    bare = new_notebook(cells=[cell("import numpy")])
    assert lint.problems(bare) == [message]
    loud = notebook()
    loud.cells[1].outputs = [new_output("stream", name="stdout", text="done")]
    assert lint.problems(loud) == ["the first code cell prints something"]
    assert lint.problems(new_notebook(cells=[])) == ["no code cell"]

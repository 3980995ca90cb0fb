"""`settle` prints the sentence, holds the band, and leaves the record in a notebook's output."""

import nbformat
import pytest
from nbclient import NotebookClient

from adaopt.claims import settle

SENTENCE = "The floor is {value:.2f} of the prediction."


def test_the_sentence_is_printed_with_the_value(capsys):
    settle(5, SENTENCE, 1.046, 0.9, 1.1, "incomplete")
    assert capsys.readouterr().out == "The floor is 1.05 of the prediction.\n"


def test_a_sentence_about_rounding_may_name_the_bound(capsys):
    settle(4, "The bias is below {high:.0e}.", 3e-16, 0, 1e-12, "true", kind="derived")
    assert capsys.readouterr().out == "The bias is below 1e-12.\n"


@pytest.mark.parametrize("value", [0.9, 1.0, 1.1])
def test_the_band_includes_its_ends(value, capsys):
    settle(5, SENTENCE, value, 0.9, 1.1, "true")
    assert f"{value:.2f}" in capsys.readouterr().out


@pytest.mark.parametrize("value", [0.8999, 1.1001, float("nan"), float("inf")])
def test_outside_the_band_names_value_and_band_and_prints_nothing(value, capsys):
    with pytest.raises(AssertionError) as caught:
        settle(5, SENTENCE, value, 0.9, 1.1, "true")
    assert str(caught.value) == f"Claim 5: {value:.6g} is outside [0.9, 1.1]"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"number": 0}, "Invalid claim number: 0"),
        ({"number": 65}, "Invalid claim number: 65"),
        ({"number": True}, "Invalid claim number: True"),
        ({"number": "05"}, "Invalid claim number: '05'"),
        ({"sentence": "No number here."}, "needs {value} or {high}"),
        ({"sentence": "{value} and {other}"}, "needs {value} or {high}"),
        ({"low": 2}, r"Invalid band: [2, 1.1]"),
        ({"high": float("inf")}, "Invalid band: [0.9, inf]"),
        ({"verdict": "maybe"}, "Invalid verdict: 'maybe'"),
        ({"kind": "cited"}, "Invalid kind: 'cited'"),
    ],
)
def test_bad_arguments_are_named(change, message):
    good = dict(number=5, sentence=SENTENCE, value=1.0, low=0.9, high=1.1, verdict="true")
    with pytest.raises(ValueError) as caught:
        settle(**(good | change))
    assert message in str(caught.value)


def test_in_a_notebook_the_output_carries_the_record():
    source = (
        "from adaopt.claims import settle\n"
        "settle(5, 'The floor is {value:.2f}.', 1.046, 0.9, 1.1, 'incomplete')"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    (output,) = notebook.cells[0].outputs
    assert output.data == {"text/plain": "The floor is 1.05."}
    assert output.metadata["adaopt"] == {
        "claim": 5,
        "sentence": "The floor is 1.05.",
        "value": 1.046,
        "low": 0.9,
        "high": 1.1,
        "verdict": "incomplete",
        "kind": "measured",
    }

"""The page on choosing an optimizer: every marked number stands in the source that it names."""

import re
from pathlib import Path

import nbformat
import pytest
import torch

from adaopt.catalog import CARDS, WRAPPERS
from adaopt.nn import MLP, mse_loss

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "book" / "choose.md").read_text(encoding="utf-8")
SPANS = re.findall(r'<span class="measured" data-from="([^"]+)">([^<]+)</span>', PAGE)


@pytest.fixture(scope="module")
def printed() -> str:
    """All that the cells of lecture 6 print."""
    notebook = nbformat.read(ROOT / "lectures" / "06_zoo.ipynb", as_version=4)
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    return "\n".join(o.text for o in outputs if o.output_type == "stream")


def row(printed: str, label: str, pattern: str) -> list[str]:
    """What the pattern finds in the one line that begins with the label and matches."""
    lines = [line for line in printed.splitlines() if line.startswith(f"{label} ")]
    found = [re.findall(pattern, line) for line in lines]
    (values,) = [values for values in found if len(values) == 4]
    return values


def numbers(source: str, printed: str) -> list[str]:
    """The numbers that a source gives, as they are written there."""
    kind, _, name = source.partition(": ")
    if kind == "worst":
        return row(printed, name, r"(?<= )\d+\.\d(?![\d)])(?= |$)")[-1:]
    if kind in ("least rate", "largest rate"):
        rates = row(printed, name, r"\(([\d.e-]+)\)")
        return [(min if kind == "least rate" else max)(rates, key=float)]
    if kind == "lion":
        return re.findall(rf"Lion, beta2 = {re.escape(name)}: ([\d.]+) ", printed)
    key, _, keyword = name.partition(" ")
    card = (CARDS | WRAPPERS)[key]
    if kind == "algoperf":
        return re.findall(r"0\.\d{4}", card.algoperf)
    if kind == "state":
        return [str(card.state_bytes)]
    assert kind == "default"
    return [str(h.default) for h in card.hyper if h.name == keyword]


def test_there_are_marked_numbers_and_none_is_malformed():
    assert len(SPANS) > 25
    assert PAGE.count("measured") == len(SPANS)


@pytest.mark.parametrize(("source", "typed"), SPANS, ids=str)
def test_a_number_stands_in_its_source(source, typed, printed):
    assert typed in numbers(source, printed)


def test_a_number_that_changes_is_noticed(printed):
    assert "1.3" not in numbers("worst: Adam, cosine", printed)
    assert len(numbers("worst: Adam, cosine", printed)) == 1


def test_the_code_of_the_page_trains_a_model():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    generator, rates = torch.Generator().manual_seed(0), []
    inputs = torch.randn(64, 5, generator=generator)
    targets = inputs.sum(dim=1, keepdim=True)
    model = MLP((5, 16, 1), generator=generator)
    before = mse_loss(model(inputs), targets)

    def batches():
        for _ in range(300):
            yield inputs, targets
            rates.append(names["optimizer"].param_groups[0]["lr"])

    names = {"model": model, "loss": mse_loss, "steps": 300, "batches": batches()}
    exec(code, names)
    assert mse_loss(model(inputs), targets) < before / 2
    assert rates[0] < max(rates) == 1e-3 and rates[-1] == 0


def test_a_number_with_a_decimal_point_is_marked_or_a_hyper_parameter_in_code():
    plain = re.sub(r"```.*?```|<span.*?</span>|`[^`]*`", "", PAGE, flags=re.DOTALL)
    assert re.findall(r"\d\.\d+", plain) == ["0.99", "0.9"]  # the two memories of Lion

"""The command ``adaopt memory``: its table, its JSON, its errors, and what it loads."""

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from adaopt import cli, memory
from adaopt.memory import activations_measured, count_parameters

TINY = ["gpt2", "--layers", "2", "--heads", "2", "--width", "64", "--context", "128"]
TINY += ["--vocabulary", "500"]
ISSUE = ["gpt2-xl", "--batch", "32", "--seq", "1024", "--optimizer", "adamw", "--precision", "fp16"]
ISSUE += ["--zero", "1", "--devices", "64", "--checkpoint", "every-layer"]
ISSUE += ["--device-memory", "32GB"]


def run(capsys, *arguments):
    assert cli.main(["memory", *arguments]) == 0
    return capsys.readouterr().out


def test_the_budget_of_gpt2_xl(capsys):
    printed = run(capsys, *ISSUE)
    for text in ("parameters", "3.12", "11.88", "ZeRO 1 shares it by 64", "It fits into 32.00 GB"):
        assert text in printed
    assert "Largest batch that fits as planned: 32." in printed
    assert "Not counted: fragmentation" in printed


def test_json_has_the_same_numbers_in_bytes(capsys):
    found = json.loads(run(capsys, *ISSUE, "--json"))
    sizes = {line["name"]: line["bytes"] for line in found["lines"]}
    assert sizes["parameters"] == 2 * found["parameters"] == 2 * 1_557_611_200
    measured = activations_measured("gpt2-xl", 32, checkpoint=1).total
    assert sizes["saved activations"] == measured
    assert sum(sizes.values()) == found["total"] <= found["device_memory"] == 32 * 10**9
    assert (found["fits"], found["largest_batch"], found["cheapest"]) == (True, 32, [])
    assert all(line["assumption"] for line in found["lines"])


def test_what_would_make_it_fit(capsys):
    printed = run(capsys, "gpt2-xl", "--device-memory", "29GB")
    assert "It does not fit into 29.00 GB." in printed
    assert re.search(r"Cheapest change that fits: flash attention: 28\.\d\d GB\.", printed)
    printed = run(capsys, "gpt2-xl", "--device-memory", "10GB")
    assert "Largest batch that fits as planned: 0." in printed
    assert "None of the changes fits" in printed


def test_terms_side_by_side(capsys):
    found = json.loads(run(capsys, *TINY, "--batch", "3", "--terms", "--json"))
    terms = {t["term"]: (t["formula"], t["measured"]) for t in found["terms"]}
    assert terms["softmax"][0] == terms["softmax"][1] == 2 * 2 * 3 * 2 * 128 * 128
    assert terms["normalization statistics"][0] == 0 < terms["normalization statistics"][1]
    assert "normalization statistics" in run(capsys, *TINY, "--terms")


def test_sizes_of_ones_own(capsys):
    found = json.loads(run(capsys, *TINY, "--json"))
    assert found["parameters"] == 500 * 64 + 128 * 64 + 2 * (12 * 64**2 + 13 * 64) + 2 * 64


def test_a_number_of_parameters(capsys):
    arguments = ["7.5e9", "--zero", "3", "--devices", "64", "--buffer", "0", "--json"]
    assert json.loads(run(capsys, *arguments))["total"] == 1.875e9


def test_the_best_segment(capsys):
    found = json.loads(run(capsys, *TINY, "--checkpoint", "best", "--batch", "8", "--json"))
    assert found["plan"]["checkpoint"] in (1, 2)


@pytest.mark.parametrize("size", ["29.3GiB", "31460635444", "31.5e9", "31500MB", "0.0315TB"])
def test_sizes_are_read_with_units(size, capsys):
    assert 31.4e9 < json.loads(run(capsys, *TINY, "--device-memory", size, "--json"))[
        "device_memory"
    ] < 31.6e9  # fmt: skip


WRONG = {
    "Unknown model 'gpt3'": ["gpt3"],
    "Did you mean 'gpt2-large'": ["gpt2-lage"],
    "Invalid heads: 5. They must divide width": [*TINY, "--heads", "5"],
    "Invalid dropout: 1.5": [*TINY, "--dropout", "1.5"],
    "Unknown optimizer 'adamm'": [*TINY, "--optimizer", "adamm"],
    "Unknown precision 'fp8'": [*TINY, "--precision", "fp8"],
    "Unknown attention 'linear'": [*TINY, "--attention", "linear"],
    "Invalid ZeRO stage: 4": [*TINY, "--zero", "4"],
    "The model's context is 128": [*TINY, "--seq", "999"],
    "Too large: 2.4e+19 parameters": [*TINY, "--width", "1000000000"],
    "Too large: batch": [*TINY, "--batch", "9" * 15],
    "Invalid checkpoint: 3": [*TINY, "--checkpoint", "3"],
    "Invalid number of parameters: nan": ["nan"],
    "Invalid number of parameters: 1e+300": ["1e300"],
    "Invalid number of parameters: 0.5": ["0.5"],
    "A number of parameters has no layers": ["1e9", "--layers", "3"],
    "'shampoo' depends on the shapes": ["1e9", "--optimizer", "shampoo"],
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_values_exit_with_two_and_say_what(message, capsys):
    assert cli.main(["memory", *WRONG[message]]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and message in printed.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "arguments are required: MODEL"),
        ([*TINY, "--batch", "0"], "'0' is no positive integer"),
        ([*TINY, "--batch", "two"], "'two' is no positive integer"),
        ([*TINY, "--device-memory", "32 apples"], "'32 apples' is no size"),
        ([*TINY, "--device-memory", "nan"], "'nan' is no size"),
        ([*TINY, "--device-memory", "1.2.3GB"], "'1.2.3GB' is no size"),
        ([*TINY, "--checkpoint", "some"], "'some' is neither none, every-layer, best nor a number"),
    ],
    ids=str,
)
def test_wrong_usage_exits_with_two(arguments, message, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["memory", *arguments])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_verify_without_a_gpu_fails_and_says_so(capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert cli.main(["memory", "--verify"]) == 1
    assert "no CUDA device" in capsys.readouterr().err


@pytest.mark.gpu
def test_a_cuda_device_allocates_what_meta_says(capsys):
    for found in json.loads(run(capsys, "--verify", "--json")):
        assert found["saved_meta"] == pytest.approx(found["saved_cuda"], rel=0.02)
        assert found["peak_meta"] == pytest.approx(found["peak_cuda"], rel=0.05)


@pytest.mark.parametrize("statement", ["import adaopt.memory", "import adaopt.memory.command"])
def test_importing_loads_no_torch(statement):
    code = f"{statement}, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_every_public_name_is_there():
    for name in memory.__all__:
        assert getattr(memory, name) is not None
    assert count_parameters is memory.count_parameters
    assert set(memory.__all__) <= set(dir(memory))
    with pytest.raises(AttributeError, match="nonsense"):
        _ = memory.nonsense


def test_no_public_name_is_hidden_by_a_module():
    """A submodule of the same name would take the place of the function once it is imported."""
    for name in memory.__all__:
        assert not inspect.ismodule(getattr(memory, name))
        assert not (Path(memory.__file__).parent / f"{name}.py").exists()

"""The page of comparison is what its generator writes, and its pieces add up."""

import importlib.util
from pathlib import Path

import pytest

from adaopt import memory

BOOK = Path(__file__).parents[2] / "book"


@pytest.fixture(scope="module")
def compare():
    spec = importlib.util.spec_from_file_location("memory_page", BOOK / "memory_page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_page_is_generated(compare):
    written = (BOOK / "memory_comparison.md").read_text(encoding="utf-8")
    assert written == compare.page(), "run python book/memory_page.py"


def test_the_differences_are_explained_to_the_last_parameter_and_byte(compare):
    ours = memory.count_parameters("gpt2-xl")
    assert compare.eleuther_parameters() - ours == 80_411_200 - 5 * 1600 * 48
    assert compare.deepspeed_states(2, 1) == 20 * ours
    assert compare.eleuther_states(0, 1) == 18 * compare.eleuther_parameters()
    assert compare.our_states(0, 1) == 16 * ours
    korthikanti = memory.activations_formula("gpt2-xl", 32, source="korthikanti")
    assert compare.eleuther_activations(checkpoint=False) == sum(korthikanti.values())
    flash = memory.activations_formula("gpt2-xl", 32, source="korthikanti", attention="flash")
    assert compare.eleuther_activations(checkpoint=True) == sum(flash.values())

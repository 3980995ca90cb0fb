"""The live budget: its formulas are the package's, and it works by keyboard and on a phone."""

import itertools

import pytest

from adaopt import memory
from adaopt.memory.formulas import head_terms, layer_terms
from adaopt.nn import GPT2_CONFIGS

BODY = '<div class="adaopt-live" data-figure="memory"></div>'
NODE = 'const { memory } = require("./memory.js");'
PLANS = [
    dict(
        zip(("model", "precision", "attention", "checkpoint", "zero", "devices"), row, strict=True)
    )
    | {"batch": batch, "seq": seq, "optimizer": optimizer}
    for row, batch, seq, optimizer in zip(
        itertools.product(
            GPT2_CONFIGS,
            ("fp32", "fp16", "bf16", "bf16-pure"),
            ("eager", "flash"),
            (0, 1, 7),
            (0, 1, 2, 3),
            (1, 3, 64),
        ),
        itertools.cycle((1, 5, 32, 128)),
        itertools.cycle((128, 1000, 1024)),
        itertools.cycle(("adamw", "sgd", "lion", "momentum", "ademamix")),
        strict=False,
    )
]


def test_models_and_precisions_are_the_packages(js):
    found = js("return memory")
    assert found["MODELS"] == {name: vars(config) for name, config in GPT2_CONFIGS.items()}
    assert found["PRECISIONS"].keys() == memory.PRECISIONS.keys()
    for name, p in memory.PRECISIONS.items():
        assert found["PRECISIONS"][name] == {
            "parameter": p.parameter,
            "gradient": p.gradient,
            "master": p.master,
            "state": p.state.itemsize,
            "activation": p.activation.itemsize,
        }
    for key, numbers in found["STATE"].items():
        assert 4000 * numbers == memory.optimizer_state(1000, key)


def test_parameters_and_states_are_equal_to_the_byte(js):
    found = js(
        "return input.map((plan) => {"
        " const c = memory.MODELS[plan.model];"
        " return [memory.parameters(c), memory.states(c, plan)]; })",
        PLANS,
    )
    for plan, (count, states) in zip(PLANS, found, strict=True):
        how = (plan[name] for name in ("optimizer", "precision", "zero", "devices"))
        number = memory.count_parameters(plan["model"])
        assert count == number
        assert states == vars(memory.model_states(number, *how)), plan


def test_activations_and_peaks_are_equal_to_the_byte(js):
    found = js(
        "return input.map((plan) => {"
        " const c = memory.MODELS[plan.model];"
        " return [memory.saved(c, plan), memory.peak(c, plan), memory.layerTerms(c, plan),"
        " memory.headTerms(c, plan)]; })",
        PLANS,
    )
    names = ("model", "batch", "seq", "precision", "attention", "checkpoint")
    for plan, (saved, peak, layer, head) in zip(PLANS, found, strict=True):
        how = [plan[name] for name in names]
        assert saved == sum(memory.activations_formula(*how).values()), plan
        assert peak == memory.peak_formula(*how), plan
        e = memory.PRECISIONS[plan["precision"]].activation.itemsize
        sizes = GPT2_CONFIGS[plan["model"]], plan["batch"], plan["seq"], e
        assert layer == layer_terms(*sizes, plan["attention"])
        assert head == head_terms(*sizes)


def test_the_largest_batch_fits_and_the_next_does_not(js):
    found = js(
        "return input.map((plan) => {"
        " const c = memory.MODELS[plan.model], room = 40e9;"
        " const batch = memory.largestBatch(c, plan, room);"
        " return [batch, batch && memory.total(c, {...plan, batch}),"
        " memory.total(c, {...plan, batch: batch + 1})]; })",
        PLANS,
    )
    for _, now, more in found:
        assert now <= 40e9 < more
    assert {batch > 0 for batch, *_ in found} == {True, False}


def words(page):
    return page.locator(".readout").inner_text()


def test_it_says_what_the_package_says(page):
    """GPT-2 XL, one sequence, on 32 GB."""
    states = memory.model_states("gpt2-xl").total
    whole = states + memory.peak_formula("gpt2-xl", 1)
    assert f"One sequence needs {whole / 1e9:.2f} GB, {states / 1e9:.2f} of them" in words(page)
    assert "does not fit into 32 GB" in words(page)
    page.get_by_label("Attention").select_option("flash")
    assert "That fits into 32 GB. The largest batch that fits is" in words(page)


def test_every_control_works_by_keyboard(page):
    """Each is reached by Tab and changed by an arrow key, and the words follow."""
    page.evaluate(
        "() => { const figure = document.querySelector('.adaopt-live');"
        " Object.assign(figure.dataset, { zero: '1', devices: '4' }); adaopt.mount(figure); }"
    )
    labels = page.locator("label").all_inner_texts()
    assert len(labels) == 10
    for label in labels:
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.id")
        assert page.locator(f"label[for={focused}]").inner_text() == label
        before = words(page)
        for key in ("ArrowDown", "ArrowUp", "ArrowUp"):  # it may stand at an end of its range
            page.keyboard.press(key)
            if words(page) != before:
                break
        assert words(page) != before, label


@pytest.mark.parametrize("width", [390, 320])
def test_a_phone_does_not_scroll_sideways(on_a_phone, width):
    assert on_a_phone(width) <= width


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_accessibility_violation(violations, theme):
    assert violations(theme) == []


def test_the_picture_is_wide_as_its_numbers(page):
    """The parts side by side have the widths of their bytes."""
    rects = page.locator(".picture rect")
    widths = [float(rects.nth(i).get_attribute("width")) for i in range(rects.count())]
    states = list(vars(memory.model_states("gpt2-xl")).values())
    saved = sum(memory.activations_formula("gpt2-xl", 1).values())
    sizes = [*states, saved, memory.peak_formula("gpt2-xl", 1) - saved]
    share = [width / sum(widths) for width in widths]
    assert share == pytest.approx([size / sum(sizes) for size in sizes], abs=2e-3)

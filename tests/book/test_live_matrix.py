"""The live map of singular values: its numbers are the package's; keyboard, phone, axe rules."""

import re

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from adaopt.linalg import odd_polynomials, polar_cubic, polar_express, polar_quintic
from adaopt.torch.matrix import POLAR_FACTORS
from adaopt.torch.matrix.polar import POLAR_EXPRESS, QUINTIC

BODY = '<div class="adaopt-live" data-figure="matrix"></div>'
NODE = 'const { matrix } = require("./matrix.js");'
SIGMA = np.geomspace(1e-3, 0.6, 9)
SIGMA /= np.linalg.norm(SIGMA)  # so that the package's first division changes nothing
ORBITS = "return matrix.orbits(input.key, input.sigma, input.steps, input.shift)[input.steps]"


@pytest.mark.parametrize("steps", [1, 2, 5, 12])
@pytest.mark.parametrize(
    ("key", "polar"),
    [("cubic", polar_cubic), ("quintic", polar_quintic), ("express", polar_express)],
)
def test_singular_values_become_those_of_the_package(js, key, polar, steps):
    got = js(ORBITS, {"key": key, "sigma": SIGMA.tolist(), "steps": steps, "shift": []})
    np.testing.assert_allclose(got, np.diag(polar(np.diag(SIGMA), steps)), rtol=1e-9)


@pytest.mark.parametrize("key", ["quintic", "cubic"])
def test_changed_coefficients_are_those_that_were_asked_for(js, key):
    shift = np.array([-0.3, 0.45, 0.2])
    first = {"quintic": QUINTIC, "cubic": (1.5, -0.5, 0.0)}[key]
    got = js(ORBITS, {"key": key, "sigma": SIGMA.tolist(), "steps": 3, "shift": shift.tolist()})
    expected = odd_polynomials(np.diag(SIGMA), [tuple(first + shift)] * 3)
    np.testing.assert_allclose(got, np.diag(expected), rtol=1e-9)


def test_the_table_is_the_published_one(js):
    assert js("return matrix.EXPRESS") == [list(row) for row in POLAR_EXPRESS]


@pytest.mark.parametrize(("key", "order"), [("cubic", 2), ("classic", 3), ("septic", 4)])
def test_newton_schulz_is_flat_at_one(js, key, order):
    """The value at 1 is 1 and its first derivatives vanish: the error is raised to the order."""
    near = [1 - 0.02, 1 - 0.01]
    two, one = js(
        "return matrix.orbits(input.key, input.near, 1, [])[1].map((s) => 1 - s)",
        {"key": key, "near": near},
    )
    assert np.log2(abs(two / one)) == pytest.approx(order, abs=0.1)
    assert js("return matrix.orbits(input, [1], 1, [])[1]", key) == pytest.approx([1], abs=1e-15)


@pytest.mark.parametrize("key", ["cubic", "quintic", "express"])
def test_matrix_products_are_those_of_the_package(js, key):
    with FlopCounterMode(display=False) as counter:
        POLAR_FACTORS[key](torch.eye(10), 1)
    assert 2 * 10**3 * js("return matrix.products(input)", key) == counter.get_total_flops()


def words(page):
    return page.locator(".readout").inner_text()


def test_it_says_where_muon_stops(page):
    """Singular values from 0.01 after five steps, and that more do not help."""
    s = np.geomspace(0.01, 1, 241)
    for _ in range(5):
        s = QUINTIC[0] * s + QUINTIC[1] * s**3 + QUINTIC[2] * s**5
    found = words(page)
    assert f"end in [{s.min():.2f}, {s.max():.2f}]" in found
    assert "15 matrix products" in found
    assert "More steps do not bring them to 1." in found
    page.get_by_label("Polynomial", exact=True).select_option("express")
    assert "More steps" not in words(page)


def test_a_step_too_far_diverges(page):
    for label in ("Add to the coefficient of s", "Add to the coefficient of s³"):
        page.get_by_label(label, exact=True).press("End")
    page.get_by_label("Steps", exact=True).press("End")
    assert "diverge" in words(page)


def test_every_control_works_by_keyboard(page):
    labels = page.locator("label").all_inner_texts()
    assert len(labels) == 6
    for label in labels:
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.id")
        assert page.locator(f"label[for={focused}]").inner_text() == label
        before = words(page), page.locator(".picture").inner_html()
        page.keyboard.press("ArrowUp")
        after = words(page), page.locator(".picture").inner_html()
        assert all(new != old for new, old in zip(after, before, strict=True)), label
    page.get_by_role("button", name="Reset").click()
    assert re.match(r"5 steps of 3\.4445 s − 4\.7750 s³ \+ 2\.0315 s⁵", words(page))


@pytest.mark.parametrize("width", [390, 320])
def test_a_phone_does_not_scroll_sideways(on_a_phone, width):
    assert on_a_phone(width) <= width


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_accessibility_violation(violations, theme):
    assert violations(theme) == []


def test_recomputing_is_fast(redraw_ms):
    """The budget is 16 ms; the bound is loose because other tests share the machine."""
    median = redraw_ms()
    print(f"recomputed and laid out in {median:.1f} ms (median of 31)")
    assert median < 100

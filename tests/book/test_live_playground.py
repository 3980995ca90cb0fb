"""The race: its set-up as text, its controls, its address, in a page opened from disk."""

import re
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from adaopt import problems
from adaopt.catalog import card
from adaopt.numpy import Adam
from adaopt.training import DivergenceError, minimize

ROOT = Path(__file__).parents[2]
NODE = 'const { setup, race, methods } = require("./race.js");'
BODY = """
<div class="adaopt-live" data-figure="race" data-share="true"></div>
<div class="adaopt-live" data-figure="race" data-problem="rosenbrock" data-steps="700"
  data-start="0.1,3" data-methods="adam lr=0.003 beta2=0.98; adam lr=0.02; momentum lr=0.003"
  data-vary="lr beta2"></div>
<div class="adaopt-live" data-figure="race" data-methods="adam; newton lr=1"></div>
<div class="adaopt-live" data-figure="race" data-stpes="10"></div>
"""
FULL = {
    "problem": "quadratic",
    "condition": "50",
    "angle": "30",
    "steps": "1000",
    "start": "-1.5,0.25",
    "methods": "gd lr=1.9;adagrad lr=0.8 eps_inside=false;adam lr=0.1 beta1=0 beta2=0.99;"
    "rmsprop lr=1e-7 alpha=0.9;lion lr=0.01 weight_decay=0.3",
}


def open_race(page, index=0):
    return page.locator(".adaopt-live").nth(index)


def drawn(page, index=0):
    return open_race(page, index).locator(".picture").inner_html()


def scores(page, index=0):
    return open_race(page, index).locator(".score").all_inner_texts()


def held(page, index=0):
    """The set-up that the figure holds, as text."""
    return page.evaluate(f"document.querySelectorAll('.adaopt-live')[{index}].setup()")


# ---- The set-up as text ----


@pytest.mark.parametrize("problem", ["quadratic", "rosenbrock", "plane", "counterexample"])
def test_a_set_up_survives_being_written(js, problem):
    text = {"problem": problem, "steps": "123", "methods": FULL["methods"]}
    first, again = js("const s = setup.read(input); return [s, setup.read(setup.write(s))]", text)
    assert first == again
    assert first["start"] is None
    assert [run["key"] for run in first["runs"]] == ["gd", "adagrad", "adam", "rmsprop", "lion"]


def test_the_address_holds_everything(js):
    query = js("return setup.query(setup.read(input))", FULL)
    assert {name: value[0] for name, value in parse_qs(query).items()} == FULL
    assert " " not in query


def test_what_is_not_named_is_the_default(js):
    run = js("return setup.read({methods: 'adam'}).runs[0].hyper")
    rule = Adam()
    expected = {"lr": rule.lr, "eps": rule.eps, "weight_decay": rule.weight_decay}
    assert run == expected | {"beta1": rule.betas[0], "beta2": rule.betas[1]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ({"problem": "bowl"}, 'problem: there is no "bowl". Choose from quadratic, rosenbrock'),
        ({"condition": "0.5"}, "condition: 0.5 is not a value that it can have."),
        ({"steps": "1e9"}, "steps: 1e9 is not a value that it can have."),
        ({"steps": ""}, "steps: nothing is not a value that it can have."),
        ({"start": "1"}, "start: 2 numbers are needed."),
        ({"methods": "newton"}, 'methods: there is no "newton". Choose from gd, sgd, momentum'),
        ({"methods": "gd momentum=0.9"}, 'gd: there is no "momentum". Choose from lr, weight'),
        ({"methods": "adam beta2=1"}, "adam beta2: 1 is not a value that it can have."),
        ({"methods": "adam lr=-1"}, "adam lr: -1 is not a value that it can have."),
        ({"methods": "gd;" * 6}, "methods: 6 given, 1 to 5 are possible."),
        ({"methods": " ; "}, "methods: 0 given, 1 to 5 are possible."),
    ],
)
def test_what_cannot_be_read_is_named(js, text, message):
    found = js("try { return setup.read(input); } catch (error) { return error.message; }", text)
    assert found.startswith(message)


@pytest.mark.parametrize("key", ["gd", "adam"])
def test_tuning_finds_the_best_step_size_of_the_slider(js, key):
    """By the mean of f - f* over the last tenth of the steps, as computed by the package."""
    text = {"problem": "quadratic", "condition": "10", "steps": "50", "methods": key}
    found, values = js(
        "const s = race.tune(setup.read(input));"
        "return [s.runs[0].hyper.lr, setup.SETTINGS.lr.values]",
        text,
    )
    valley, best = problems.Quadratic(10), (np.inf, None)
    for lr in values:
        try:
            late = minimize(valley, card(key).numpy_class(lr=lr), valley.start, 50).values[-5:]
            best = min(best, (float(np.mean(late)), lr))
        except DivergenceError:
            continue
    assert found == best[1]


def test_the_set_ups_of_the_page_show_what_it_says(js):
    page = (ROOT / "book" / "playground.md").read_text(encoding="utf-8")
    queries = re.findall(r'href="playground\.html\?([^"]+)"', page)
    texts = [{n: v[0] for n, v in parse_qs(unescape(query)).items()} for query in queries]
    races = js(
        "return input.map((text) => race.run(setup.read(text)).runs.map(({ trace }) => ({"
        "end: trace.iterates.at(-1), before: trace.iterates.at(-2), gap: trace.gaps.at(-1),"
        "first: race.reached(trace), divergedAt: trace.divergedAt })))",
        texts,
    )
    straight, turned, shared, own, hollows, sign, noise, reddi = races
    assert straight[1]["gap"] < 1e-9 * straight[0]["gap"]
    assert turned[1]["gap"] > turned[0]["gap"] == pytest.approx(straight[0]["gap"])
    assert [run["divergedAt"] is not None for run in shared] == [False, True, False, False, False]
    assert [run["first"] is not None for run in own] == [False, True, False, False, True]
    ends = [tuple(np.round(run["end"], 2)) for run in hollows]
    assert sorted(ends.count(end) for end in ends) == [1, 3, 3, 3]
    last = [np.abs(np.subtract(run["end"], run["before"])).max() for run in sign]
    assert last[1] == pytest.approx(0.15)
    assert last[0] < 0.01
    assert noise[0]["gap"] < 1e-12 < 1e-3 < min(run["gap"] for run in noise[1:])
    worst, *best = (run["end"][0] for run in reddi)
    assert worst > 0.99 > -0.99 > max(best)


# ---- In the browser ----


@pytest.mark.parametrize("label", ["Step size α", "β₂"])
def test_a_slider_moved_by_keyboard_changes_the_path(page, label):
    before, told = drawn(page, 1), scores(page, 1)
    slider = open_race(page, 1).get_by_label(label, exact=True).first
    value = slider.get_attribute("aria-valuetext")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") != value
    assert drawn(page, 1) != before
    assert scores(page, 1)[0] != told[0]
    assert scores(page, 1)[1:] == told[1:]


def test_the_numbers_are_the_packages(page):
    valley = problems.Rosenbrock()
    values = minimize(valley, Adam(lr=0.02), np.array([0.1, 3.0]), 700).values
    first = int(np.argmax(values <= 1e-3)) if values.min() <= 1e-3 else None
    told = scores(page, 1)[1]
    assert told.startswith(f"f(x) − f* = {values[-1]:.3g}") or values[-1] < 1e-3
    assert (first is None) == ("0.001 at" not in told)
    if first is not None:
        assert told.endswith(f"0.001 at step {first}")
    assert scores(page, 1)[2].startswith("diverged at step")
    words = open_race(page, 1).locator(".readout").inner_text()
    assert "Momentum diverges at step" in words
    assert words in open_race(page, 1).locator(".picture").get_attribute("aria-label")


def test_a_shared_address_restores_the_set_up(page, browser, address):
    race = open_race(page)
    race.get_by_label("Problem", exact=True).select_option("himmelblau")
    race.get_by_label("Start x₁").fill("-1.25")
    race.get_by_label("Method", exact=True).first.select_option("lion")
    race.get_by_label("Step size α").nth(1).press("ArrowLeft")
    race.get_by_role("button", name="Remove method 5").click()
    there = race.get_by_role("link").get_attribute("href")
    assert urlsplit(there).path.endswith("/book/playground.html")
    page.wait_for_function("query => location.search === '?' + query", arg=urlsplit(there).query)
    other = browser.new_page(viewport={"width": 900, "height": 900})
    other.goto(page.url)
    assert held(other) == held(page)
    assert held(other)["methods"].startswith("lion lr=")
    assert scores(other) == scores(page)
    same = "document.querySelector('.picture').innerHTML.replace(/live-\\d+/g, '')"
    assert other.evaluate(same) == page.evaluate(same)
    other.close()


def test_it_asks_the_network_for_nothing(browser, address):
    page, asked = browser.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    race = open_race(page)
    race.get_by_label("Problem", exact=True).select_option("plane")
    race.get_by_role("button", name="Tune step sizes").click()
    page.wait_for_function("location.search.includes('problem=plane')")
    page.close()
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith("file://")] == []


def test_an_address_that_cannot_be_read_is_said(browser, address):
    page = browser.new_page()
    page.goto(f"{address}?problem=bowl")
    words = open_race(page).locator(".readout").inner_text()
    assert words.startswith("The address holds no set-up that can be read (problem: there is no")
    assert held(page)["problem"] == "quadratic"
    assert held(page, 1)["problem"] == "rosenbrock"
    page.close()


def test_presets_are_kept_exactly_and_mistakes_named(page):
    assert held(page, 1) == {
        "problem": "rosenbrock",
        "steps": "700",
        "start": "0.1,3",
        "methods": "adam lr=0.003 beta2=0.98;adam lr=0.02;momentum lr=0.003",
    }
    assert open_race(page, 2).inner_text().startswith('methods: there is no "newton"')
    assert open_race(page, 3).inner_text() == (
        "data-stpes: the problem quadratic has no such setting."
    )


def test_a_click_moves_the_start(page):
    svg = open_race(page).locator(".paths svg")
    before = drawn(page)
    svg.click(position={"x": 200, "y": 60})
    where = [float(x) for x in held(page)["start"].split(",")]
    assert drawn(page) != before
    inputs = [open_race(page).get_by_label(f"Start x{i}") for i in "₁₂"]
    assert [float(field.input_value()) for field in inputs] == where
    ring = open_race(page).locator(".paths svg circle").first.bounding_box()
    box = svg.bounding_box()
    centre = ring["x"] + ring["width"] / 2 - box["x"], ring["y"] + ring["height"] / 2 - box["y"]
    assert np.allclose(centre, (200, 60), atol=1.5)


def test_the_start_moves_by_keyboard(page):
    before = held(page)
    open_race(page).get_by_label("Start x₂").press("ArrowUp")
    assert "start" not in before
    assert held(page)["start"] == "-2,1.1"


def test_up_to_five_methods(page):
    race = open_race(page)
    add = race.get_by_role("button", name="Add a method")
    assert add.is_disabled()
    for position in (5, 4, 3, 2):
        race.get_by_role("button", name=f"Remove method {position}").click()
    assert len(scores(page)) == 1
    assert race.get_by_role("button", name="Remove method 1").is_disabled()
    add.press("Enter")
    assert len(scores(page)) == 2
    assert page.evaluate("document.activeElement.tagName") == "SELECT"
    race.get_by_role("button", name="Reset").click()
    assert len(scores(page)) == 5


def test_every_problem_and_every_method_runs(page, js):
    race = open_race(page)
    menu = race.get_by_label("Problem", exact=True)
    for problem in js("return Object.keys(setup.PROBLEMS)"):
        menu.select_option(problem)
        assert "NaN" not in drawn(page)
        assert page.evaluate("document.activeElement.id").endswith("-problem")
    method = race.get_by_label("Method", exact=True).first
    for key in js("return Object.keys(methods)"):
        method.select_option(key)
        assert held(page)["methods"].startswith(f"{key} lr=")
        assert "NaN" not in drawn(page)


def test_play_and_pause(page):
    race = open_race(page)
    whole, slider = drawn(page), race.get_by_label("Up to step")
    race.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelector('.player input').value > 3")
    race.get_by_role("button", name="Pause").click()
    step = slider.input_value()
    assert 3 < int(step) < 100
    assert drawn(page) != whole
    page.wait_for_timeout(100)
    assert slider.input_value() == step
    slider.press("End")
    same = [re.sub(r"live-\d+", "", picture) for picture in (drawn(page), whole)]
    assert same[0] == same[1]


def test_tune_makes_every_method_no_worse(page):
    race = open_race(page)
    race.get_by_label("Problem", exact=True).select_option("rosenbrock")
    assert any("diverged" in score for score in scores(page))
    race.get_by_role("button", name="Tune step sizes").click()
    assert not any("diverged" in score for score in scores(page))


def test_recomputing_is_fast(page, redraw_ms):
    """The budget is 16 ms; the bound is loose because other tests share the machine."""
    open_race(page).get_by_label("Steps", exact=True).press("End")
    for _ in range(3):
        open_race(page).get_by_label("Steps", exact=True).press("ArrowLeft")
    assert held(page)["steps"] == "1000"
    median = redraw_ms()
    print(f"five methods, 1,000 steps: recomputed and laid out in {median:.1f} ms (median of 31)")
    assert len(scores(page)) == 5
    assert median < 100


@pytest.mark.parametrize("width", [390, 320])
def test_a_phone_does_not_scroll_sideways(on_a_phone, width):
    assert on_a_phone(width) <= width


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_accessibility_violation(page, violations, theme):
    for details in page.locator("details").all():
        details.evaluate("element => { element.open = true }")
    assert violations(theme) == []

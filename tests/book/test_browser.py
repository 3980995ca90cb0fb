"""The built pages in a browser that reaches nothing but this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

BUILT = Path(__file__).resolve().parents[2] / "book" / "_build" / "html"
PAGES = sorted(
    path.relative_to(BUILT).as_posix()
    for path in BUILT.rglob("*.html")
    if "_static" not in path.parts and path != BUILT / "index.html"
)
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# The modes differ in colours alone.
RULES = {
    "light": {"type": "tag", "values": LEVELS},
    "dark": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
# What is the theme's and cannot be mended in a few lines: (rule, start of the element's markup).
ALLOWED: tuple[tuple[str, str], ...] = ()


@dataclass
class Visit:
    """An open page and everything that went wrong on it."""

    page: Page
    faults: list[str] = field(default_factory=list)

    def watch(self) -> None:
        note = self.faults.append
        self.page.on("requestfailed", lambda request: note(f"failed: {request.url}"))
        self.page.on("pageerror", lambda error: note(f"error: {error}"))
        self.page.on("console", lambda m: note(f"console: {m.text}") if m.type == "error" else None)
        self.page.on(
            "response", lambda r: note(f"{r.status}: {r.url}") if r.status >= 400 else None
        )

    def open(self, address: str) -> None:
        self.watch()
        self.page.goto(address, wait_until="load")
        self.page.evaluate("() => window.MathJax?.startup?.promise")


@pytest.fixture(scope="module", params=PAGES)
def visit(request, browser: Browser, server: str) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    visit = Visit(context.new_page())
    visit.open(server + request.param)
    yield visit
    context.close()


def violations(page: Page, rules: dict[str, object]) -> list[str]:
    """axe's findings that are not allowed above, outside what MathJax draws."""
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    found = Axe().run(page, {"exclude": [["mjx-container"]]}, options).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:120]} {node['failureSummary'][:200]}"
        for rule in found
        for node in rule["nodes"]
        if not any(rule["id"] == name and node["html"].startswith(s) for name, s in ALLOWED)
    ]


def test_the_book_has_pages(built: Path) -> None:
    assert {"book/intro.html", "genindex.html", "search.html"} <= set(PAGES)


def test_nothing_fails_and_nothing_leaves_the_machine(vendored: None, visit: Visit) -> None:
    assert visit.faults == []


def test_mathematics_is_typeset(vendored: None, visit: Visit) -> None:
    sources = visit.page.locator("span.math, div.math").count()
    assert visit.page.locator("mjx-container").count() >= sources
    assert visit.page.locator("mjx-merror, [data-mjx-error]").count() == 0


@pytest.mark.parametrize("theme", RULES)
def test_no_accessibility_violation(visit: Visit, theme: str) -> None:
    visit.page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    # Colours change over a few hundred milliseconds.
    visit.page.add_style_tag(content="*, *::before, *::after { transition: none !important }")
    assert violations(visit.page, RULES[theme]) == []


def test_the_accessibility_check_can_fail(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content("<html lang=en><title>t</title><img src='data:,'><p style='color:#ccc'>pale")
    light, dark = (violations(page, rules) for rules in RULES.values())
    page.close()
    assert {finding.split(":")[0] for finding in light} == {"image-alt", "color-contrast"}
    assert {finding.split(":")[0] for finding in dark} == {"color-contrast"}


def test_a_phone_needs_no_sideways_scrolling(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.page.wait_for_timeout(100)
    width = visit.page.evaluate("document.documentElement.scrollWidth")
    visit.page.set_viewport_size({"width": 1280, "height": 900})
    assert width <= 390


OPENED = ["intro", "notation", "catalog", "playground", "../lectures/01_finite_sums"]


@pytest.mark.parametrize("name", OPENED)
def test_a_page_opens_from_disk(vendored: None, browser: Browser, name: str) -> None:
    visit = Visit(browser.new_page())
    visit.open((BUILT / "book" / f"{name}.html").as_uri())
    assert visit.page.locator("mjx-container").count() > 0 or name == "intro"
    visit.page.close()
    assert visit.faults == []


@pytest.mark.parametrize("name", ["book/intro", "lectures/01_finite_sums"])
def test_without_javascript_a_still_figure_stands(browser: Browser, server: str, name: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server}{name}.html")
    figure = page.locator("article img").first
    assert figure.is_visible()
    assert figure.bounding_box()["width"] > 300
    context.close()


def test_search_finds_a_term(vendored: None, browser: Browser, server: str) -> None:
    page = browser.new_page()
    page.goto(server + "search.html?q=Nesterov")
    page.wait_for_selector("#search-results li a")
    titles = page.locator("#search-results li a").all_inner_texts()
    page.close()
    assert any("catalog" in title.lower() for title in titles)


def test_the_keyboard_reaches_content_and_slider(browser: Browser, server: str) -> None:
    page = browser.new_page()
    page.goto(server + "book/intro.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Skip to main content"
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.adaopt-live input[type=range]')"):
            break
    slider = page.locator(":focus")
    outline = slider.evaluate("e => getComputedStyle(e).outlineStyle")
    before = slider.input_value()
    page.keyboard.press("ArrowRight")
    after = slider.input_value()
    page.close()
    assert outline != "none"
    assert float(after) > float(before)

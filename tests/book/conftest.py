"""The built book, served to a browser that can reach nothing else."""

import importlib.util
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "book" / "_build" / "html"
LIVE = ROOT / "book" / "_static" / "live"
LIVE_PAGE = """<!doctype html>
<html lang="en" data-theme="light"><head><meta charset="utf-8"><title>Live figures</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="{live}/live.css">
<style>body {{ margin: 16px; font: 16px sans-serif; }}
[data-theme="dark"] body {{ background: #14181e; }}</style>
{scripts}</head><body>{body}</body></html>
"""
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def built() -> Path:
    """The folder of the built book."""
    if not (BUILT / "index.html").is_file():
        pytest.fail("the book is not built: run make book")
    return BUILT


@pytest.fixture(scope="session")
def vendored(built: Path, require) -> None:
    """The book was built with its own copies of MathJax and the widget manager."""
    found = (built / "_static" / "vendor" / "complete.json").is_file()
    require(found, "the book uses the CDN: install npm (Debian and Ubuntu: apt install npm)")


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(built: Path) -> Iterator[str]:
    """The address at which the book is served."""
    handler = partial(Quiet, directory=str(built))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture(scope="session")
def book() -> ModuleType:
    """The modules of book/: its folder is no package."""
    sys.path.insert(0, str(ROOT / "book"))
    names = ("vendor", "address", "catalog_page", "proof_page", "build")
    loaded = {}
    for name in names:
        spec = importlib.util.spec_from_file_location(name, ROOT / "book" / f"{name}.py")
        loaded[name] = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded[name])
    sys.path.remove(str(ROOT / "book"))
    modules = ModuleType("book")
    modules.__dict__.update(loaded)
    return modules


# Live figures, on a page with the scripts of the book: a test module names its BODY, and for `js`
# what NODE runs first.


@pytest.fixture(scope="module")
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page with live figures, to be opened from disk."""
    live, config = LIVE.as_uri(), (ROOT / "_config.yml").read_text(encoding="utf-8")
    names = re.findall(r"live/(\w+\.js)", config)
    scripts = "".join(f'<script src="{live}/{name}"></script>' for name in names)
    path = tmp_path_factory.mktemp("live") / "page.html"
    page = LIVE_PAGE.format(live=live, scripts=scripts, body=request.module.BODY)
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """That page; its test fails when anything reaches the console or a request fails."""
    page = browser.new_page(viewport={"width": 900, "height": 900})
    noise = []
    page.on("console", lambda message: noise.append(message.text))
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.on("requestfailed", lambda request: noise.append(request.url))
    page.goto(address)
    yield page
    page.close()
    assert noise == []


@pytest.fixture(scope="module")
def js(request: pytest.FixtureRequest, node: str) -> Callable[..., Any]:
    """``js("return 1 + input", 2)``: the value that a body computes from its input in Node."""

    def run(body: str, value: object = None) -> Any:
        script = f"""
            {request.module.NODE}
            const main = (input) => {{ {body} }};
            const text = require("fs").readFileSync(0, "utf8");
            console.log(JSON.stringify(main(JSON.parse(text))));
        """
        done = subprocess.run(
            [node, "-e", script],
            cwd=LIVE,
            input=json.dumps(value),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture
def on_a_phone(page: Page) -> Callable[[int], int]:
    """``on_a_phone(390)``: how wide the page is on a screen of this width."""

    def measure(width: int) -> int:
        page.set_viewport_size({"width": width, "height": 844})
        page.wait_for_function(
            "width => [...document.querySelectorAll('.picture svg')].every("
            "svg => svg.viewBox.baseVal.width <= width)",
            arg=width,
        )
        return page.evaluate("document.documentElement.scrollWidth")

    return measure


@pytest.fixture
def violations(page: Page) -> Callable[[str], list]:
    """``violations("dark")``: what the accessibility rules find in the live figures."""

    def find(theme: str) -> list:
        page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
        # Preloading would fetch the style sheet again.
        options = {"runOnly": {"type": "tag", "values": WCAG}, "preload": False}
        found = Axe().run(page, context=".adaopt-live", options=options)
        assert len(found.response["passes"]) > 5
        return [(v["id"], v["nodes"][0]["html"]) for v in found.response["violations"]]

    return find


@pytest.fixture
def redraw_ms(page: Page) -> Callable[..., float]:
    """``redraw_ms(0)``: milliseconds to compute and lay out a figure again, the median of 31."""
    script = """index => {
        const figure = document.querySelectorAll(".adaopt-live")[index];
        const times = Array.from({ length: 31 }, () => {
            const start = performance.now();
            figure.redraw();
            figure.getBoundingClientRect();
            return performance.now() - start;
        });
        return times.sort((a, b) => a - b)[15];
    }"""
    return lambda index=0: page.evaluate(script, index)

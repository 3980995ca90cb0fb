"""The built book, served to a browser that can reach nothing else."""

import importlib.util
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "book" / "_build" / "html"
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

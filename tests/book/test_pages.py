"""The built pages read as files: titles, links, alt text, nothing asked of the network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from pybtex.database import Entry, parse_file
from pybtex.richtext import Text

from adaopt.catalog import CARDS, WRAPPERS
from adaopt.catalog.papers import PAPERS
from adaopt.grading.mistakes import AVERAGES, MISTAKES

ROOT = Path(__file__).resolve().parents[2]


class Page(HTMLParser):
    """What the tests ask of one page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.ids = {
            value for _, attrs in self.tags for key, value in attrs.items() if key in ("id", "name")
        }

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def find(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]

    def addresses(self) -> Iterator[str]:
        """Every address in the page's own markup."""
        for _, attrs in self.tags:
            yield from (attrs[key] for key in ("href", "src") if attrs.get(key))


@pytest.fixture(scope="module")
def pages(built: Path) -> dict[Path, Page]:
    paths = [p for p in built.rglob("*.html") if "_static" not in p.parts]
    return {path: Page(path) for path in paths}


def test_every_page_of_the_contents_is_built(built: Path, book) -> None:
    listed = book.build.toc_files(book.build.read_yaml(ROOT / "_toc.yml"))
    assert len(listed) >= 9
    missing = [name for name in listed if not (built / f"{name}.html").is_file()]
    assert missing == []


def test_every_written_lecture_is_in_the_contents(book) -> None:
    listed = set(book.build.toc_files(book.build.read_yaml(ROOT / "_toc.yml")))
    lectures = {f"lectures/{path.stem}" for path in (ROOT / "lectures").glob("[0-9]*.ipynb")}
    assert lectures == {name for name in listed if name.startswith("lectures/")}


def test_every_page_has_a_title_a_heading_and_a_language(pages: dict[Path, Page]) -> None:
    bad = [
        str(page.path)
        for page in pages.values()
        if len(page.find("h1")) != 1
        or not page.find("title")
        or page.find("html")[0].get("lang") != "en"
    ]
    assert bad == []


def test_every_image_says_what_it_shows(pages: dict[Path, Page]) -> None:
    bad = [
        f"{page.path.name}: {image.get('src', '')[:80]}"
        for page in pages.values()
        for image in page.find("img")
        if not (image.get("alt") or "").strip() or re.fullmatch(r"\S+\.(png|svg)", image["alt"])
    ]
    assert bad == []


def test_every_link_inside_the_book_resolves(pages: dict[Path, Page]) -> None:
    broken = []
    for path, page in pages.items():
        for address in page.addresses():
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            goal = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not goal.is_file():
                broken.append(f"{path.name}: {address}")
            elif parts.fragment and goal in pages:
                if unquote(parts.fragment) not in pages[goal].ids:
                    broken.append(f"{path.name}: {address}")
    assert broken == []


def test_no_page_loads_anything_from_outside(vendored: None, pages: dict[Path, Page]) -> None:
    loaded = [
        f"{page.path.name}: {address}"
        for page in pages.values()
        for tag, attrs in page.tags
        for address in (attrs.get("src"), attrs.get("href") if tag == "link" else None)
        if address and urlsplit(address).netloc and attrs.get("rel") != "canonical"
    ]
    assert loaded == []


def test_a_page_without_a_widget_loads_no_widget_manager(pages: dict[Path, Page]) -> None:
    for page in pages.values():
        kinds = [script.get("type") or "" for script in page.find("script")]
        shown = any("widget-view" in kind for kind in kinds)
        loads = any("embed-amd" in (script.get("src") or "") for script in page.find("script"))
        state = any("widget-state" in kind for kind in kinds)
        assert (loads or state) <= shown, page.path


def test_a_lecture_opens_in_colab_and_binder(book, pages: dict[Path, Page], built: Path) -> None:
    address = book.address.current(ROOT)
    for path in (ROOT / "lectures").glob("[0-9]*.ipynb"):
        links = set(pages[built / "lectures" / f"{path.stem}.html"].addresses())
        colab = "https://colab.research.google.com/github"
        assert f"{colab}/{address}/blob/main/lectures/{path.name}" in links
        binder = f"https://mybinder.org/v2/gh/{address}/main?urlpath=lab/tree"
        assert f"{binder}/lectures/{path.name}" in links


def test_a_page_is_light_beside_the_shared_assets(pages: dict[Path, Page], built: Path) -> None:
    for path, page in pages.items():
        images = {(path.parent / image["src"]).resolve() for image in page.find("img")}
        own = sum(image.stat().st_size for image in images if image.is_file())
        assert path.stat().st_size + own <= 1_000_000, path


def test_papers_are_those_of_the_bibliography() -> None:
    works = parse_file(ROOT / "book" / "references.bib").entries
    cited = {card.paper for card in (*CARDS.values(), *WRAPPERS.values())}
    assert cited <= works.keys()
    assert PAPERS == {key: in_words(works[key]) for key in sorted(cited)}


def in_words(work: Entry) -> str:
    """Authors (year). Title."""
    names = [plain(" ".join((*p.prelast_names, *p.last_names))) for p in work.persons["author"]]
    who = f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
    return f"{who} ({work.fields['year']}). {plain(work.fields['title'])}"


def plain(latex: str) -> str:
    return Text.from_latex(latex).render_as("text").replace("\N{NO-BREAK SPACE}", " ")


def test_every_card_has_its_section_in_the_catalog(pages: dict[Path, Page], built: Path) -> None:
    ids = pages[built / "book" / "catalog.html"].ids
    assert {f"catalog-{key.replace('_', '-')}" for key in (*CARDS, *WRAPPERS)} <= ids


def test_the_proof_shows_every_card_and_every_mistake(built: Path) -> None:
    page = (built / "book" / "proof.html").read_text(encoding="utf-8")
    rows = re.findall(r"<tr.*?</tr>", page, re.DOTALL)
    cells = [[re.sub(r"<.*?>|\s+", " ", cell).strip() for cell in row] for row in map(split, rows)]
    errors = {row[0]: row[1:] for row in cells if len(row) == 7}
    noticed = {row[0]: row[1:] for row in cells if len(row) == 4 and row[1].isdigit()}
    for key, card in CARDS.items():
        settings, editions, references, *_ = errors[card.name]
        assert int(settings) > len(card.variants)
        assert float(editions) <= 1e-12
        assert float(references) <= 1e-9
        assert list(map(int, noticed[card.name])) == 3 * [len(MISTAKES[key])]
    averages = {row[0]: row[1:] for row in cells if len(row) == 5}
    for key, wrapper in WRAPPERS.items():
        numpy_error, torch_error, injected, found = averages[wrapper.name]
        assert max(float(numpy_error), float(torch_error)) <= 1e-12
        assert int(injected) == int(found) == len(AVERAGES[key])
    assert page.count("The step ") == sum(map(len, MISTAKES.values()))
    assert "Not noticed" not in page


def split(row: str) -> list[str]:
    return re.findall(r"<td.*?>(.*?)</td>", row, re.DOTALL)

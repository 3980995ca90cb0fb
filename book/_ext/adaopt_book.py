"""What the book adds to Sphinx: vendored browser assets, light pages, author-year bibliography."""

from __future__ import annotations

import re
from pathlib import Path

import pybtex.plugin
from docutils import nodes
from pybtex.style.formatting.unsrt import Style as UnsortedStyle
from pybtex.style.labels import BaseLabelStyle
from sphinx.application import Sphinx
from sphinx.config import Config

VENDOR = Path(__file__).parents[1] / "_static" / "vendor"
RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def use_vendored_assets(app: Sphinx, config: Config) -> None:
    """Serve MathJax and the widget manager from the book where build.py has fetched them."""
    if not (VENDOR / "complete.json").is_file():
        return
    config.mathjax_path = "vendor/mathjax/tex-mml-chtml.js"
    config.nb_ipywidgets_js = {"vendor/require.js": {}, "vendor/embed-amd.js": {}}


FIGURES = {
    "step": "Step times of every method over the time of torch's fused AdamW for as many bytes; "
    "the table below has the numbers",
    "matrix": "Step times of Shampoo, CASPR, SOAP and Muon, of adaopt and of others, each with a "
    "line where the products and factorizations of its formula end; the table below has the "
    "numbers",
}


def insert_measurements(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put on the performance page every figure and table that the benchmarks have written."""
    if docname == "book/performance":
        for question, alt in FIGURES.items():
            text = ""
            for path in sorted(RESULTS.glob(f"{question}*.md")):
                if path.with_suffix(".png").is_file():
                    text += f"![{alt}](../benchmarks/results/{path.stem}.png)\n\n"
                text += path.read_text(encoding="utf-8") + "\n"
            source[0] = source[0].replace(f"<!-- {question} -->", text)


def drop_unseen_widgets(app: Sphinx, doctree: nodes.document) -> None:
    """Leave widget state and scripts (3.6 MB) out of a page that shows no widget."""
    shown = any(WIDGET_VIEW in node.astext() for node in doctree.findall(nodes.raw))
    if not shown:
        app.env.nb_metadata.get(app.env.docname, {}).pop("js_files", None)


def escape_docstring(app, what, name, obj, options, lines: list[str]) -> None:
    """Let a docstring write |x| and **hyper as plain text: neither is markup there."""
    literal = None
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if literal is not None and line.strip() and indent <= literal:
            literal = None
        if literal is None:
            parts = re.split(r"(`+[^`]*`+)", line)
            parts[::2] = [re.sub(r"(\||\*\*)", r"\\\1", part) for part in parts[::2]]
            lines[number] = "".join(parts)
            if line.rstrip().endswith("::") or line.lstrip().startswith(".. math::"):
                literal = indent


# The theme's markup, mended: pattern, replacement.
REPAIRS = (
    # Fonts asked for across origins: refused with an error in a page opened from disk.
    (r'<link rel="preload" as="font"[^>]*>\s*', ""),
    # An empty mode is an error to the theme's own script; it means this one.
    (r'data-default-mode=""', 'data-default-mode="auto"'),
    (r'getItem\("mode"\) \|\| ""', 'getItem("mode") || "auto"'),
    # The title that only print shows, a second first-level heading for a screen reader.
    (r'(id="jb-print-docs-body" class="onlyprint">\s*)<h1>(.*?)</h1>', r"\1<p>\2</p>"),
    # Roles that ARIA has withdrawn, and a list whose children are no list items.
    (r' role="(doc-biblioentry|doc-backlink|list)"', ""),
)


def mend_pages(app: Sphinx, error: Exception | None) -> None:
    """Apply the repairs to every page that was written."""
    for path in Path(app.outdir).rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        for pattern, replacement in REPAIRS:
            page = re.sub(pattern, replacement, page, flags=re.DOTALL)
        path.write_text(page, encoding="utf-8")


class AuthorYearLabels(BaseLabelStyle):
    """Robbins and Monro, 1951; three authors and more: Bottou et al., 2018."""

    def format_labels(self, entries):
        for entry in entries:
            names = [" ".join(person.last_names) for person in entry.persons["author"]]
            who = f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
            yield f"{who}, {entry.fields['year']}"


class AuthorYearStyle(UnsortedStyle):
    """The reference list by author and year, as the text cites it."""

    default_label_style = AuthorYearLabels
    default_sorting_style = "author_year_title"


pybtex.plugin.register_plugin("pybtex.style.formatting", "adaopt", AuthorYearStyle)


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("config-inited", use_vendored_assets, priority=100)
    app.connect("source-read", insert_measurements)
    app.connect("doctree-read", drop_unseen_widgets)
    app.connect("autodoc-process-docstring", escape_docstring, priority=900)
    app.connect("build-finished", mend_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

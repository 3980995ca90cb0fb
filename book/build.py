"""Build the book: fetch assets, write two pages, execute the lectures, run jupyter-book.

Two digests decide what is done. When nothing at all changed since the last good build, nothing is.
When something changed that a lecture's result can depend on (the package, the pinned versions, the
data set), all lectures are executed again: jupyter-cache looks at the notebooks' sources alone.
The pages are always written anew, since one page can break another one's links.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

import catalog_page
import proof_page
import vendor
import yaml

from adaopt.data import fashion_mnist

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))  # the page of proofs measures with tests/proof
FRONT = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={first}">
<title>adaopt</title><link rel="icon" href="_static/favicon.svg"></head>
<body><main><h1>adaopt</h1><p><a href="{first}">Open the book</a></p></main></body></html>
"""
OFFLINE = "in the book, which asks nothing of the network"
ONLINE = "from their CDN, since npm is missing or could not fetch them"
WRITTEN = ("book/catalog.md", "book/proof.md")  # by every build


def files(root: Path, *patterns: str) -> list[Path]:
    """The files that match, without what building writes."""
    generated = {"_build", "vendor", "__pycache__", ".ipynb_checkpoints"}
    found = {path for pattern in patterns for path in root.glob(pattern) if path.is_file()}
    return sorted(p for p in found if not generated & set(p.relative_to(root).parts))


def digest(root: Path, paths: Iterable[Path], *facts: object) -> str:
    """One checksum of the files' names and contents and of the facts."""
    total = hashlib.sha256(repr(facts).encode())
    for path in paths:
        total.update(f"{path.relative_to(root)}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def execution_digest(root: Path) -> str:
    """Of everything but its own source that a lecture's output depends on."""
    paths = files(root, "adaopt/**/*", "requirements.txt", "benchmarks/results/*.csv")
    return digest(root, paths, images_at_hand())


def images_at_hand() -> str:
    """Where Fashion-MNIST is, nothing without it; a wrong ADAOPT_DATA is said by the lecture."""
    try:
        return str(fashion_mnist.folder()) if fashion_mnist.fashion_mnist_at_hand() else ""
    except (ValueError, FileNotFoundError) as error:
        return str(error)


def book_digest(root: Path, vendored: bool) -> str:
    """Of everything that the built book depends on."""
    pages = ("_config.yml", "_toc.yml", "book/**/*", "lectures/*", "benchmarks/results/*")
    written = {root / name for name in WRITTEN}
    paths = [path for path in files(root, *pages) if path not in written]
    return digest(root, paths, execution_digest(root), vendored)


def read_yaml(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def toc_files(toc: object) -> list[str]:
    """Every file that the table of contents lists, in its order."""
    if isinstance(toc, list):
        return [name for part in toc for name in toc_files(part)]
    if isinstance(toc, dict):
        own = [value for key, value in toc.items() if key in ("file", "root")]
        return own + toc_files([value for value in toc.values() if isinstance(value, list)])
    return []


def execute_lectures(root: Path, cache_folder: Path) -> bool:
    """Execute what is out of date in the cache; False if a lecture raised."""
    from execute import execute

    made_from = execution_digest(root)
    stamp = cache_folder / "made-from"
    if not stamp.is_file() or stamp.read_text() != made_from:
        shutil.rmtree(cache_folder, ignore_errors=True)
    cache_folder.mkdir(parents=True, exist_ok=True)
    stamp.write_text(made_from)
    listed = toc_files(read_yaml(root / "_toc.yml"))
    notebooks = [root / f"{name.removesuffix('.ipynb')}.ipynb" for name in listed]
    timeout = read_yaml(root / "_config.yml")["execute"]["timeout"]
    return execute([path for path in notebooks if path.is_file()], cache_folder, timeout)


def build(root: Path = ROOT) -> int:
    """Build what is out of date; returns the exit status."""
    output = root / "book" / "_build"
    index, stamp = output / "html" / "index.html", output / "stamp"
    try:
        vendored = vendor.vendor(root / "book" / "_static" / "vendor")
    except vendor.ChecksumError as error:
        print(f"make book: {error}", file=sys.stderr)
        return 1
    made_from = book_digest(root, vendored)
    if index.is_file() and stamp.is_file() and stamp.read_text() == made_from:
        print(f"Nothing changed. The book is at {index}")
        return 0
    # Written again only after success: a failed or interrupted build never counts as done.
    stamp.unlink(missing_ok=True)
    (root / "book" / "catalog.md").write_text(catalog_page.page(root))
    (root / "book" / "proof.md").write_text(proof_page.page(root, output / "proof.json"))
    if not execute_lectures(root, output / ".jupyter_cache"):
        print("make book: a lecture raised an error, see above", file=sys.stderr)
        return 1
    shutil.rmtree(output / "html", ignore_errors=True)
    command = [Path(sysconfig.get_path("scripts")) / "jupyter-book", "build", root]
    options = ["--path-output", root / "book", "-W", "--keep-going", "--all"]
    status = subprocess.run([*command, *options]).returncode
    if status:
        print("make book: jupyter-book reported the warnings above", file=sys.stderr)
        return status
    index.write_text(FRONT.format(first=f"{toc_files(read_yaml(root / '_toc.yml'))[0]}.html"))
    stamp.write_text(made_from)
    print("MathJax and the widget manager: " + (OFFLINE if vendored else ONLINE))
    print(f"The book is at {index}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(build())
    except KeyboardInterrupt:
        sys.exit("make book: interrupted; the next one goes on from here")

"""What a build does again and what it does not, and where its assets come from."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NPM = {"thing@1.0.0": {"package/dist/a.js": b"a", "package/fonts/b.woff": b"b"}}


def write_lecture(root: Path, source: str) -> None:
    cells = [nbformat.v4.new_code_cell(source, id="one")]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    nbformat.write(notebook, root / "lectures" / "01_small.ipynb")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The smallest project that build.py builds."""
    for folder in ("adaopt", "book", "lectures"):
        (tmp_path / folder).mkdir()
    (tmp_path / "adaopt" / "rule.py").write_text("LR = 1\n")
    (tmp_path / "requirements.txt").write_text("numpy==2.4.6\n")
    (tmp_path / "_config.yml").write_text("execute: {timeout: 60}\n")
    (tmp_path / "_toc.yml").write_text("root: book/intro\nchapters: [{file: lectures/01_small}]\n")
    (tmp_path / "book" / "intro.md").write_text("# Small\n")
    write_lecture(tmp_path, "open('runs', 'a').write('x')\nprint(6 * 7)")
    return tmp_path


def runs(project: Path) -> int:
    """How often the lecture has been executed."""
    path = project / "lectures" / "runs"
    return len(path.read_text()) if path.exists() else 0


def execute(project: Path) -> subprocess.CompletedProcess[str]:
    """Execute the lectures in a process of its own, which may set environment variables."""
    code = (
        "import sys; from pathlib import Path; import build\n"
        "root = Path(sys.argv[1])\n"
        "sys.exit(not build.execute_lectures(root, root / 'book/_build/.jupyter_cache'))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "book")}
    command = [sys.executable, "-c", code, str(project)]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_a_lecture_runs_once_and_again_when_the_package_changes(project: Path) -> None:
    assert execute(project).returncode == 0
    assert runs(project) == 1
    (project / "book" / "intro.md").write_text("# Other words\n")
    assert "0 to execute" in execute(project).stdout
    assert runs(project) == 1
    (project / "adaopt" / "rule.py").write_text("LR = 2\n")
    assert execute(project).returncode == 0
    assert runs(project) == 2


def test_a_raising_lecture_fails_until_it_is_mended(project: Path) -> None:
    write_lecture(project, "steps = 3\nraise RuntimeError('diverged at step 3')")
    for _ in range(2):
        failed = execute(project)
        assert failed.returncode == 1
        assert "01_small.ipynb" in failed.stderr
        assert "RuntimeError" in failed.stderr and "diverged at step 3" in failed.stderr
    write_lecture(project, "steps = 3")
    assert execute(project).returncode == 0


@pytest.mark.parametrize(
    ("name", "executes"),
    [("adaopt/rule.py", True), ("requirements.txt", True), ("book/intro.md", False)],
)
def test_what_a_change_touches(book, project: Path, name: str, executes: bool) -> None:
    execution = book.build.execution_digest(project)
    pages = book.build.book_digest(project, True)
    (project / name).write_text("changed\n")
    assert (book.build.execution_digest(project) != execution) is executes
    assert book.build.book_digest(project, True) != pages


def test_the_data_set_counts_and_built_files_do_not(book, project: Path, monkeypatch) -> None:
    monkeypatch.delenv("ADAOPT_DATA", raising=False)
    before = book.build.book_digest(project, True)
    for name in (
        "adaopt/__pycache__/rule.pyc",
        "book/_build/html/a.html",
        "book/catalog.md",
        "book/proof.md",
    ):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("built\n")
    assert book.build.book_digest(project, True) == before
    monkeypatch.setenv("ADAOPT_DATA", str(project))
    assert book.build.book_digest(project, True) != before


@pytest.fixture
def jupyter_book(book, monkeypatch) -> SimpleNamespace:
    """A stand-in for the jupyter-book command that counts its calls and fails on request."""
    made = SimpleNamespace(calls=0, status=0)

    def run(command: list, **_: object) -> SimpleNamespace:
        made.calls += 1
        html = Path(command[command.index("--path-output") + 1]) / "_build" / "html"
        html.mkdir(parents=True)
        return SimpleNamespace(returncode=made.status)

    monkeypatch.setattr(book.build.subprocess, "run", run)
    monkeypatch.setattr(book.build, "execute_lectures", lambda root, cache: True)
    monkeypatch.setattr(book.vendor, "vendor", lambda folder: True)
    monkeypatch.setattr(book.proof_page, "measure", lambda: {"methods": {}, "averages": {}})
    return made


def test_nothing_changed_nothing_built(book, project: Path, jupyter_book, capsys) -> None:
    assert book.build.build(project) == 0
    assert book.build.build(project) == 0
    assert jupyter_book.calls == 1
    assert capsys.readouterr().out.count(str(project / "book/_build/html/index.html")) == 2
    (project / "book" / "intro.md").write_text("# Other words\n")
    assert book.build.build(project) == 0
    assert jupyter_book.calls == 2


def test_a_failed_build_fails_again(book, project: Path, jupyter_book) -> None:
    assert book.build.build(project) == 0
    (project / "book" / "intro.md").write_text("[nowhere](nowhere.md)\n")
    jupyter_book.status = 1
    assert book.build.build(project) == 1
    assert book.build.build(project) == 1
    assert jupyter_book.calls == 3


@pytest.fixture
def npm(book, monkeypatch) -> SimpleNamespace:
    """A stand-in for npm that serves NPM and counts the packages fetched."""
    served = SimpleNamespace(fetched=0)
    for package, members in NPM.items():
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for name, data in members.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        wanted = {"dist/a.js": "a.js", "fonts/": "fonts/"}
        pins = {package: (book.vendor.integrity(buffer.getvalue()), wanted)}

    def pack(package: str, folder: str) -> Path:
        served.fetched += 1
        path = Path(folder) / "thing.tgz"
        path.write_bytes(buffer.getvalue())
        return path

    monkeypatch.setattr(book.vendor, "PINS", pins)
    monkeypatch.setattr(book.vendor, "pack", pack)
    return served


def test_assets_are_fetched_once(book, npm, tmp_path: Path) -> None:
    folder = tmp_path / "vendor"
    assert book.vendor.vendor(folder) and book.vendor.vendor(folder)
    assert npm.fetched == 1
    assert (folder / "a.js").read_bytes() == b"a"
    (folder / "fonts" / "b.woff").unlink()
    assert book.vendor.vendor(folder)
    assert npm.fetched == 2
    assert (folder / "fonts" / "b.woff").read_bytes() == b"b"
    assert [path.name for path in tmp_path.iterdir()] == ["vendor"]


def test_another_checksum_is_an_error(book, npm, tmp_path: Path, monkeypatch) -> None:
    wrong = {"thing@1.0.0": ("sha512-other", {"dist/a.js": "a.js"})}
    monkeypatch.setattr(book.vendor, "PINS", wrong)
    with pytest.raises(book.vendor.ChecksumError, match=r"thing@1\.0\.0 has sha512-.*sha512-other"):
        book.vendor.vendor(tmp_path / "vendor")
    assert list(tmp_path.iterdir()) == []


def test_without_npm_the_cdn_serves(book, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert book.vendor.vendor(tmp_path / "vendor") is False
    assert list(tmp_path.iterdir()) == []

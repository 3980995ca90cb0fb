"""One address of the repository, everywhere the same, and one command that changes it."""

import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def named(book, root: Path) -> dict[str, set[str]]:
    """For each file that names a repository called like ours: the names that it gives."""
    repository = book.address.current(root).split("/")[1]
    pattern = re.compile(
        book.address.HOSTS + r"([\w.-]+)/" + re.escape(repository) + r"(?![A-Za-z0-9_-])"
    )
    skipped = {"tests", "address.py", "Makefile"}
    found = {}
    for path in book.address.texts(root):
        owners = {match[2] for match in pattern.finditer(path.read_text(encoding="utf-8"))}
        if owners and not skipped & set(path.relative_to(root).parts):
            found[path.relative_to(root).as_posix()] = owners
    return found


def test_all_copies_of_the_address_are_equal(book) -> None:
    owner = book.address.current(ROOT).split("/")[0]
    copies = named(book, ROOT)
    # NAME and YOU stand in a sentence that says what to type.
    assert set().union(*copies.values()) - {"NAME", "YOU"} == {owner}
    assert {"_config.yml", "README.md", "pyproject.toml", "CITATION.cff"} <= set(copies)


def test_every_notebook_names_the_address(book) -> None:
    copies = named(book, ROOT)
    notebooks = [*ROOT.glob("lectures/*.ipynb"), *ROOT.glob("exercises/student/*/*.ipynb")]
    missing = [str(path) for path in notebooks if path.relative_to(ROOT).as_posix() not in copies]
    assert missing == []


def test_one_command_rewrites_every_copy(book, tmp_path: Path, capsys) -> None:
    before = named(book, ROOT)
    for name in before:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    assert book.address.main("https://github.com/ada-lovelace/adaopt.git", tmp_path) == 0
    printed = capsys.readouterr().out.splitlines()
    after = named(book, tmp_path)
    owner = book.address.current(ROOT).split("/")[0]
    assert set(printed) == {name for name, owners in before.items() if owner in owners}
    assert set().union(*after.values()) - {"NAME", "YOU"} == {"ada-lovelace"}
    assert not list(tmp_path.rglob("*.new"))
    # And back: nothing but the address has changed.
    book.address.main(f"https://github.com/{book.address.current(ROOT)}", tmp_path)
    assert all((tmp_path / name).read_text() == (ROOT / name).read_text() for name in before)


@pytest.mark.parametrize(
    "url", ["", "adaopt", "http://github.com/a/b", "https://gitlab.com/a/b", "https://github.com/a"]
)
def test_an_odd_address_is_refused_by_name(book, tmp_path: Path, capsys, url: str) -> None:
    shutil.copy(ROOT / "_config.yml", tmp_path)
    assert book.address.main(url, tmp_path) == 2
    assert f"Invalid address: {url!r}" in capsys.readouterr().err
    assert (tmp_path / "_config.yml").read_text() == (ROOT / "_config.yml").read_text()

"""Set the repository's address everywhere: `make address URL=https://github.com/NAME/adaopt`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SUFFIXES = {".cff", ".ipynb", ".js", ".md", ".py", ".toml", ".yml"}
# Built, or not ours; a notebook's checkpoints are copies.
SKIPPED = {".git", ".venv", "_build", "vendor", "autograder", "__pycache__", ".ipynb_checkpoints"}
# Every form in which a page or a notebook names a repository.
HOSTS = (
    r"(github\.com/|raw\.githubusercontent\.com/|colab\.research\.google\.com/github/"
    r"|mybinder\.org/v2/gh/)"
)
ADDRESS = re.compile(r"https://github\.com/([A-Za-z0-9-]+/[A-Za-z0-9._-]+?)(?:\.git)?/?")


def parse(url: str) -> str:
    """The NAME/REPOSITORY of an address.

    Raises:
        ValueError: the address is missing or is not that of a GitHub repository.
    """
    match = ADDRESS.fullmatch(url)
    if not match:
        raise ValueError(
            f"Invalid address: {url!r}. Give it as make address URL=https://github.com/NAME/adaopt"
            " (Colab opens notebooks from GitHub alone)"
        )
    return match[1]


def current(root: Path) -> str:
    """The NAME/REPOSITORY that _config.yml has now."""
    config = (root / "_config.yml").read_text(encoding="utf-8")
    return parse(re.search(r"^ +url: (\S+)$", config, re.MULTILINE)[1])


def texts(root: Path) -> list[Path]:
    """Every file that can name the address."""
    return sorted(
        path
        for path in root.rglob("*")
        if path.suffix in SUFFIXES
        and not SKIPPED & set(path.relative_to(root).parts)
        and path.is_file()
    )


def rewrite(root: Path, url: str) -> list[Path]:
    """Replace the old address by the new one; returns the files that changed."""
    new, old = parse(url), current(root)
    copies = re.compile(HOSTS + re.escape(old) + r"(?![A-Za-z0-9_-])")
    changed = []
    for path in texts(root):
        text = path.read_text(encoding="utf-8")
        replaced = copies.sub(lambda match: match[1] + new, text)
        if replaced != text:
            beside = path.with_name(path.name + ".new")
            beside.write_text(replaced, encoding="utf-8")
            beside.replace(path)
            changed.append(path)
    return changed


def main(url: str, root: Path = ROOT) -> int:
    try:
        changed = rewrite(root, url)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(str(path.relative_to(root)) for path in changed) or "Nothing to change.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))

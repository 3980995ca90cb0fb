"""Third-party browser assets, fetched once with npm, pinned by SHA-512, never committed."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

# npm package -> (its integrity, {file or folder in the package -> the same in the vendor folder})
PINS = {
    "mathjax@3.2.2": (
        "sha512-Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw==",
        {
            "es5/tex-mml-chtml.js": "mathjax/tex-mml-chtml.js",
            "es5/input/tex/extensions/": "mathjax/input/tex/extensions/",
            "es5/output/chtml/fonts/woff-v2/": "mathjax/output/chtml/fonts/woff-v2/",
        },
    ),
    "requirejs@2.3.7": (
        "sha512-DouTG8T1WanGok6Qjg2SXuCMzszOo0eHeH9hDZ5Y4x8Je+9JB38HdTLT4/VA8OaUhBa0JPVHJ0pyBkM1z+pDsw==",
        {"require.js": "require.js"},
    ),
    "@jupyter-widgets/html-manager@1.0.15": (
        "sha512-5thBIV6ymNgmPVOHvzx+gGy8ZSKmSazhtGw4/c4xJDVzRhG9PTeQsRjF3FUTopvFi//SABeNz1yp47bCrJ3CQA==",
        {"dist/embed-amd.js": "embed-amd.js"},
    ),
}


class ChecksumError(RuntimeError):
    """A fetched package is not the pinned one."""


def integrity(data: bytes) -> str:
    """npm's integrity string of these bytes."""
    return "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()


def unpack(tarball: Path, wanted: dict[str, str], into: Path) -> list[str]:
    """Copy the wanted files of an npm tarball; returns their paths below ``into``."""
    written = []
    with tarfile.open(tarball) as archive:
        for member in archive:
            name = member.name.removeprefix("package/")
            for source, goal in wanted.items():
                folder = source.endswith("/") and name.startswith(source)
                if not member.isfile() or not (folder or name == source):
                    continue
                path = goal + name.removeprefix(source)
                (into / path).parent.mkdir(parents=True, exist_ok=True)
                (into / path).write_bytes(archive.extractfile(member).read())
                written.append(path)
    return written


def pack(package: str, folder: str) -> Path | None:
    """Fetch one package's tarball with npm; None where npm is missing or cannot fetch."""
    command = ["npm", "pack", package, "--silent", "--fetch-retries=0"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return Path(folder) / done.stdout.split()[-1] if done.returncode == 0 and done.stdout else None


def complete(folder: Path) -> bool:
    """Whether the folder holds every file of exactly these pins."""
    try:
        record = json.loads((folder / "complete.json").read_text())
    except (OSError, ValueError):
        return False
    same = record["pins"] == {package: pin for package, (pin, _) in PINS.items()}
    return same and all((folder / path).is_file() for path in record["files"])


def vendor(folder: Path) -> bool:
    """Fill ``folder`` unless it is complete; False where the CDN has to serve instead.

    Raises:
        ChecksumError: a package arrived that is not the pinned one.
    """
    if complete(folder):
        return True
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".vendor-") as work:
        beside = Path(work) / "vendor"
        files = []
        for package, (pin, wanted) in PINS.items():
            print(f"fetching {package}", flush=True)
            tarball = pack(package, work)
            if tarball is None:
                return False
            found = integrity(tarball.read_bytes())
            if found != pin:
                raise ChecksumError(f"{package} has {found}, the pinned checksum is {pin}")
            files += unpack(tarball, wanted, beside)
        record = {"pins": {package: pin for package, (pin, _) in PINS.items()}, "files": files}
        (beside / "complete.json").write_text(json.dumps(record, indent=1))
        beside.rename(folder)
    return True

"""A tiny Fashion-MNIST in the official format, so that the reader is tested on every machine."""

import gzip
import hashlib
import struct
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from adaopt.data import fashion_mnist

SIZES = {"train": 40, "test": 20}


def idx(array: np.ndarray) -> bytes:
    """uint8 values with an IDX header."""
    header = struct.pack(f">I{array.ndim}I", 0x0800 + array.ndim, *array.shape)
    return header + array.tobytes()


def publish(path: Path, data: bytes) -> fashion_mnist.File:
    """Write ``data`` packed, and return the sums a publisher would state."""
    packed = gzip.compress(data, mtime=0)
    path.write_bytes(packed)
    md5 = hashlib.md5(packed).hexdigest()
    return fashion_mnist.File(path.name, len(packed), md5, hashlib.sha256(data).hexdigest())


@pytest.fixture
def tiny(tmp_path, monkeypatch) -> Path:
    """The folder of a small valid set, which ADAOPT_DATA points at and whose sums are expected."""
    folder = tmp_path / "fashion_mnist"
    folder.mkdir()
    rng = np.random.default_rng(0)
    files = {}
    for split, (images, labels) in fashion_mnist.FILES.items():
        n = SIZES[split]
        pixels = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        kinds = np.arange(n, dtype=np.uint8) % 10
        files[split] = (
            publish(folder / images.name, idx(pixels)),
            publish(folder / labels.name, idx(kinds)),
        )
    monkeypatch.setattr(fashion_mnist, "FILES", files)
    monkeypatch.setenv("ADAOPT_DATA", str(tmp_path))
    return folder


@pytest.fixture
def unset(monkeypatch) -> None:
    """No ADAOPT_DATA."""
    monkeypatch.delenv("ADAOPT_DATA", raising=False)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """A cache folder of the test's own, empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "adaopt" / "fashion_mnist"


@pytest.fixture
def mirror(tiny, monkeypatch):
    """A server on this machine that offers the tiny set; yields the paths it was asked for."""
    monkeypatch.delenv("ADAOPT_DATA")
    asked = []

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tiny))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setattr(fashion_mnist, "MIRRORS", (f"{address}nowhere/", address))
        yield asked
        server.shutdown()

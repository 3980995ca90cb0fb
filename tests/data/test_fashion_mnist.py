import os
import re

import numpy as np
import pytest

from adaopt.data import load_fashion_mnist
from adaopt.data.fashion_mnist import read_idx

REAL = bool(os.environ.get("ADAOPT_DATA"))


@pytest.mark.parametrize("split, n", [("train", 60_000), ("test", 10_000)])
def test_shapes_types_and_balance(split, n, request):
    """On the official files where ADAOPT_DATA is set, else on the tiny set."""
    if not REAL:
        request.getfixturevalue("tiny")
        n = {"train": 40, "test": 20}[split]
    images, labels = load_fashion_mnist(split)
    assert (images.shape, labels.shape) == ((n, 28, 28), (n,))
    assert images.dtype == labels.dtype == np.uint8
    assert np.bincount(labels).tolist() == [n // 10] * 10
    assert images.flags.writeable and labels.flags.writeable
    if REAL and split == "train":  # published statistics of the training pixels
        assert round(images.mean() / 255, 6) == 0.286041
        assert round(images.std() / 255, 6) == 0.353024


def test_reads_the_values_row_by_row(tiny):
    images, labels = load_fashion_mnist("test")
    rng = np.random.default_rng(0)
    rng.integers(0, 256, (40, 28, 28), dtype=np.uint8)  # the training images come first
    assert np.array_equal(images, rng.integers(0, 256, (20, 28, 28), dtype=np.uint8))
    assert labels.tolist() == [*range(10), *range(10)]


def test_relative_path_is_refused_and_resolved(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ADAOPT_DATA", "my/data")
    meant = re.escape(str(tmp_path / "my/data"))
    with pytest.raises(ValueError, match=rf"absolute path, got 'my/data'.* {meant}:"):
        load_fashion_mnist()


def test_missing_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("ADAOPT_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match=r"folder that does not exist: .*nowhere"):
        load_fashion_mnist()


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"])
@pytest.mark.parametrize(
    "damage, error, message",
    [
        (None, FileNotFoundError, "is missing"),
        (lambda b: b[:-9], ValueError, r"is truncated: \d[\d,]* bytes instead of \d"),
        (lambda b: b"", ValueError, "is truncated: 0 bytes"),
        (lambda b: b + b"x", ValueError, "is too long"),
        (lambda b: b[:30] + bytes([b[30] ^ 1]) + b[31:], ValueError, "is corrupted: its MD5"),
    ],
    ids=["missing", "truncated", "empty", "longer", "one bit"],
)
def test_damaged_file_is_named_with_its_remedy(tiny, name, damage, error, message):
    path = tiny / name
    data = path.read_bytes()
    path.unlink()
    if damage:
        path.write_bytes(damage(data))
    with pytest.raises(error, match=rf"{re.escape(name)} {message}.*Fetch {re.escape(name)} again"):
        load_fashion_mnist("train")
    load_fashion_mnist("test")  # the other split is untouched


def test_contents_are_checked_too(tiny, monkeypatch):
    from adaopt.data import fashion_mnist

    images, labels = fashion_mnist.FILES["test"]
    forged = {"test": (images, labels._replace(sha256="0" * 64))}
    monkeypatch.setattr(fashion_mnist, "FILES", forged)
    with pytest.raises(ValueError, match=r"t10k-labels.*SHA-256 is not 0000"):
        load_fashion_mnist("test")


@pytest.mark.parametrize("split", ["validation", "", None])
def test_other_splits_are_refused(split):
    with pytest.raises(ValueError, match=rf"Invalid split: {split!r}"):
        load_fashion_mnist(split)


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "magic number: none"),
        (b"\x00\x00\x08\x02" + bytes(20), "magic number: 0x00000802"),
        (b"PK\x03\x04" + bytes(20), "magic number: 0x504b0304"),
        (b"\x00\x00\x08\x01\x00\x00\x00\x03ab", r"\[3\] need 11 bytes, found 10"),
        (b"\x00\x00\x08\x01\x00\x00\x00\x03abcd", r"\[3\] need 11 bytes, found 12"),
        (b"\x00\x00\x08\x03\x00\x00", "IDX header is cut off"),
    ],
)
def test_read_idx_refuses_what_is_not_idx(data, message):
    with pytest.raises(ValueError, match=message):
        read_idx(data)


def test_nothing_is_printed(tiny, capfd):
    load_fashion_mnist("test")
    assert capfd.readouterr() == ("", "")

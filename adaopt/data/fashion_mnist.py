"""Fashion-MNIST from its four official files, checked byte for byte; nothing is downloaded."""

import gzip
import hashlib
import os
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

VARIABLE = "ADAOPT_DATA"
HOME = "https://github.com/zalandoresearch/fashion-mnist"


class File(NamedTuple):
    """One official file: bytes and MD5 as published, SHA-256 of the unpacked IDX bytes."""

    name: str
    size: int
    md5: str
    sha256: str


FILES = {
    "train": (
        File(
            "train-images-idx3-ubyte.gz",
            26_421_880,
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
        File(
            "train-labels-idx1-ubyte.gz",
            29_515,
            "25c81989df183df01b3e8a0aad5dffbe",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
    ),
    "test": (
        File(
            "t10k-images-idx3-ubyte.gz",
            4_422_102,
            "bef4ecab320f06d8554ea6380940ec79",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        ),
        File(
            "t10k-labels-idx1-ubyte.gz",
            5_148,
            "bb300cfdad3c16e7a12a480ee83cd310",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    ),
}


def load_fashion_mnist(split: str = "train") -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The images and labels of Fashion-MNIST, from ``$ADAOPT_DATA/fashion_mnist/*.gz``.

    The environment variable ADAOPT_DATA holds the absolute path of a folder whose subfolder
    ``fashion_mnist`` has the four official files. They are read anew at each call (about half a
    second for ``"train"``) and every byte is checked.

    Args:
        split: "train", 60,000 images, or "test", 10,000; of each kind 6,000 or 1,000.

    Returns:
        The pair (images, labels) of uint8 arrays (n, 28, 28) and (n,). In images 0 is background
        and 255 white; the labels are 0 T-shirt/top, 1 Trouser, 2 Pullover, 3 Dress, 4 Coat,
        5 Sandal, 6 Shirt, 7 Sneaker, 8 Bag, 9 Ankle boot.

    Raises:
        ValueError: another split; ADAOPT_DATA is a relative path; a file is truncated or corrupted.
        FileNotFoundError: ADAOPT_DATA is not set, or the folder or a file is missing.

    Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking
    Machine Learning Algorithms", arXiv:1708.07747 (2017). MIT licence, Copyright 2017 Zalando SE.
    """
    check_split(split)
    root = data_root()
    if root is None:
        raise FileNotFoundError(
            f"Fashion-MNIST needs {VARIABLE}: set it to the absolute path of a folder whose "
            f"subfolder fashion_mnist holds the four .gz files of {HOME}. "
            "Without them, load_images() gives drawn garments"
        )
    images, labels = (read_idx(_verified(root / "fashion_mnist", file)) for file in FILES[split])
    return images, labels


def check_split(split: str) -> None:
    """Refuse anything but "train" and "test"."""
    if split not in FILES:
        raise ValueError(f"Invalid split: {split!r}. Expected 'train' or 'test'")


def data_root() -> Path | None:
    """The folder that ADAOPT_DATA names; None when it is unset or empty."""
    value = os.environ.get(VARIABLE, "")
    if not value:
        return None
    root = Path(value)
    if not root.is_absolute():
        raise ValueError(
            f"{VARIABLE} must be an absolute path, got {value!r}. "
            f"From the current folder that would be {root.resolve()}: set it to that if it is meant"
        )
    if not root.is_dir():
        raise FileNotFoundError(f"{VARIABLE} names a folder that does not exist: {root}")
    return root


def read_idx(data: bytes) -> NDArray[np.uint8]:
    """The uint8 array in IDX bytes: magic 0x0800 + dimensions, big-endian sizes, then the values.

    Raises ValueError for another magic number and for a length that is not what the sizes say.
    """
    magic = struct.unpack(">I", data[:4])[0] if len(data) >= 4 else None
    if magic not in (0x0801, 0x0803):
        found = "none" if magic is None else f"{magic:#010x}"
        raise ValueError(f"Invalid IDX magic number: {found}. Expected 0x00000801 or 0x00000803")
    start = 4 + 4 * (magic & 0xFF)
    if len(data) < start:
        raise ValueError(f"The IDX header is cut off: {len(data)} of {start} bytes")
    shape = np.frombuffer(data[4:start], dtype=">u4").tolist()
    expected = start + int(np.prod(shape, dtype=np.int64))
    if len(data) != expected:
        raise ValueError(f"IDX sizes {shape} need {expected:,} bytes, found {len(data):,}")
    return np.frombuffer(data, dtype=np.uint8, offset=start).reshape(shape).copy()


def _verified(folder: Path, file: File) -> bytes:
    """The unpacked bytes of an official file, or an error that names what is wrong with it."""
    path = folder / file.name
    remedy = f"Fetch {file.name} again from {HOME}"
    if not path.is_file():
        raise FileNotFoundError(f"{VARIABLE} is set, but {path} is missing. {remedy}")
    packed = path.read_bytes()
    if len(packed) != file.size:
        state = "truncated" if len(packed) < file.size else "too long"
        found = f"{len(packed):,} bytes instead of {file.size:,}"
        raise ValueError(f"{path} is {state}: {found}. {remedy}")
    if hashlib.md5(packed, usedforsecurity=False).hexdigest() != file.md5:
        raise ValueError(f"{path} is corrupted: its MD5 is not the published {file.md5}. {remedy}")
    data = gzip.decompress(packed)
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise ValueError(
            f"{path} is corrupted: its contents' SHA-256 is not {file.sha256}. {remedy}"
        )
    return data

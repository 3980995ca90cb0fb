"""Fashion-MNIST from its four official files, fetched where they are wanted, and checked."""

import gzip
import hashlib
import os
import struct
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

VARIABLE = "ADAOPT_DATA"
HOME = "https://github.com/zalandoresearch/fashion-mnist"
MIRRORS = (
    f"{HOME}/raw/master/data/fashion/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)
PATIENCE = 5  # seconds without an answer, for each of the two mirrors


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


def load_fashion_mnist(
    split: str = "train", progress: bool = True
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The images and labels of Fashion-MNIST, checked byte for byte (about half a second).

    Where the environment variable ADAOPT_DATA is set, it is the absolute path of a folder whose
    subfolder ``fashion_mnist`` has the four official files, and nothing is fetched. Else they are
    in the user's cache folder; what is missing or damaged there is fetched from the official
    mirrors (31 MB in all) and kept. A file is written under another name and renamed when it is
    whole and its MD5 is right, so that processes may fetch at the same time.

    Args:
        split: "train", 60,000 images, or "test", 10,000; of each kind 6,000 or 1,000.
        progress: show a bar while fetching.

    Returns:
        The pair (images, labels) of uint8 arrays (n, 28, 28) and (n,). In images 0 is background
        and 255 white; the labels are 0 T-shirt/top, 1 Trouser, 2 Pullover, 3 Dress, 4 Coat,
        5 Sandal, 6 Shirt, 7 Sneaker, 8 Bag, 9 Ankle boot.

    Raises:
        ValueError: another split; ADAOPT_DATA is a relative path; its files are damaged.
        FileNotFoundError: the folder that ADAOPT_DATA names, or a file in it, is missing.
        ConnectionError: the files are not there and no mirror gives them; the three ways out.

    Warns:
        UserWarning: a file in the cache is damaged and fetched again.

    Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking
    Machine Learning Algorithms", arXiv:1708.07747 (2017). MIT licence, Copyright 2017 Zalando SE.
    """
    check_split(split)
    if data_root() is None:
        for file in FILES[split]:
            _fetch(file, progress)
    return read_fashion_mnist(split)


def read_fashion_mnist(split: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """As :func:`load_fashion_mnist`, from the files at hand: nothing is fetched."""
    check_split(split)
    images, labels = (read_idx(_verified(folder() / file.name, file)) for file in FILES[split])
    return images, labels


def fashion_mnist_at_hand() -> bool:
    """Whether ADAOPT_DATA is set (what it names must then be whole), or all files are cached."""
    names = [file.name for pair in FILES.values() for file in pair]
    return data_root() is not None or all((folder() / name).is_file() for name in names)


def folder() -> Path:
    """Where the four files are: in the folder of ADAOPT_DATA, else in the user's cache folder."""
    import pooch

    return (data_root() or Path(pooch.os_cache("adaopt"))) / "fashion_mnist"


def _fetch(file: File, progress: bool) -> None:
    """Bring a file that is missing or damaged into the cache, from the first mirror that has it."""
    import pooch

    path = folder() / file.name
    if path.is_file():
        damage = _damage(path.read_bytes(), file)
        if not damage:
            return
        warnings.warn(f"{file.name} in the cache is {damage}: fetching it again", stacklevel=3)
    pooch.get_logger().setLevel("WARNING")  # its notes name the folder
    how, reasons = pooch.HTTPDownloader(progressbar=progress, timeout=PATIENCE), []
    for mirror in MIRRORS:
        url, known = mirror + file.name, f"md5:{file.md5}"
        try:
            pooch.retrieve(url, known, file.name, path.parent, downloader=how)
            return
        except (OSError, ValueError) as error:  # no connection, no such file, other bytes
            reasons.append(f"{url}: {type(error).__name__}")
    raise ConnectionError(
        f"Fashion-MNIST is not on this machine and cannot be fetched ({'; '.join(reasons)}). "
        f"Three ways out: try again with a network; set {VARIABLE} to the absolute path of a "
        f"folder whose subfolder fashion_mnist holds the four .gz files of {HOME}; or take "
        "load_images(), which gives drawn garments"
    )


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


def _verified(path: Path, file: File) -> bytes:
    """The unpacked bytes of an official file, or an error that names what is wrong with it."""
    remedy = f"Fetch {file.name} again from {HOME}"
    if data_root() is None:
        remedy = "load_fashion_mnist() fetches it again"
    if not path.is_file():
        raise FileNotFoundError(f"{VARIABLE} is set, but {path} is missing. {remedy}")
    packed = path.read_bytes()
    if damage := _damage(packed, file):
        raise ValueError(f"{path} is {damage}. {remedy}")
    data = gzip.decompress(packed)
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise ValueError(
            f"{path} is corrupted: its contents' SHA-256 is not {file.sha256}. {remedy}"
        )
    return data


def _damage(packed: bytes, file: File) -> str:
    """What is wrong with the packed bytes; nothing if they are the published ones."""
    if len(packed) != file.size:
        state = "truncated" if len(packed) < file.size else "too long"
        return f"{state}: {len(packed):,} bytes instead of {file.size:,}"
    if hashlib.md5(packed, usedforsecurity=False).hexdigest() != file.md5:
        return f"corrupted: its MD5 is not the published {file.md5}"
    return ""

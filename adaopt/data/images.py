"""Images on every machine: Fashion-MNIST where it is, drawn garments elsewhere."""

import operator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adaopt.data.fashion_mnist import (
    check_split,
    fashion_mnist_at_hand,
    read_fashion_mnist,
)
from adaopt.data.garments import KINDS, drawn_garments

CLASS_NAMES = tuple(KINDS)
DRAWN = {"train": (12_000, 0), "test": (2_000, 1)}  # number and seed


@dataclass(frozen=True, eq=False)
class Images:
    """Labelled grey images, and which data they are.

    Attributes:
        images: uint8 array (n, 28, 28), 0 the background.
        labels: uint8 array (n,), indices into class_names.
        name: "Fashion-MNIST" or "drawn garments".
        note: one sentence that says which data these are, for the screen and for figures.
        class_names: the ten kinds, in the order of the labels.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    name: str
    note: str
    class_names: tuple[str, ...] = CLASS_NAMES


def load_images(split: str = "train", n: int | None = None) -> Images:
    """Fashion-MNIST from ADAOPT_DATA or the cache, else drawn garments; nothing is downloaded.

    Args:
        split: "train" or "test": 60,000 or 10,000 images of Fashion-MNIST, 12,000 or 2,000 drawn.
        n: only the first n images (both sets come in random order); None means all.

    Returns:
        Images, whose ``name`` and ``note`` say which data they are.

    Raises:
        ValueError: another split; n below 1 or above what the set holds.
        ValueError, FileNotFoundError: ADAOPT_DATA is set or the cache is filled, but Fashion-MNIST
            cannot be read there: broken data are never replaced in silence.

    Sources and licences: see ``load_fashion_mnist`` and ``drawn_garments``.
    """
    check_split(split)
    drawn = not fashion_mnist_at_hand()
    images, labels = drawn_garments(*DRAWN[split]) if drawn else read_fashion_mnist(split)
    count = len(labels) if n is None else operator.index(n)
    if not 1 <= count <= len(labels):
        raise ValueError(f"Invalid n: {n}. There are {len(labels):,} images ({split})")
    name = "drawn garments" if drawn else "Fashion-MNIST"
    reason = ", generated (load_fashion_mnist() fetches Fashion-MNIST)" if drawn else ""
    note = f"Data: {name}, {count:,} images ({split}){reason}."
    return Images(images[:count], labels[:count], name, note)

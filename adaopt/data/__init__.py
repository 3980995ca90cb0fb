"""Data for the course: real where they are to be had, generated elsewhere; torch is not needed.

``load_fashion_mnist`` reads the official files, ``drawn_garments`` draws a stand-in,
``load_images`` takes whichever there is and says which, and ``docstring_corpus`` is real text.
"""

from adaopt.data.fashion_mnist import load_fashion_mnist
from adaopt.data.garments import drawn_garments
from adaopt.data.images import CLASS_NAMES, Images, load_images
from adaopt.data.text import docstring_corpus

__all__ = [
    "CLASS_NAMES",
    "Images",
    "docstring_corpus",
    "drawn_garments",
    "load_fashion_mnist",
    "load_images",
]

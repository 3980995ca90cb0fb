"""The functions of :mod:`adaopt.linalg`, under this name too."""

from adaopt.linalg import *  # noqa: F403

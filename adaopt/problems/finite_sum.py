"""The finite sum of lecture 1."""

from abc import ABC, abstractmethod

import numpy as np


class FiniteSum(ABC):
    r"""A mean of n functions of a vector, :math:`f(x) = \frac1n \sum_{i=1}^n f_i(x)`.

    A subclass sets ``n``, ``dim`` and ``name`` and defines :meth:`f_i` and :meth:`grad_i`; it
    overrides what it can compute faster. Indices run from 0 to n - 1.

    Attributes:
        n: number of terms.
        dim: length of x.
        name: what the problem is called in messages and figures.
        smoothness: L, the Lipschitz constant of the gradient of f; None when unknown.
        component_smoothness: the largest L_i of a term; None when unknown.
        strong_convexity: mu >= 0; None when unknown.
        minimizer: where f is smallest, shape (dim,); None when unknown.
        minimum: the value of f there; None when unknown.
    """

    n: int
    dim: int
    name: str = ""
    smoothness: float | None = None
    component_smoothness: float | None = None
    strong_convexity: float | None = None
    minimizer: np.ndarray | None = None
    minimum: float | None = None

    @abstractmethod
    def f_i(self, i: int | np.ndarray, x: np.ndarray) -> float | np.ndarray:
        """The value of term i, or the array of values for an array of indices."""

    @abstractmethod
    def grad_i(self, i: int | np.ndarray, x: np.ndarray) -> np.ndarray:
        """The gradient of term i, shape (dim,), or (len(i), dim) for an array of indices."""

    def f(self, x: np.ndarray) -> float:
        """The mean of all terms."""
        return float(np.mean(self.f_i(np.arange(self.n), x)))

    def grad(self, x: np.ndarray) -> np.ndarray:
        """The gradient of f: the mean of all n component gradients, shape (dim,)."""
        return self.grad_batch(np.arange(self.n), x)

    def grad_batch(self, indices: np.ndarray, x: np.ndarray) -> np.ndarray:
        """The mean of the component gradients with these indices (repeats count), shape (dim,)."""
        return np.mean(self.grad_i(self._indices(indices), x), axis=0)

    def _indices(self, i: int | np.ndarray) -> np.ndarray:
        """i as an integer array within 0..n-1: a wrong index must not wrap around silently."""
        i = np.asarray(i)
        if i.dtype.kind not in "iu":
            raise TypeError(f"i must be an integer or an array of integers, not {i.dtype}")
        if i.size == 0:
            raise ValueError("i is empty: a batch needs at least one index")
        if i.min() < 0 or i.max() >= self.n:
            raise IndexError(f"i runs from 0 to n - 1 = {self.n - 1}, not {i.min()}..{i.max()}")
        return i

    def _vector(self, x: np.ndarray) -> np.ndarray:
        x = np.asarray(x)
        if x.shape != (self.dim,):
            raise ValueError(f"x has shape {x.shape}, expected ({self.dim},)")
        return x

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r}, n={self.n}, dim={self.dim})"

"""Least squares and logistic regression: terms that depend on x through one inner product."""

from abc import abstractmethod
from functools import cached_property

import numpy as np

from adaopt.problems.finite_sum import FiniteSum


class LinearModel(FiniteSum):
    r"""Terms :math:`f_i(x) = \varphi(a_i^\top x, b_i) + \tfrac{\lambda}{2} \|x\|^2`.

    A subclass defines :math:`\varphi(z, b)` and its first two derivatives in z, and
    ``max_curvature``, the supremum of the second one.

    Args:
        A: rows a_i, shape (n, dim).
        b: one target b_i per row, shape (n,).
        l2: the weight lambda >= 0 of the squared norm, default 0.
        name: what the problem is called.

    Raises:
        ValueError: shapes that do not fit, numbers that are not finite, l2 < 0.
    """

    max_curvature: float

    def __init__(self, A: np.ndarray, b: np.ndarray, l2: float = 0.0, name: str = "") -> None:
        self.A, self.b = _data("A", A, 2), _data("b", b, 1)
        self.n, self.dim = self.A.shape
        if self.b.shape != (self.n,):
            raise ValueError(f"b has shape {self.b.shape}, expected ({self.n},): one per row of A")
        if not (np.isfinite(l2) and l2 >= 0):
            raise ValueError(f"l2 must be a number >= 0, not {l2}")
        self.l2, self.name = float(l2), name or type(self).__name__

    @abstractmethod
    def phi(self, z: np.ndarray, b: np.ndarray) -> np.ndarray:
        """The loss of a prediction z for the target b."""

    @abstractmethod
    def slope(self, z: np.ndarray, b: np.ndarray) -> np.ndarray:
        """The derivative of phi in z."""

    @abstractmethod
    def curvature(self, z: np.ndarray, b: np.ndarray) -> np.ndarray:
        """The second derivative of phi in z."""

    def f(self, x: np.ndarray) -> float:
        x = self._vector(x)
        return float(np.mean(self.phi(self.A @ x, self.b)) + self.l2 / 2 * (x @ x))

    def grad(self, x: np.ndarray) -> np.ndarray:
        x = self._vector(x)
        return self.A.T @ self.slope(self.A @ x, self.b) / self.n + self.l2 * x

    def hessian(self, x: np.ndarray) -> np.ndarray:
        """The matrix of second derivatives of f, shape (dim, dim)."""
        weight = self.curvature(self.A @ self._vector(x), self.b)
        return (self.A.T * weight) @ self.A / self.n + self.l2 * np.eye(self.dim)

    def f_i(self, i: int | np.ndarray, x: np.ndarray) -> float | np.ndarray:
        i, x = self._indices(i), self._vector(x)
        return self.phi(self.A[i] @ x, self.b[i]) + self.l2 / 2 * (x @ x)

    def grad_i(self, i: int | np.ndarray, x: np.ndarray) -> np.ndarray:
        i, x = self._indices(i), self._vector(x)
        slope = self.slope(self.A[i] @ x, self.b[i])
        return slope[..., None] * self.A[i] + self.l2 * x

    def grad_batch(self, indices: np.ndarray, x: np.ndarray) -> np.ndarray:
        i, x = self._indices(indices), self._vector(x)
        rows = self.A[i]
        return self.slope(rows @ x, self.b[i]) @ rows / i.size + self.l2 * x

    @cached_property
    def smoothness(self) -> float:
        """L: the largest eigenvalue of max_curvature A'A / n + l2 I."""
        return self.max_curvature * np.linalg.norm(self.A, 2) ** 2 / self.n + self.l2

    @cached_property
    def component_smoothness(self) -> float:
        """The largest L_i = max_curvature |a_i|^2 + l2."""
        return self.max_curvature * float(np.max(np.sum(self.A**2, axis=1))) + self.l2

    @cached_property
    def minimum(self) -> float:
        """The value of f at the minimizer."""
        return self.f(self.minimizer)


class LeastSquares(LinearModel):
    r""":math:`f(x) = \frac{1}{2n} \|Ax - b\|^2 + \frac{\lambda}{2} \|x\|^2`.

    Its terms are :math:`f_i(x) = \frac12 (a_i^\top x - b_i)^2 + \frac\lambda2 \|x\|^2`. Arguments
    and errors are those of :class:`LinearModel`.
    """

    max_curvature = 1.0

    def phi(self, z: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (z - b) ** 2 / 2

    def slope(self, z: np.ndarray, b: np.ndarray) -> np.ndarray:
        return z - b

    def curvature(self, z: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.ones_like(z)

    @cached_property
    def strong_convexity(self) -> float:
        """mu: the smallest eigenvalue of A'A / n + l2 I."""
        smallest = np.linalg.svd(self.A, compute_uv=False)[-1] if self.n >= self.dim else 0.0
        return float(smallest**2 / self.n + self.l2)

    @cached_property
    def minimizer(self) -> np.ndarray:
        """The solution of the normal equations; the shortest one when there are several."""
        rows = np.vstack([self.A, np.sqrt(self.n * self.l2) * np.eye(self.dim)])
        x = np.linalg.lstsq(rows, np.append(self.b, np.zeros(self.dim)), rcond=None)[0]
        x.setflags(write=False)
        return x


class Logistic(LinearModel):
    r""":math:`f(x) = \frac1n \sum_i \log(1 + e^{-y_i a_i^\top x}) + \frac\lambda2 \|x\|^2`.

    The labels y_i are -1 or +1. Values and gradients stay finite and accurate for margins of any
    size. Arguments and errors are those of :class:`LinearModel`.
    """

    max_curvature = 0.25

    def __init__(self, A: np.ndarray, y: np.ndarray, l2: float = 0.0, name: str = "") -> None:
        super().__init__(A, y, l2, name)
        wrong = self.b[np.abs(self.b) != 1]
        if wrong.size:
            raise ValueError(f"labels y must be -1 or +1, not {wrong[0]:g}")

    @property
    def y(self) -> np.ndarray:
        """The labels, -1 or +1."""
        return self.b

    def phi(self, z: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.logaddexp(0, -b * z)

    def slope(self, z: np.ndarray, b: np.ndarray) -> np.ndarray:
        return -b * sigmoid(-b * z)

    def curvature(self, z: np.ndarray, b: np.ndarray) -> np.ndarray:
        return sigmoid(z) * sigmoid(-z)

    @property
    def strong_convexity(self) -> float:
        """mu = l2: far away the loss is flat."""
        return self.l2

    @cached_property
    def minimizer(self) -> np.ndarray:
        """Newton's method, halving the step until f falls, to a gradient norm of 1e-12.

        Raises:
            ValueError: with l2 = 0 and classes that a plane separates there is no minimizer: x
                runs away while the gradient vanishes.
        """
        x = np.zeros(self.dim)
        for _ in range(100):
            g = self.grad(x)
            newton = np.linalg.lstsq(self.hessian(x), g, rcond=None)[0]
            if np.linalg.norm(g) <= 1e-12 and np.linalg.norm(newton) <= 1e-3 * np.linalg.norm(x):
                x.setflags(write=False)
                return x
            t = 1.0
            while self.f(x - t * newton) > self.f(x) + 1e-15 and t > 1e-10:
                t /= 2
            x = x - t * newton
        raise ValueError(f"{self!r} has no minimizer (l2 = {self.l2:g}): use l2 > 0")


def sigmoid(z: np.ndarray) -> np.ndarray:
    r""":math:`1 / (1 + e^{-z})` without overflow and with small relative error in both tails."""
    return np.exp(-np.logaddexp(0, -z))


def _data(name: str, values: np.ndarray, ndim: int) -> np.ndarray:
    """A read-only float64 copy, checked."""
    a = np.array(values, dtype=float)
    if a.ndim != ndim or a.size == 0:
        raise ValueError(f"{name} has shape {a.shape}; expected {ndim} non-empty dimensions")
    if not np.isfinite(a).all():
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(a))[0])
        raise ValueError(f"{name} is {a[at]} at index {at}")
    a.setflags(write=False)
    return a

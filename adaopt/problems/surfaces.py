"""Functions of two variables on which the path of a method can be drawn and looked at."""

from typing import Any

import numpy as np


class Surface:
    r"""A smooth function of the plane whose smallest value, 0, is known, and where.

    A subclass defines ``f(x)``, for one point, shape (2,), or for the coordinates of many, shape
    (2, ...), as contours need it; ``grad(x)``, shape (2,); and ``hessian(x)``, shape (2, 2).

    Attributes:
        name: what the surface is called in messages and figures.
        minimizers: all points where f = 0, shape (count, 2).
        minimizer: the first of them.
        start: the point from which its picture is usually drawn, shape (2,).
        window: the part of the plane that is drawn, ((left, right), (bottom, top)).
        smoothness: L, the Lipschitz constant of the gradient; None where there is none.
    """

    dim = 2
    minimum = 0.0
    smoothness: float | None = None
    name: str
    minimizers: np.ndarray
    start: np.ndarray
    window: tuple[tuple[float, float], tuple[float, float]]

    @property
    def minimizer(self) -> np.ndarray:
        return self.minimizers[0]

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Quadratic(Surface):
    r"""A valley, :math:`f(x) = \frac12 x^\top H x`, with curvature 1 across and less along.

    The eigenvalues of H are :math:`1/\kappa` along :math:`(\cos\varphi, \sin\varphi)` and 1 across,
    so that L = 1 whatever the condition number. The start turns with the valley: the values of a
    method that does not care for the axes are the same at every angle.

    Args:
        condition: :math:`\kappa \ge 1`, default 10.
        angle: :math:`\varphi` in degrees, default 0: the valley lies along the first axis.

    Raises:
        ValueError: condition below 1, or a number that is not finite.
    """

    name = "quadratic"
    window = (-2.5, 2.5), (-2.5, 2.5)
    smoothness = 1.0

    def __init__(self, condition: float = 10.0, angle: float = 0.0) -> None:
        if not (np.isfinite(condition) and condition >= 1):
            raise ValueError(f"condition must be a number >= 1, not {condition}")
        if not np.isfinite(angle):
            raise ValueError(f"angle must be a number, not {angle}")
        self.condition, self.angle = float(condition), float(angle)
        self.strong_convexity = 1 / self.condition
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        turn = np.array([[c, -s], [s, c]])
        self.H = turn * [self.strong_convexity, 1.0] @ turn.T
        self.minimizers = np.zeros((1, 2))
        self.start = turn @ [-2.0, 1.0]

    def f(self, x: np.ndarray) -> Any:
        return np.einsum("i...,ij,j...->...", x, self.H, x) / 2

    def grad(self, x: np.ndarray) -> np.ndarray:
        return self.H @ x

    def hessian(self, x: np.ndarray) -> np.ndarray:
        return self.H.copy()

    def __repr__(self) -> str:
        return f"Quadratic(condition={self.condition:g}, angle={self.angle:g})"


class Rosenbrock(Surface):
    r"""A bent valley, :math:`f(x) = (1 - x_1)^2 + 100\,(x_2 - x_1^2)^2`.

    At the minimizer (1, 1) the condition number is about 2500. Source: Rosenbrock (1960).
    """

    name = "Rosenbrock"
    minimizers = np.array([[1.0, 1.0]])
    start = np.array([-1.5, 1.5])
    window = (-2.0, 2.0), (-1.0, 3.0)

    def f(self, x: np.ndarray) -> Any:
        return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2

    def grad(self, x: np.ndarray) -> np.ndarray:
        bend = x[1] - x[0] ** 2
        return np.array([-2 * (1 - x[0]) - 400 * x[0] * bend, 200 * bend])

    def hessian(self, x: np.ndarray) -> np.ndarray:
        a, b = x
        return np.array([[2 - 400 * (b - 3 * a**2), -400 * a], [-400 * a, 200.0]])


class Beale(Surface):
    r"""Steep walls around a flat floor, :math:`f(x) = \sum_{p=1}^3 (c_p - x_1 (1 - x_2^p))^2`.

    Here c = (1.5, 2.25, 2.625), and the minimizer is (3, 0.5). Source: Beale (1958).
    """

    name = "Beale"
    minimizers = np.array([[3.0, 0.5]])
    start = np.array([1.0, 1.0])
    window = (-1.0, 4.5), (-2.5, 2.0)
    constants = np.array([1.5, 2.25, 2.625])

    def f(self, x: np.ndarray) -> Any:
        return sum((c - x[0] * (1 - x[1] ** p)) ** 2 for p, c in enumerate(self.constants, 1))

    def grad(self, x: np.ndarray) -> np.ndarray:
        residuals, s, d = self._terms(x)
        return 2 * np.array([residuals @ s, x[0] * residuals @ d])

    def hessian(self, x: np.ndarray) -> np.ndarray:
        (a, b), (residuals, s, d) = x, self._terms(x)
        mixed = 2 * (a * d @ s + residuals @ d)
        bend = 2 * a * (a * d @ d + residuals @ [0, 2, 6 * b])
        return np.array([[2 * s @ s, mixed], [mixed, bend]])

    def _terms(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The three residuals, x_2^p - 1 and p x_2^(p - 1)."""
        p = np.arange(1.0, 4.0)
        s = x[1] ** p - 1
        return self.constants + x[0] * s, s, p * x[1] ** (p - 1)


class Himmelblau(Surface):
    r"""Four hollows alike, :math:`f(x) = (x_1^2 + x_2 - 11)^2 + (x_1 + x_2^2 - 7)^2`.

    Which of the four minimizers a method finds depends on the start and on the method. Source:
    Himmelblau (1972).
    """

    name = "Himmelblau"
    minimizers = np.array(
        [
            [3.0, 2.0],
            [-2.805118086952745, 3.131312518250573],
            [-3.779310253377747, -3.283185991286170],
            [3.584428340330492, -1.848126526964404],
        ]
    )
    start = np.array([0.0, 0.0])
    window = (-5.0, 5.0), (-5.0, 5.0)

    def f(self, x: np.ndarray) -> Any:
        return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2

    def grad(self, x: np.ndarray) -> np.ndarray:
        p, q = x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7
        return np.array([4 * x[0] * p + 2 * q, 2 * p + 4 * x[1] * q])

    def hessian(self, x: np.ndarray) -> np.ndarray:
        a, b = x
        mixed = 4 * (a + b)
        return np.array([[12 * a**2 + 4 * b - 42, mixed], [mixed, 4 * a + 12 * b**2 - 26]])

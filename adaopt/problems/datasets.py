"""The finite sums of the course: real data that scikit-learn ships, and a small one in the plane.

Every feature is shifted and scaled to mean 0 and standard deviation 1 over all n samples; a
feature that never changes becomes 0. There is no intercept. Everything is deterministic.
"""

import numpy as np

from adaopt.problems.linear import LeastSquares, Logistic


def diabetes(l2: float = 0.0) -> LeastSquares:
    """Diabetes progression after a year from 10 measurements of n = 442 patients.

    The target, too, has mean 0 and standard deviation 1. Source: Efron, Hastie, Johnstone and
    Tibshirani, Least Angle Regression (2004), by way of ``sklearn.datasets.load_diabetes``.
    """
    from sklearn.datasets import load_diabetes

    data = load_diabetes()
    return LeastSquares(standardize(data.data), standardize(data.target), l2, "diabetes")


def breast_cancer(l2: float = 1e-3) -> Logistic:
    """Benign (+1) against malignant (-1) from 30 features of n = 569 cell images.

    Source: Street, Wolberg and Mangasarian, Wisconsin Diagnostic Breast Cancer (1995), by way of
    ``sklearn.datasets.load_breast_cancer``.
    """
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    return Logistic(standardize(data.data), 2 * data.target - 1, l2, "breast_cancer")


def digits(l2: float = 1e-3) -> Logistic:
    """Odd (+1) against even (-1) handwritten digits: 64 pixels of n = 1797 images.

    Three border pixels are the same in every image, so their column is 0. Source: Alpaydin and
    Kaynak, Optical Recognition of Handwritten Digits (1998), by way of
    ``sklearn.datasets.load_digits``.
    """
    from sklearn.datasets import load_digits

    data = load_digits()
    return Logistic(standardize(data.data), 2 * (data.target % 2) - 1, l2, "digits")


def plane(n: int = 12, seed: int = 0) -> LeastSquares:
    """A least-squares problem in the plane, small enough to draw and to print.

    Rows and targets are rounded to two decimals, so that another program can be given exactly the
    same numbers. No x fits all n terms, so SGD with a constant step keeps moving.
    """
    if n < 2:
        raise ValueError(f"n must be at least 2, not {n}")
    rng = np.random.default_rng(seed)
    A = np.round(rng.normal(size=(n, 2)) * [1.0, 0.5], 2)
    b = np.round(A @ [1.0, -1.0] + 0.5 * rng.normal(size=n), 2)
    return LeastSquares(A, b, name="plane")


def standardize(a: np.ndarray) -> np.ndarray:
    """Columns with mean 0 and standard deviation 1; a constant column becomes 0."""
    deviation = a - a.mean(axis=0)
    scale = deviation.std(axis=0)
    return deviation / np.where(scale > 0, scale, 1)

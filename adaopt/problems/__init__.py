"""What is minimized: finite sums f(x) = (1/n) sum_i f_i(x), on data that scikit-learn ships.

Importing this module is light; scikit-learn is imported when real data is asked for.
"""

from adaopt.problems.datasets import breast_cancer, diabetes, digits, plane
from adaopt.problems.finite_sum import FiniteSum
from adaopt.problems.linear import LeastSquares, LinearModel, Logistic

__all__ = [
    "FiniteSum",
    "LeastSquares",
    "LinearModel",
    "Logistic",
    "breast_cancer",
    "diabetes",
    "digits",
    "plane",
]

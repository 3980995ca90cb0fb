"""What is minimized: finite sums f(x) = (1/n) sum_i f_i(x), and surfaces over the plane.

Importing this module is light; scikit-learn is imported when real data is asked for.
"""

from adaopt.problems.datasets import breast_cancer, diabetes, digits, plane
from adaopt.problems.finite_sum import FiniteSum
from adaopt.problems.linear import LeastSquares, LinearModel, Logistic
from adaopt.problems.online import OnlineLinear
from adaopt.problems.sparse import docstring_words, rotated, zipf_words
from adaopt.problems.surfaces import Beale, Himmelblau, Quadratic, Rosenbrock, Surface
from adaopt.problems.zipf import Softmax, zipf_classes

__all__ = [
    "Beale",
    "FiniteSum",
    "Himmelblau",
    "LeastSquares",
    "LinearModel",
    "Logistic",
    "OnlineLinear",
    "Quadratic",
    "Rosenbrock",
    "Softmax",
    "Surface",
    "breast_cancer",
    "diabetes",
    "digits",
    "docstring_words",
    "plane",
    "rotated",
    "zipf_classes",
    "zipf_words",
]

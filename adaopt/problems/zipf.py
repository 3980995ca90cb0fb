"""Classes with the frequencies of words: a few that are common, many that are rare."""

import numpy as np

from adaopt.problems.finite_sum import FiniteSum


class Softmax(FiniteSum):
    r"""Linear classification: :math:`f_i(x) = -\log \operatorname{softmax}(W^\top a_i)_{y_i}`.

    x is the matrix W of shape (features, classes), flattened; at x = 0 the loss is log(classes).

    Args:
        A: rows a_i, shape (n, features).
        y: the classes, integers from 0, shape (n,); there are as many as the largest, plus one.

    Raises:
        ValueError: shapes that do not fit, or classes that are not integers from 0.
    """

    name = "softmax"

    def __init__(self, A: np.ndarray, y: np.ndarray) -> None:
        self.A, self.y = np.asarray(A, float), np.asarray(y)
        if self.A.ndim != 2 or not self.y.size or self.y.shape != self.A.shape[:1]:
            raise ValueError(f"A has shape {self.A.shape} and y has shape {self.y.shape}")
        if self.y.dtype.kind not in "iu" or self.y.min() < 0:
            raise ValueError("y must hold integers from 0")
        self.n, self.classes = self.y.size, int(self.y.max()) + 1
        self.dim = self.A.shape[1] * self.classes

    def f_i(self, i: int | np.ndarray, x: np.ndarray) -> float | np.ndarray:
        i = self._indices(i)
        return -np.take_along_axis(self._log_p(i, x), self.y[i][..., None], -1)[..., 0]

    def grad_i(self, i: int | np.ndarray, x: np.ndarray) -> np.ndarray:
        i = self._indices(i)
        outer = self.A[i][..., :, None] * self._residual(i, x)[..., None, :]
        return outer.reshape(*i.shape, self.dim)

    def grad_batch(self, indices: np.ndarray, x: np.ndarray) -> np.ndarray:
        i = self._indices(indices)
        return (self.A[i].T @ self._residual(i, x)).ravel() / i.size

    def _log_p(self, i: np.ndarray, x: np.ndarray) -> np.ndarray:
        z = self.A[i] @ self._vector(x).reshape(-1, self.classes)
        z = z - z.max(axis=-1, keepdims=True)
        return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))

    def _residual(self, i: np.ndarray, x: np.ndarray) -> np.ndarray:
        """The gradient of f_i in the scores: the probabilities, minus 1 at the class."""
        return np.exp(self._log_p(i, x)) - np.eye(self.classes)[self.y[i]]


def zipf_classes(
    rng: np.random.Generator,
    groups: int = 6,
    features: int = 250,
    *,
    balanced: bool = False,
    centred: bool = False,
) -> Softmax:
    """Random inputs whose classes have the frequencies of words.

    Group j = 0, 1, ... has 2**j classes of 2**(groups - 1 - j) samples each. So every group has the
    same weight in the mean, and the samples of the k-th most frequent class are about 1/k of those
    of the first, as in Zipf's law. Class 0 is the most frequent, and ``np.log2(y + 1).astype(int)``
    is the group. The inputs say nothing of the class: they can only be learned by heart, which a
    linear model can do if features >= n = groups * 2**(groups - 1).

    Args:
        rng: source of the inputs.
        groups: their number, at least 1.
        features: numbers per sample.
        balanced: every class as frequent as the others (up to one sample).
        centred: inputs from the standard normal distribution, not uniform on [0, 1].

    Source: the setting of Kunstner, Milligan, Yadav, Schmidt and Bietti (2024), made smaller.
    """
    count = 2 ** np.arange(groups)
    sizes = np.repeat(count[::-1], count)
    y = np.repeat(np.arange(sizes.size), sizes)
    if balanced:
        y = np.arange(y.size) % sizes.size
    draw = rng.standard_normal if centred else rng.random
    return Softmax(draw((y.size, features)), y)

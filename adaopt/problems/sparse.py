"""Logistic regression on rare features: the words of real text, and drawn ones of Zipf's law."""

import re
from collections import Counter

import numpy as np

from adaopt.data import docstring_corpus
from adaopt.problems.linear import Logistic


def docstring_words(
    n: int = 2000, least: int = 3, l2: float = 1e-4
) -> tuple[Logistic, Logistic, list[str]]:
    """Does a paragraph of NumPy's documentation belong to numpy.ma, the masked arrays (+1)?

    The features say which words occur in a paragraph: 1 or 0. A paragraph has at least five
    different words, and one that stands in both parts of NumPy is left out. The split into n to
    train on and the others to test is shuffled, the same every time.

    Args:
        n: paragraphs to train on; with NumPy 2.4 about 2,600 others are held out.
        least: a word counts if it occurs in so many of the n paragraphs.
        l2: the weight of the squared norm in the training problem; the held-out one has none.

    Returns:
        The problem, the held-out problem, and the words, by feature.

    Source of the text: :func:`adaopt.data.docstring_corpus`.
    """
    parts: dict[tuple[str, ...], set[bool]] = {}
    for name, text in docstring_corpus().items():
        for paragraph in re.split(r"\n\s*\n", text):
            words = tuple(sorted(set(re.findall("[a-z]{2,}", paragraph.lower()))))
            if len(words) >= 5:
                parts.setdefault(words, set()).add(name.startswith("numpy.ma."))
    clear = [words for words, sides in parts.items() if len(sides) == 1]
    y = np.array([1.0 if parts[words] == {True} else -1.0 for words in clear])
    order = np.random.default_rng(0).permutation(len(clear))
    counts = Counter(word for i in order[:n] for word in clear[i])
    vocabulary = sorted(word for word, count in counts.items() if count >= least)
    column = {word: j for j, word in enumerate(vocabulary)}
    A = np.zeros((len(clear), len(vocabulary)))
    for i, words in enumerate(clear):
        A[i, [column[word] for word in words if word in column]] = 1
    train, rest = order[:n], order[n:]
    return (
        Logistic(A[train], y[train], l2, "docstrings"),
        Logistic(A[rest], y[rest], name="held out"),
        vocabulary,
    )


def zipf_words(
    n: int = 2000,
    dim: int = 1000,
    words: int = 8,
    exponent: float = 1.2,
    l2: float = 1e-4,
    seed: int = 0,
) -> tuple[Logistic, Logistic]:
    r"""Drawn texts: word j has the frequency :math:`j^{-s} / \sum_i i^{-s}`, Zipf's law.

    An example has ``words`` draws with replacement; its features say which words occur. The labels
    are drawn from a logistic model whose weights are normal with standard deviation 2, so that a
    rare word says as much as a common one.

    Args:
        n: examples to train on; as many are held out.
        dim: words there are.
        words: draws per example.
        exponent: s.
        l2: the weight of the squared norm in the training problem; the held-out one has none.
        seed: of the draws.

    Returns:
        The problem and the held-out problem, with the same weights behind them.
    """
    rng = np.random.default_rng(seed)
    frequency = np.arange(1.0, dim + 1) ** -exponent
    weights = 2 * rng.standard_normal(dim)
    A = np.zeros((2 * n, dim))
    drawn = rng.choice(dim, (2 * n, words), p=frequency / frequency.sum())
    np.put_along_axis(A, drawn, 1, axis=1)
    y = np.where(rng.random(2 * n) < 1 / (1 + np.exp(-A @ weights)), 1.0, -1.0)
    return Logistic(A[:n], y[:n], l2, "zipf"), Logistic(A[n:], y[n:], name="held out")


def rotated(problem: Logistic, seed: int = 0) -> Logistic:
    """The same problem in other axes: x is replaced by Q x with a random orthogonal Q.

    Values, curvature and the paths of gradient descent are the same; no feature is sparse.
    """
    normal = np.random.default_rng(seed).standard_normal((problem.dim, problem.dim))
    Q, R = np.linalg.qr(normal)
    turned = problem.A @ (Q * np.sign(np.diag(R)))
    return Logistic(turned, problem.b, problem.l2, f"{problem.name}, rotated")

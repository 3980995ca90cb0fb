import hashlib
import sys

import numpy as np

from adaopt.data import docstring_corpus

# (texts, bytes, SHA-256) with NumPy 2.4.6; the same numbers stand in the docstring.
OLD = (723, 1_435_109, "b3e8e7d82e530346f1f3608d8f8c0ea5b24a8893287704c517a676bd086fbae6")
NEW = (723, 1_435_526, "7995294b40ac37912da9f3a17b30bd6eb900b0caa5bc81fee5cc9c8075ccafd0")


def test_sorted_cleaned_and_plentiful():
    corpus = docstring_corpus()
    assert list(corpus) == sorted(corpus)
    assert len(corpus) > 600 and sum(map(len, corpus.values())) > 1_000_000
    assert "The arithmetic mean" in corpus["numpy.mean"]
    for text in corpus.values():
        assert text == text.strip("\n") and text[0] != " " and "\t" not in text


def test_functions_and_no_classes():
    corpus = docstring_corpus()
    assert "numpy.float64" not in corpus and "numpy.ndarray" not in corpus
    assert "numpy.linalg.norm" in corpus and "numpy.random.normal" in corpus


def test_size_and_hash_as_stated():
    expected = OLD if sys.version_info < (3, 13) else NEW
    for number in (f"{expected[0]} texts", f"{expected[1]:,} bytes", expected[2]):
        assert number in docstring_corpus.__doc__
    corpus = docstring_corpus()
    data = "\n\n".join(corpus.values()).encode()
    stated = (len(corpus), len(data), hashlib.sha256(data).hexdigest()) == expected
    assert stated == (np.__version__ == "2.4.6")


def test_other_libraries_do_not_change_it():
    before = docstring_corpus()
    import matplotlib.pyplot
    import scipy.signal
    import sklearn.linear_model
    import torch

    assert {matplotlib, scipy, sklearn, torch}  # importing scipy.signal rewrites numpy.sinc's text
    assert docstring_corpus() == before
    assert "numpy.sinc" not in before

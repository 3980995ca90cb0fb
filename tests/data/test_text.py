import hashlib
import sys

import numpy as np

from adaopt.data import docstring_corpus

# (texts, bytes, SHA-256) with NumPy 2.4.6; the same numbers stand in the docstring.
OLD = (724, 1_437_675, "9a239fd5112e82eee77d155708fff74fd3b655488bcb4755a57301fdaa660e37")
NEW = (724, 1_438_092, "33d73ca3ee211aa2afa00afabf004aff7680ef011cac9d0979567da4c084ef64")


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

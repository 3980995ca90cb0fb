"""Real text that every machine with NumPy has: NumPy's own documentation."""

import importlib
import inspect

MODULES = (
    "numpy",
    "numpy.fft",
    "numpy.linalg",
    "numpy.ma",
    "numpy.polynomial.polynomial",
    "numpy.random",
)
REWRITTEN = {"numpy.sinc"}  # scipy.signal replaces its docstring when it is imported


def docstring_corpus() -> dict[str, str]:
    """The docstrings of NumPy's public functions, by full name, sorted by name.

    A function is public when the ``__all__`` of numpy, numpy.fft, numpy.linalg, numpy.ma,
    numpy.polynomial.polynomial or numpy.random lists it. Classes are left out, because the texts of
    number types name the platform, and so is numpy.sinc, whose text SciPy rewrites. Each text is
    cleaned with ``inspect.cleandoc``. Nothing is downloaded, and the texts depend on NumPy's
    version, not on the platform.

    ``"\\n\\n".join(corpus.values())`` is one long text for a language model. Aliases repeat their
    text (``numpy.abs`` that of ``numpy.absolute``): a part held out by name is not all new.

    Returns:
        The texts by name, ``{"numpy.abs": "absolute(x, /, out=None, ...", ...}``. With NumPy 2.4.6
        there are 723 texts; joined they are 1,435,109 bytes of UTF-8, with the SHA-256
        ``b3e8e7d82e530346f1f3608d8f8c0ea5b24a8893287704c517a676bd086fbae6``, under Python 3.11 and
        3.12. Newer ones dedent docstrings when they compile, before NumPy fills in its templates;
        there 14 texts are indented otherwise, and it is 1,435,526 bytes and
        ``7995294b40ac37912da9f3a17b30bd6eb900b0caa5bc81fee5cc9c8075ccafd0``.

    Raises:
        RuntimeError: Python runs with ``-OO``, which removes docstrings.

    Source: the NumPy reference, https://numpy.org/doc/stable/reference, Copyright NumPy Developers,
    BSD 3-clause licence.
    """
    corpus = {}
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        for name in module.__all__:
            function = getattr(module, name)
            text = inspect.cleandoc(function.__doc__ or "")
            if callable(function) and not isinstance(function, type) and text.strip():
                corpus[f"{module_name}.{name}"] = text
    for name in REWRITTEN:
        corpus.pop(name, None)
    if "numpy.mean" not in corpus:
        raise RuntimeError("NumPy has no docstrings here: run Python without -OO")
    return dict(sorted(corpus.items()))

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


def docstring_corpus() -> dict[str, str]:
    """The docstrings of NumPy's public functions, by full name, sorted by name.

    A function counts as public when the ``__all__`` of one of ``MODULES`` lists it; classes are left
    out, because the texts of number types name the platform. Each text is cleaned with
    ``inspect.cleandoc``. Nothing is downloaded, and the texts depend on NumPy's version, not on the
    platform. ``"\\n\\n".join(corpus.values())`` is one long text for a language model; aliases
    (``numpy.abs`` of ``numpy.absolute``) repeat their text, so hold out a piece by name with care.

    Returns:
        ``{"numpy.abs": "absolute(x, /, out=None, ...", ...}``. With NumPy 2.4.6: 725 texts; joined,
        1,437,681 bytes of UTF-8 with the SHA-256
        ``508db02f875149152977880b63aed5aab6d27c72e12a7cb1f63e9ed7485ca3b2`` under Python 3.11 and
        3.12. Newer ones dedent docstrings when they compile, before NumPy fills in its templates:
        there 14 texts are indented otherwise, 1,438,098 bytes, SHA-256
        ``3ac4581d56bd42566d8278286e41aaee9c52333893a39f7e4e9de4b832ef7004``.

    Raises:
        RuntimeError: Python runs with ``-OO``, which removes docstrings.

    Source: the NumPy reference, https://numpy.org/doc/stable/reference, Copyright NumPy Developers,
    BSD 3-clause licence.
    """
    corpus = {}
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        for name in module.__all__:
            text = getattr(module, name).__doc__
            if _is_function(getattr(module, name)) and text:
                corpus[f"{module_name}.{name}"] = inspect.cleandoc(text)
    if "numpy.mean" not in corpus:
        raise RuntimeError("NumPy has no docstrings here: run Python without -OO")
    return dict(sorted(corpus.items()))


def _is_function(thing: object) -> bool:
    return callable(thing) and not isinstance(thing, type)

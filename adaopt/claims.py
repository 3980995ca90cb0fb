"""The ledger of the slides' claims: a claim is settled by a value inside a stated band.

A lecture settles claim ``NN`` in a cell tagged ``claim-NN`` by calling :func:`settle`. The reader
sees one sentence; the cell's output also carries the record for the page of corrections.
"""

import math
import string
import sys

VERDICTS = ("true", "wrong", "incomplete")
KINDS = ("measured", "derived")
CLAIMS = 64


def settle(
    number: int,
    sentence: str,
    value: float,
    low: float,
    high: float,
    verdict: str,
    *,
    kind: str = "measured",
) -> None:
    """Print ``sentence`` with its value, assert ``low <= value <= high``, and record both.

    Args:
        number: the claim's number in the list of the slides' claims, 1 to 64.
        sentence: one plain sentence with the field ``{value}``, in any format (``{value:.2f}``).
            A sentence about rounding errors may name the bound ``{high}`` instead, since the
            digits of such a value differ between machines; ``{low}`` is there too.
        value: the number that the cell computed.
        low, high: the band that settles the claim, stated before the value is known.
        verdict: of the slides' claim: ``"true"``, ``"wrong"`` or ``"incomplete"``.
        kind: ``"measured"`` in an experiment, or ``"derived"``: an exact check of a proof.

    Raises:
        AssertionError: the value lies outside the band, or is NaN.
        ValueError: an argument that makes no sense.
    """
    _check(number, sentence, low, high, verdict, kind)
    value, low, high = float(value), float(low), float(high)
    if not low <= value <= high:
        raise AssertionError(f"Claim {number}: {value:.6g} is outside [{low:.6g}, {high:.6g}]")
    text = sentence.format(value=value, low=low, high=high)
    record = {
        "claim": number,
        "sentence": text,
        "value": value,
        "low": low,
        "high": high,
        "verdict": verdict,
        "kind": kind,
    }
    _show(text, record)


def _check(number: int, sentence: str, low: float, high: float, verdict: str, kind: str) -> None:
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= CLAIMS:
        raise ValueError(f"Invalid claim number: {number!r} (the slides make {CLAIMS} claims)")
    fields = {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}
    if not fields & {"value", "high"} or fields - {"value", "low", "high"}:
        raise ValueError(
            f"The sentence needs {{value}} or {{high}}, and no other field: {sentence!r}"
        )
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(f"Invalid band: [{low}, {high}]")
    if verdict not in VERDICTS:
        raise ValueError(f"Invalid verdict: {verdict!r} (one of {', '.join(VERDICTS)})")
    if kind not in KINDS:
        raise ValueError(f"Invalid kind: {kind!r} (one of {', '.join(KINDS)})")


def _show(text: str, record: dict) -> None:
    """Display with the record in the output's metadata in a notebook, print elsewhere."""
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        print(text)
        return
    from IPython.display import display

    display({"text/plain": text}, raw=True, metadata={"adaopt": record})

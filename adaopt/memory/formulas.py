"""Activations of a GPT by formula, term by term.

b sequences of s tokens, width h, a heads, L layers, vocabulary V; e bytes per activation (2 or 4).
"""

from math import ceil, sqrt
from typing import TypeAlias

from adaopt.memory.models import Model, check_sizes, gpt_config
from adaopt.memory.states import precision_of
from adaopt.nn import GPTConfig

ATTENTION = ("eager", "flash")
SOURCES = ("full", "korthikanti", "zero")
Terms: TypeAlias = dict[str, int]


def activations_formula(
    model: Model,
    batch: int,
    seq: int | None = None,
    precision: str = "fp16",
    attention: str = "eager",
    checkpoint: int = 0,
    source: str = "full",
) -> dict[str, int]:
    r"""Bytes that the forward pass saves for the backward pass: one entry a term.

    - ``"zero"``: :math:`12\, h\, b\, s\, L` numbers, ZeRO's footnote: 24 sbhL bytes in 16 bits.
    - ``"korthikanti"``: :math:`sbh\,(34 + 5as/h)` bytes a layer in 16 bits; without the part of the
      scores, :math:`34\, sbh`, for flash attention; the head is left out.
    - ``"full"`` (default): these terms one by one, and those of embedding and head: the mask of the
      input's dropout (sbh), the inputs of the last normalization and of the head (2 e sbh), the
      32-bit logarithms of the probabilities (4 sbV); flash attention's 32-bit log-sum-exp (4 abs
      a layer); with ``checkpoint=k`` only the inputs of the :math:`\lceil L/k \rceil` segments.

    Args:
        model: a name of ``GPT2_CONFIGS``, a ``GPTConfig`` or a ``GPT``; its dropout counts.
        batch, seq: b and s; s is the model's context by default.
        precision: a key of ``PRECISIONS``.
        attention: "eager" writes the scores out, "flash" does not.
        checkpoint: k, the layers of a checkpointed segment; 0 saves everything.
        source: "full", "korthikanti" or "zero".

    Raises:
        ValueError: an argument out of range.

    Source: Korthikanti et al. (2022), section 4; Rajbhandari et al. (2020), footnote 3.
    """
    c = gpt_config(model)
    b, s = check_sizes(c, batch, seq)
    e = precision_of(precision).activation.itemsize
    check_choice("attention", attention, ATTENTION)
    check_choice("source", source, SOURCES)
    k = check_segment(checkpoint, c)
    if source == "zero":
        return {"12 sbh numbers a layer": 12 * e * s * b * c.width * c.layers}
    layer = layer_terms(c, b, s, e, attention)
    if source == "korthikanti":
        layer.pop("log-sum-exp", None)
    if k:
        terms = {"segment inputs": e * s * b * c.width * ceil(c.layers / k)}
    else:
        terms = {name: size * c.layers for name, size in layer.items()}
    if source == "full":
        terms |= head_terms(c, b, s, e)
    return {name: size for name, size in terms.items() if size}


def layer_terms(c: GPTConfig, b: int, s: int, e: int, kind: str) -> Terms:
    """Bytes of one layer: 34 sbh + 5 abss in 16 bits, eager, dropout."""
    sbh, scores = s * b * c.width, c.heads * b * s * s
    drop = bool(c.dropout)
    terms = {
        "normalization inputs": 2 * e * sbh,
        "qkv input": e * sbh,
        "queries, keys, values": 3 * e * sbh,
    }
    if kind == "eager":
        terms |= {
            "softmax": e * scores,
            "softmax mask": scores * drop,
            "softmax after dropout": e * scores * drop,
        }
    else:
        terms |= {"log-sum-exp": 4 * c.heads * s * b}
    return terms | {
        "attention output": e * sbh,
        "feed-forward input": e * sbh,
        "GELU input": 4 * e * sbh,
        "GELU output": 4 * e * sbh,
        "dropout masks": 2 * sbh * drop,
    }


def head_terms(c: GPTConfig, b: int, s: int, e: int) -> Terms:
    """The terms outside the layers."""
    sbh = s * b * c.width
    return {
        "embedding mask": sbh * bool(c.dropout),
        "last normalization input": e * sbh,
        "head input": e * sbh,
        "log-probabilities": 4 * s * b * c.vocabulary,
    }


def peak_formula(
    model: Model,
    batch: int,
    seq: int | None = None,
    precision: str = "fp16",
    attention: str = "eager",
    checkpoint: int = 0,
) -> int:
    r"""Bytes of activations at the worst moment of a step, to leading order.

    Two moments compete: at the loss all that was saved is there, and two 32-bit copies of the
    logits besides (the gradients of the losses and of the log-softmax, 8 sbV); later the inputs of
    the segments are there, and all that one segment of k layers saves. The trace of
    :func:`activations_peak` counts the temporaries of the segment too and is a few percent higher
    where the segment decides.

    Args, Raises: as for :func:`activations_formula`.
    """
    c = gpt_config(model)
    b, s = check_sizes(c, batch, seq)
    saved = activations_formula(c, b, s, precision, attention, checkpoint)
    at_loss = sum(saved.values()) + 8 * s * b * c.vocabulary
    if not checkpoint:
        return at_loss
    e = precision_of(precision).activation.itemsize
    segment = checkpoint * sum(layer_terms(c, b, s, e, attention).values())
    return max(at_loss, saved["segment inputs"] + segment)


def best_segment(
    model: Model,
    batch: int,
    seq: int | None = None,
    precision: str = "fp16",
    attention: str = "eager",
    head: bool = True,
) -> int:
    r"""The k with the least peak among 1..L, by trying all; the smallest of equals.

    With ``head=False`` only the layers count: inputs plus one segment,
    :math:`2 sbh \lceil L/k \rceil + c\, sbh\, k`, whose minimum over real k is at
    :math:`\sqrt{2 L / c}`.

    Args, Raises: as for :func:`activations_formula`.
    """
    c = gpt_config(model)
    b, s = check_sizes(c, batch, seq)
    how = b, s, precision, attention

    def layers_only(k: int) -> int:
        e = precision_of(precision).activation.itemsize
        layer = sum(layer_terms(c, b, s, e, attention).values())
        return e * s * b * c.width * ceil(c.layers / k) + k * layer

    size = (lambda k: peak_formula(c, *how, k)) if head else layers_only
    return min(range(1, c.layers + 1), key=size)


def continuous_segment(model: Model, seq: int | None = None, attention: str = "eager") -> float:
    r"""The minimizer :math:`\sqrt{e L / c}` over real k, c the bytes of a layer over sbh."""
    config = gpt_config(model)
    _, s = check_sizes(config, 1, seq)
    layer = sum(layer_terms(config, 1, s, 2, attention).values())
    return sqrt(2 * config.layers * s * config.width / layer)


def recomputation_formula(model: Model, seq: int | None = None) -> float:
    r"""Extra arithmetic of checkpointing, as a share of a step without it.

    In multiplications and additions of matrices a token costs :math:`24 h^2 + 4 s h` in a layer and
    :math:`2 V h` in the head; the backward pass costs twice the forward pass, and the layers alone
    are computed once more: :math:`\tfrac13 \cdot \frac{L (24 h^2 + 4 s h)}{L (24 h^2 + 4 s h) +
    2 V h}`, below one third.

    Args, Raises: as for :func:`activations_formula`.
    """
    c = gpt_config(model)
    _, s = check_sizes(c, 1, seq)
    layers = c.layers * (24 * c.width**2 + 4 * s * c.width)
    return layers / (3 * (layers + 2 * c.vocabulary * c.width))


def check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"Unknown {name} {value!r}. Known: {', '.join(known)}")


def check_segment(checkpoint: int, config: GPTConfig) -> int:
    whole = isinstance(checkpoint, int) and not isinstance(checkpoint, bool)
    if not whole or not 0 <= checkpoint <= config.layers:
        raise ValueError(
            f"Invalid checkpoint: {checkpoint}. Expected 0 to {config.layers} layers a segment"
        )
    return checkpoint

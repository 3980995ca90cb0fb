"""The memory that a forward pass saves, measured on the meta device: no data, no GPU.

A hook sees every tensor that autograd saves. Each storage is counted once, those of parameters and
buffers are not counted. The kernels are CUDA's: what the CPU or the meta device would use instead
(masks of dropout in the activations' dtype, attention with all scores in 32 bits) is replaced.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch._dynamo  # torch's meta kernels import it at their first call; here it is an import
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils.checkpoint import checkpoint as recompute
from torch.utils.flop_counter import FlopCounterMode

from adaopt.memory.formulas import ATTENTION, check_choice, check_segment
from adaopt.memory.models import Model, check_sizes, gpt_config, on_meta
from adaopt.memory.states import precision_of
from adaopt.nn import GPT


@dataclass(frozen=True)
class Saved:
    """One storage that the forward pass keeps for the backward pass."""

    module: str
    op: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    bytes: int
    term: str


@dataclass(frozen=True)
class Ledger:
    """What was saved, in the order of the forward pass."""

    rows: tuple[Saved, ...]

    @property
    def total(self) -> int:
        """Bytes of all rows."""
        return sum(row.bytes for row in self.rows)

    def by_term(self) -> dict[str, int]:
        """Bytes by term of the formula, the largest first; what it lacks has names of its own."""
        return self._sums(lambda row: row.term)

    def by_module(self, depth: int = 1) -> dict[str, int]:
        """Bytes by module, names cut after ``depth`` parts, the largest first."""
        return self._sums(lambda row: ".".join(row.module.split(".")[:depth]) or "(model)")

    def by_dtype(self) -> dict[str, int]:
        """Bytes by dtype, the largest first."""
        return self._sums(lambda row: str(row.dtype).removeprefix("torch."))

    def _sums(self, key: Callable[[Saved], str]) -> dict[str, int]:
        sums: Counter[str] = Counter()
        for row in self.rows:
            sums[key(row)] += row.bytes
        return dict(sums.most_common())


def activations_measured(
    model: Model,
    batch: int = 1,
    seq: int | None = None,
    precision: str = "fp16",
    attention: str = "eager",
    checkpoint: int = 0,
    *,
    inputs: tuple[Any, ...] | None = None,
    device: str = "meta",
) -> Ledger:
    """Every storage that the forward pass saves for the backward pass.

    A GPT is built anew on ``device``, its weights in the precision's activation dtype (as Megatron
    and DeepSpeed train in fp16, not as autocast does), and run to its 32-bit cross-entropy, with
    the dropout of its config. Any other module is run as it is, on ``inputs``; its ``precision``
    and ``checkpoint`` are its own.

    Args:
        model: a name of ``GPT2_CONFIGS``, a ``GPTConfig``, a ``GPT``, or a module with ``inputs``.
        batch, seq: b sequences of s tokens (default: the context).
        precision: a key of ``PRECISIONS``.
        attention: "eager": scores and probabilities are tensors, as in GPT-2's own code; "flash":
            CUDA's flash attention (meta device only).
        checkpoint: layers per checkpointed segment; 0 saves everything.
        inputs: positional arguments of a module that is no GPT.
        device: "meta", or "cpu" to run on real numbers.

    Raises:
        ValueError: an argument out of range; a module that is no GPT without inputs.
    """
    check_choice("attention", attention, ATTENTION)
    if isinstance(model, nn.Module) and not isinstance(model, GPT):
        if inputs is None:
            raise ValueError(f"Give the inputs of {type(model).__name__}: inputs=(x, ...)")
        return _meter(model, lambda: model(*inputs), attention, lambda *place: place[1])
    if inputs is not None:
        raise ValueError("A GPT makes its own inputs: give batch and seq instead of inputs")
    run = TrainingRun(model, batch, seq, precision, attention, checkpoint, device)
    return _meter(run.model, run.loss, attention, _gpt_term, run.kernels)


class TrainingRun:
    """A GPT on ``device`` in training mode, with tokens and targets, ready to compute its loss."""

    def __init__(
        self,
        model: Model,
        batch: int,
        seq: int | None,
        precision: str,
        attention: str,
        checkpoint: int = 0,
        device: str = "meta",
    ) -> None:
        config = gpt_config(model)
        batch, seq = check_sizes(config, batch, seq)
        check_choice("attention", attention, ATTENTION)
        k = check_segment(checkpoint, config)
        self.model = on_meta(config, precision_of(precision).activation)
        if device != "meta":
            self.model = self.model.to_empty(device=device)
            self.model.reset_parameters()
        self.kernels = Kernels(attention)
        if k:
            blocks = self.model.blocks
            cut = (blocks[i : i + k] for i in range(0, config.layers, k))
            self.model.blocks = nn.ModuleList(Segment(part, self.kernels) for part in cut)
        size = {"size": (batch, seq), "dtype": torch.long, "device": device}
        self.ids, self.targets = torch.zeros(**size), torch.zeros(**size)

    def loss(self) -> Tensor:
        """The mean cross-entropy of 32-bit logits."""
        logits = self.model(self.ids).float().flatten(0, 1)
        return F.cross_entropy(logits, self.targets.flatten())


class Segment(nn.Module):
    """Blocks whose activations are computed again in the backward pass."""

    def __init__(self, blocks: Iterable[nn.Module], kernels: Kernels) -> None:
        super().__init__()
        self.inner = nn.ModuleList(blocks)
        self.kernels = kernels

    def forward(self, x: Tensor) -> Tensor:
        # Nothing is random on the meta device, so no generator state needs to be kept.
        return recompute(self._blocks, x, use_reentrant=False, preserve_rng_state=not x.is_meta)

    def _blocks(self, x: Tensor) -> Tensor:
        with self.kernels:  # autograd leaves function modes when it computes again
            for block in self.inner:
                x = block(x)
        return x


class Kernels(TorchFunctionMode):
    """Runs dropout and attention by the kernels that CUDA would use; names what runs in ``op``."""

    def __init__(self, attention: str) -> None:
        super().__init__()
        self.attention = attention
        self.op = ""
        self.masks: dict[int, Tensor] = {}  # causal masks: buffers of a model, not activations
        self.dropped: set[int] = set()  # storages of the probabilities that dropout has passed

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        self.op = getattr(func, "__name__", "")
        if func is F.dropout:
            return self._dropout(*args, **kwargs)
        if func is F.scaled_dot_product_attention:
            return self._attention(*args, **kwargs)
        return func(*args, **kwargs)

    def _dropout(self, x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False):
        if not training or p == 0:
            return x
        return torch.native_dropout(x, p, True)[0]  # keeps a mask of bytes, as CUDA does

    def _attention(
        self, q, k, v, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False
    ):
        if self.attention == "flash" and attn_mask is None and not enable_gqa:
            self.op = "flash"
            flash = torch.ops.aten._scaled_dot_product_flash_attention
            if q.device.type == "cpu":
                flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
            return flash(q, k, v, dropout_p, is_causal, scale=scale)[0]
        if enable_gqa:
            groups = q.shape[-3] // k.shape[-3]
            k, v = k.repeat_interleave(groups, -3), v.repeat_interleave(groups, -3)
        self.op = "scores"
        scores = (q @ k.transpose(-2, -1)) * (q.shape[-1] ** -0.5 if scale is None else scale)
        if is_causal:
            scores = scores.masked_fill(self._causal(scores), -torch.inf)
        elif attn_mask is not None:
            boolean = attn_mask.dtype == torch.bool
            scores = scores.masked_fill(~attn_mask, -torch.inf) if boolean else scores + attn_mask
        self.op = "softmax"
        probabilities = scores.softmax(-1)
        self.op = "softmax dropout"
        probabilities = self._dropout(probabilities, dropout_p)
        self.op = "weighted sum"
        self.dropped.add(probabilities.untyped_storage()._cdata)
        return probabilities @ v

    def _causal(self, scores: Tensor) -> Tensor:
        for mask in self.masks.values():
            if mask.shape == scores.shape[-2:] and mask.device == scores.device:
                return mask
        ones = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device)
        mask = ones.triu(1)
        self.masks[mask.untyped_storage()._cdata] = mask
        return mask


def _meter(
    model: nn.Module,
    forward: Callable[[], Any],
    attention: str,
    term: Callable[..., str],
    kernels: Kernels | None = None,
) -> Ledger:
    kernels = kernels or Kernels(attention)
    places: list[str] = [""]
    skipped = {t.untyped_storage()._cdata for t in (*model.parameters(), *model.buffers())}
    found: dict[int, tuple[Tensor, Saved]] = {}  # the tensors live: addresses are not used again

    def pack(t: Tensor) -> Tensor:
        storage = t.untyped_storage()
        key = storage._cdata
        if key not in skipped and key not in kernels.masks and key not in found:
            name = term(places[-1], kernels.op, t, key in kernels.dropped)
            row = Saved(places[-1], kernels.op, tuple(t.shape), t.dtype, storage.nbytes(), name)
            found[key] = t, row
        return t

    with _named(model, places), torch.enable_grad(), kernels:
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
            result = forward()
    rows = tuple(row for _, row in found.values())
    del result
    return Ledger(rows)


@contextmanager
def _named(model: nn.Module, places: list[str]) -> Iterator[None]:
    """Keep the path of the module that runs at the end of ``places``."""

    def leave(*_: Any) -> None:
        places.pop()

    with ExitStack() as stack:
        for name, module in model.named_modules():
            enter = module.register_forward_pre_hook(lambda *_, name=name: places.append(name))
            stack.callback(enter.remove)
            stack.callback(module.register_forward_hook(leave).remove)
        yield


# Which term of the formula a tensor of a GPT belongs to: last part of the module's name and
# operation, the latter empty for any.
TERMS = {
    ("attention_norm", ""): "normalization inputs",
    ("feed_forward_norm", ""): "normalization inputs",
    ("norm", ""): "last normalization input",
    ("qkv", ""): "qkv input",
    ("attention", "scores"): "queries, keys, values",
    ("attention", "softmax"): "softmax",
    ("attention", "softmax dropout"): "softmax mask",
    ("attention", "weighted sum"): "queries, keys, values",
    ("up", ""): "feed-forward input",
    ("feed_forward", "gelu"): "GELU input",
    ("dropout", ""): "dropout masks",
    ("", "linear"): "head input",
    ("", "cross_entropy"): "log-probabilities",
}


def _gpt_term(module: str, op: str, t: Tensor, late: bool) -> str:
    last = module.rsplit(".", 1)[-1]
    if t.dtype == torch.int64:
        return "token numbers" if op in ("embedding", "cross_entropy") else "random state"
    if op == "cross_entropy" and not t.dim():
        return "weight of the loss"
    if last.endswith("norm") and t.shape[-1] == 1 and t.dtype == torch.float32:
        return "normalization statistics"
    if last == "out":
        return "GELU output" if "feed_forward" in module else "attention output"
    if module == "dropout":
        return "embedding mask"
    if op == "flash":
        if t.dim() < 3:
            return "random state"
        if t.dim() == 3:
            return "log-sum-exp"
        part = t.untyped_storage().nbytes() > t.nbytes  # a third of the storage of all three
        return "queries, keys, values" if part else "attention output"
    if op == "weighted sum" and late:
        return "softmax after dropout"
    return TERMS.get((last, op)) or TERMS.get((last, "")) or "segment inputs"


def recomputation_measured(
    model: Model, batch: int = 1, seq: int | None = None, checkpoint: int = 1
) -> float:
    """Extra arithmetic of checkpointing, counted operation by operation, over a step without it.

    Args, Raises: as for :func:`activations_measured`.
    """

    def flops(k: int) -> int:
        run = TrainingRun(model, batch, seq, "fp16", "eager", k)
        with FlopCounterMode(display=False) as counter:
            with run.kernels:
                loss = run.loss()
            loss.backward()
        return counter.get_total_flops()

    return flops(checkpoint) / flops(0) - 1

"""The base of the methods that treat a parameter as a matrix: one call a stack of equal shapes."""

from collections.abc import Hashable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..engine import Rule
from ..engine.eager import PLAIN, Row
from ..engine.hyper import Hyper
from ..engine.rule import Batch

CHUNK = 2**24  # elements of the parameters in one call, which bounds its temporaries


class MatrixRule(Rule):
    """A :class:`~adaopt.torch.engine.Rule` whose ``rule`` takes many parameters at once.

    ``rule(x, g, h, k, *buffers)`` gets lists: parameters of one shape and dtype, whose buffers have
    equal shapes too, and their gradients (negated to maximize), which must not be written; None in
    place of the list of a buffer that is not needed. What is elementwise reads in torch's
    ``_foreach`` words; matrices go as one stack through :func:`stacked` and come back by
    :func:`unstacked`. Empty parameters do not come, only their steps are counted.

    A parameter of order 1 is one column, a number a column of length 1. What a method makes of more
    than two dimensions, and which parameters it treats in another way, :meth:`describe` says.

    ``layout`` holds the keywords that say how this edition computes and the other has not; they
    follow those of ``hyper``. ``foreach=False`` takes the parameters one by one. There are no
    cache-sized views and no ``fused=True``: a matrix product is not elementwise.

    Raises:
        RuntimeError: besides those of every rule: ``fused``, a complex parameter, a tensor subclass
            (DTensor).
    """

    elementwise = False
    layout: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        cls.hyper = cls.hyper | cls.layout
        super().__init_subclass__(**kwargs)

    def rule(
        self, x: list[Tensor], g: list[Tensor], h: Hyper, k: int, *buffers: list[Tensor] | None
    ) -> None:
        """The update of parameters of one shape, in place."""
        raise NotImplementedError

    def treatment(self, h: Hyper, p: Tensor) -> str:
        """What the method makes of a parameter like p (on the meta device), in a few words."""
        raise NotImplementedError

    def describe(self) -> str:
        """One line a parameter: name or place, shape, what is done with it, bytes of state."""
        lines = []
        for i, group in enumerate(self.param_groups):
            h, params = self._read(group), group["params"]
            names = group.get("param_names") or [f"{i}.{j}" for j in range(len(params))]
            for name, p in zip(names, params, strict=True):
                p = torch.empty_like(p, device="meta")
                size = sum(self.start(n, p, h).nbytes for n in self.needs(h, p))
                done = self.treatment(h, p) if p.numel() else "empty, nothing to do"
                lines.append(f"{name} {tuple(p.shape)}: {done}; {size:,} bytes of state")
        return "\n".join(lines)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As of every rule; a buffer kept in more digits than its parameter keeps them all."""
        saved: dict[str, Any] = {}
        hook = self.register_load_state_dict_pre_hook(lambda _, last: saved.update(last))
        try:
            super().load_state_dict(state_dict)  # torch casts all to the dtype of the parameter
        finally:
            hook.remove()
        for group, given in zip(self.param_groups, saved["param_groups"], strict=True):
            h = self._read(group)
            for p, i in zip(group["params"], given["params"], strict=True):
                for name in self.state.get(p, {}).keys() & set(self.buffers):
                    dtype = self.start(name, torch.empty_like(p, device="meta"), h).dtype
                    if dtype != p.dtype:
                        kept = saved["state"][i][name].to(p.device, dtype, copy=True)
                        self.state[p][name] = kept

    # The machinery.

    def _checked(self, group: dict[str, Any]) -> Hyper:
        h = super()._checked(group)
        if group["fused"]:
            raise RuntimeError(
                f"{type(self).__name__} does not support `fused`: it multiplies matrices, "
                "which cannot be compiled into one kernel"
            )
        return h

    def _gradients(self, group: dict[str, Any]) -> list[tuple[Tensor, Tensor]]:
        pairs = super()._gradients(group)
        for p, _ in pairs:
            if type(p) not in PLAIN:
                raise RuntimeError(
                    f"{type(self).__name__} does not support {type(p).__name__} parameters (FSDP2):"
                    " replicate them with DistributedDataParallel and pass distributed=True, or "
                    "give sharded parameters to an elementwise method"
                )
        return pairs

    def _apply(self, name: str, batch: Batch) -> list:
        """Call the rule on the rows, those of equal shapes together."""
        h, own, k, _, together, rows = batch
        vars(h).update(own)
        for alike in gathered(rows, CHUNK if together else 1):
            columns = (list(c) if c[0] is not None else None for c in zip(*alike, strict=True))
            x, g, *kept = columns
            device = x[0].device.type
            rounds = torch.is_autocast_enabled(device)  # it would round the matrix products
            with torch.autocast(device, enabled=False) if rounds else nullcontext():
                self.rule(x, torch._foreach_neg(g) if h.maximize else g, h, k, *kept)
        return []


def gathered(rows: Sequence[Row], most: int) -> Iterator[list[Row]]:
    """Rows of equal dtype and shapes together, in chunks of about ``most`` elements of x."""
    groups: dict[Hashable, list[Row]] = {}
    for row in rows:
        if row[0].numel():
            key = row[0].dtype, *(t if t is None else t.shape for t in row)
            groups.setdefault(key, []).append(row)
    for alike in groups.values():
        length = max(1, most // alike[0][0].numel())
        yield from (alike[i : i + length] for i in range(0, len(alike), length))


def sides(p: Tensor) -> tuple[int, int]:
    """Rows and columns of the matrix that a parameter is taken as."""
    m = len(p) if p.dim() else 1
    return m, p.numel() // max(1, m)


def stacked(tensors: Sequence[Tensor], dtype: torch.dtype | None = None) -> Tensor:
    """A new stack (b, m, n) of the tensors, in another dtype if one is named: rows along the first
    dimension, all others the columns; of order 1 as one column each."""
    first = tensors[0]
    stack = first.new_empty(len(tensors), *first.shape, dtype=dtype or first.dtype)
    torch._foreach_copy_([*stack], [*tensors])
    return stack.view(*stack.shape[:2], -1)


def unstacked(stack: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    """The matrices of a stack one by one, in the shape of these tensors."""
    return [*stack.reshape(len(like), *like[0].shape)]


def decayed(x: Sequence[Tensor], h: Hyper) -> None:
    """Shrink the parameters by their decay, one by one: foreach would round the factor to theirs.

    (On the CPU ``torch._foreach_mul_`` takes its number in the dtype of the tensors.)
    """
    for p in x:
        p.mul_(1 - h.lr * h.weight_decay)

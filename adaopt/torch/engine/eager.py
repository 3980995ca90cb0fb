"""The eager path: the rule on plain tensors, on CPU cut into views that fit into the cache."""

from collections.abc import Iterable
from itertools import repeat

import torch
from torch import Tensor

# A step of several passes streams each tensor from memory once per pass; on blocks of this many
# elements the later passes find the data in the cache. Smaller blocks cost more in calls.
BLOCK = 2**18

PLAIN = (Tensor, torch.nn.Parameter)
Row = tuple[Tensor | None, ...]  # a parameter, its gradient, its buffers; None for one not kept


def as_real(row: Row) -> Row:
    """Complex tensors as views of real pairs: elementwise rules treat the two parts alike."""
    return tuple(
        torch.view_as_real(t.resolve_conj()) if t is not None and t.is_complex() else t for t in row
    )


def blocks(row: Row) -> Iterable[Row]:
    """Cut tensors of one shape, parameter first, into views of about ``BLOCK`` elements.

    Where all are contiguous they are cut flat, else along the first dimension, which any strides
    allow. Small tensors, other devices and tensor subclasses (DTensor) stay whole, and so do
    expanded parameters, which torch refuses to write; None stays None.
    """
    x = row[0]
    if x.numel() <= BLOCK or x.device.type != "cpu" or type(x) not in PLAIN or 0 in x.stride():
        return (row,)
    if all(t is None or t.is_contiguous() for t in row):
        row = tuple(None if t is None else t.view(-1) for t in row)
    length = len(row[0])
    size = max(1, BLOCK * length // x.numel())
    return zip(*(repeat(None) if t is None else t.split(size) for t in row), strict=False)

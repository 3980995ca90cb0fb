"""How a tensor is cut into blocks that have matrices of their own, and how work is shared out.

Numbers only, no tensors: the same shapes give the same blocks after a resume and on every process.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice, product, repeat
from typing import NamedTuple

from torch import Tensor


class Layout(NamedTuple):
    """The blocks of a tensor, in the order of ``itertools.product`` of the cuts.

    Attributes:
        shape: of the tensor, small dimensions merged; a number is (1,).
        cuts: of each dimension the sizes into which it is cut, as even as they can be.
        lengths: of each block the numbers in all its factors: n * n a dimension, n if diagonal.
        costs: of each block, in multiplications: the roots of its factors, once.
    """

    shape: tuple[int, ...]
    cuts: tuple[tuple[int, ...], ...]
    lengths: tuple[int, ...]
    costs: tuple[int, ...]

    @property
    def blocks(self) -> Iterator[tuple[int, ...]]:
        """The shape of each block."""
        return product(*self.cuts)

    def rows(self, *row: Tensor | None) -> Iterator[tuple[Tensor | None, ...]]:
        """Views of the blocks of tensors; the sixth and further ones hold the blocks' factors."""
        parts = [t if t is None else self.pieces(t.reshape(self.shape)) for t in row[:5]]
        parts += [t if t is None else t.split_with_sizes(self.lengths) for t in row[5:]]
        return zip(*(repeat(None) if t is None else t for t in parts), strict=False)

    def pieces(self, t: Tensor) -> list[Tensor]:
        """The blocks of a tensor of this shape."""
        pieces = [t]
        for dimension, sizes in enumerate(self.cuts):
            if len(sizes) > 1:
                pieces = [part for t in pieces for part in t.split_with_sizes(sizes, dimension)]
        return pieces


@lru_cache(4096)
def layout(
    shape: tuple[int, ...], block_size: int, merge_dims: int, max_dim: int, large: str
) -> Layout:
    """The blocks of a tensor of this shape.

    Neighbouring dimensions are merged while their product is at most ``merge_dims``; dimensions up
    to ``max_dim`` are cut into blocks of at most ``block_size``, larger ones stay whole and are
    ``large``: "diagonal" or "skip".
    """
    shape = merged(shape, merge_dims)
    cuts = tuple((n,) if n > max_dim else even(n, block_size) for n in shape)
    blocks = list(product(*cuts))
    lengths = tuple(sum(length(n, max_dim, large) for n in block) for block in blocks)
    costs = tuple(sum(n**3 for n in block if n <= max_dim) for block in blocks)
    return Layout(shape, cuts, lengths, costs)


def length(n: int, max_dim: int, large: str) -> int:
    """The numbers in the factor of a dimension of size n."""
    return n * n if n <= max_dim else n if large == "diagonal" else 0


def merged(shape: Iterable[int], most: int) -> tuple[int, ...]:
    """Neighbouring dimensions in one while their product is at most ``most``; 0: as they are."""
    done: list[int] = []
    for n in shape:
        if most and done and (n == 1 or done[-1] * n <= max(most, n)):
            done[-1] *= n
        else:
            done.append(n)
    return tuple(done) or (1,)


def even(n: int, most: int) -> tuple[int, ...]:
    """n as a sum of the fewest parts of at most ``most``, which differ by 1 at most."""
    count = max(1, -(-n // most))
    return tuple(n // count + (i < n % count) for i in range(count))


def spread(costs: Sequence[float], loads: list[float]) -> list[int]:
    """To each cost a bin, so that the bins come out alike: the largest first, to the emptiest.

    ``loads`` is what each bin holds already, and is brought up to date.
    """
    chosen = [0] * len(costs)
    for i in sorted(range(len(costs)), key=lambda i: -costs[i]):
        chosen[i] = loads.index(min(loads))
        loads[chosen[i]] += costs[i]
    return chosen


@lru_cache(64)
def turns(layouts: tuple[Layout, ...], frequency: int) -> list[tuple[int, ...]]:
    """To each block of each layout one of the steps 0, 1, ..., ``frequency`` - 1: its turn."""
    costs = [*chain.from_iterable(plan.costs for plan in layouts)]
    chosen = iter(spread(costs, [0] * min(frequency, max(1, len(costs)))))  # later ones stay empty
    return [tuple(islice(chosen, len(plan.costs))) for plan in layouts]

"""Replay a trace through an allocator: when is memory free and yet of no use?

Two allocators: one arena with best fit, and torch's way of cached segments. Sizes are rounded up to
512 bytes, as torch does on CUDA.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from adaopt.memory.trace import Event

ROUND = 512
MIB = 2**20


@dataclass(frozen=True)
class Outcome:
    """How a replay ended. Three quantities are called fragmentation; they are not the same.

    Attributes:
        capacity: bytes of the device, 0 if unlimited.
        peak: most bytes in use at once, each request rounded up.
        reserved: most bytes taken from the device at once.
        request: the request that failed, 0 if none did.
        free: bytes not in use when it failed.
        hole: the most of it side by side. With segments a request smaller than the hole can fail
            too: it may be of the other pool, or want a segment larger than itself.
    """

    capacity: int
    peak: int
    reserved: int
    request: int = 0
    free: int = 0
    hole: int = 0

    @property
    def fits(self) -> bool:
        return not self.request

    @property
    def free_share(self) -> float:
        """Free when the request failed, over the capacity: large if the request is."""
        return self.free / self.capacity if self.capacity else 0.0

    @property
    def unusable_share(self) -> float:
        """Free beyond the largest hole, over the capacity: what lies in pieces."""
        return (self.free - self.hole) / self.capacity if self.capacity else 0.0


def best_fit(events: Sequence[Event], capacity: int) -> Outcome:
    """One arena: the smallest hole that suffices is split, neighbours that are free are joined.

    Args:
        events: of a :class:`Trace`, or of several one after another.
        capacity: bytes of the arena.

    Raises:
        ValueError: a capacity below 1.
    """
    arena = Segment(_positive(capacity))
    return _replay(events, capacity, lambda n: arena.take(n, split=ROUND) and arena, [arena])


def segments(events: Sequence[Event], capacity: int = 0) -> Outcome:
    """Torch's caching allocator: segments are kept for later and never joined.

    A request of at most 1 MiB is served from segments of 2 MiB, one below 10 MiB from segments of
    20 MiB, a larger one from a segment of its own size, rounded up to 2 MiB. The smallest free
    block of the same pool that suffices is taken, and split if the rest is worth it (512 bytes for
    small requests, 1 MiB for large ones). When the device is full, segments without any block in
    use are given back, and the request is tried again.

    Args:
        events: of a :class:`Trace`, or of several one after another.
        capacity: bytes of the device; 0 for no limit.

    Raises:
        ValueError: a negative capacity.
    """
    if capacity:
        _positive(capacity)
    pools: dict[bool, list[Segment]] = {True: [], False: []}
    live: list[Segment] = []

    def take(size: int) -> Segment | None:
        small = size <= MIB
        split = ROUND if small else MIB + 1
        found = [(s.best(size), s) for s in pools[small] if s.largest >= size]
        if found:
            segment = min(found, key=lambda pair: pair[0])[1]
            segment.take(size, split)
            return segment
        need = (
            2 * MIB if small else 20 * MIB if size < 10 * MIB else -(-size // (2 * MIB)) * 2 * MIB
        )
        if capacity and sum(s.size for s in live) + need > capacity:
            for pool in pools.values():
                pool[:] = [s for s in pool if s.used]
            live[:] = [s for s in live if s.used]
            if sum(s.size for s in live) + need > capacity:
                return None
        segment = Segment(need)
        pools[small].append(segment)
        live.append(segment)
        segment.take(size, split)
        return segment

    return _replay(events, capacity, take, live)


def capacity_needed(
    events: Sequence[Event], allocator: Callable[..., Outcome] = best_fit, step: float = 0.01
) -> float:
    """The least capacity with which the replay succeeds, over its peak, to within ``step``.

    All capacities from 1 on are tried in steps: success at one does not imply success at the next.

    Raises:
        ValueError: no step above zero.
    """
    if not step > 0:
        raise ValueError(f"Invalid step: {step}. Expected a positive number")
    peak = allocator(events, 2**62).peak
    ratio = 1.0
    while not allocator(events, int(peak * ratio)).fits:
        ratio = round(ratio + step, 10)
    return ratio


@dataclass
class Segment:
    """Bytes in a row, as a list of blocks: start, size, in use."""

    size: int
    used: int = 0
    blocks: list[list[int]] = field(default_factory=list)
    last: int = 0

    def __post_init__(self) -> None:
        self.blocks = [[0, self.size, 0]]

    @property
    def largest(self) -> int:
        return max((size for _, size, used in self.blocks if not used), default=0)

    def best(self, size: int) -> int:
        """The size of the smallest free block that suffices."""
        return min(s for _, s, used in self.blocks if not used and s >= size)

    def take(self, size: int, split: int) -> bool:
        """Put a request into the best block; ``last`` is then its start."""
        fitting = [i for i, (_, s, used) in enumerate(self.blocks) if not used and s >= size]
        if not fitting:
            return False
        i = min(fitting, key=lambda i: self.blocks[i][1])
        start, room, _ = self.blocks[i]
        if room - size >= split:
            self.blocks[i : i + 1] = [[start, size, 1], [start + size, room - size, 0]]
            room = size
        else:
            self.blocks[i][2] = 1
        self.used += room
        self.last = start
        return True

    def give(self, start: int) -> None:
        """Release the block that starts here and join it with its free neighbours."""
        i = next(i for i, block in enumerate(self.blocks) if block[0] == start)
        self.used -= self.blocks[i][1]
        self.blocks[i][2] = 0
        if i + 1 < len(self.blocks) and not self.blocks[i + 1][2]:
            self.blocks[i][1] += self.blocks.pop(i + 1)[1]
        if i and not self.blocks[i - 1][2]:
            self.blocks[i - 1][1] += self.blocks.pop(i)[1]


def _replay(
    events: Iterable[Event],
    capacity: int,
    take: Callable[[int], Segment | None],
    live: list[Segment],
) -> Outcome:
    """Run the events; ``live`` are the segments that count as reserved."""
    places: dict[int, tuple[Segment, int, int]] = {}
    in_use = peak = reserved = 0
    for storage, size, _ in events:
        if size < 0:
            segment, start, rounded = places.pop(storage)
            segment.give(start)
            in_use -= rounded
            continue
        rounded = -(-size // ROUND) * ROUND
        segment = take(rounded)
        if not segment:
            free = capacity - sum(s.used for s in live)
            holes = [s.largest for s in live]
            holes.append(capacity - sum(s.size for s in live if s.used))
            return Outcome(capacity, peak, reserved, rounded, free, max(holes))
        places[storage] = segment, segment.last, rounded
        in_use += rounded
        peak = max(peak, in_use)
        reserved = max(reserved, sum(s.size for s in live))
    return Outcome(capacity, peak, reserved)


def _segment_size(size: int) -> int:
    if size <= MIB:
        return 2 * MIB
    return 20 * MIB if size < 10 * MIB else -(-size // (2 * MIB)) * 2 * MIB


def _positive(capacity: int) -> int:
    if capacity < 1:
        raise ValueError(f"Invalid capacity: {capacity}. Expected at least 1 byte")
    return capacity

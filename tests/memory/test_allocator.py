"""Replays through two allocators: small cases by hand, and the bookkeeping on real traces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaopt.memory import activations_trace, best_fit, capacity_needed, joined, segments
from adaopt.memory.allocator import MIB
from adaopt.memory.trace import Event
from adaopt.nn import GPTConfig

KB = 1024
CONFIG = GPTConfig(4, 4, 256, 512, 20000, 0.1)


def events(*sizes):
    """(storage, size) pairs; a negative size releases."""
    return [Event(storage, size, "") for storage, size in sizes]


COMB = events((1, KB), (2, KB), (3, KB), (4, KB), (1, -KB), (3, -KB), (5, 2 * KB))


def test_free_memory_in_pieces_is_of_no_use():
    outcome = best_fit(COMB, 4 * KB)
    assert not outcome.fits
    assert (outcome.request, outcome.free, outcome.hole) == (2 * KB, 2 * KB, KB)
    assert (outcome.free_share, outcome.unusable_share) == (0.5, 0.25)
    assert best_fit(COMB, 6 * KB).fits
    assert capacity_needed(COMB, best_fit, 0.25) == 1.5


def test_neighbours_are_joined():
    joins = events((1, KB), (2, KB), (3, KB), (1, -KB), (2, -KB), (4, 2 * KB))
    assert best_fit(joins, 3 * KB).fits


def test_the_smallest_hole_that_suffices_is_taken():
    fits = events(
        (1, 2 * KB), (2, KB), (3, KB), (4, KB), (1, -2 * KB), (3, -KB), (5, KB), (6, 2 * KB)
    )  # fmt: skip
    assert best_fit(fits, 5 * KB).fits


def test_requests_are_rounded_up():
    assert best_fit(events((1, 1), (2, 513)), 2048).peak == 512 + 1024


def test_segments_of_torch():
    assert segments(events((1, 5))).reserved == 2 * MIB
    assert segments(events((1, MIB + 1))).reserved == 20 * MIB
    assert segments(events((1, 11 * MIB))).reserved == 12 * MIB
    assert segments(events((1, MIB), (2, MIB))).reserved == 2 * MIB
    assert segments(events((1, 3 * MIB), (2, MIB))).reserved == 22 * MIB


def test_segments_are_kept_and_given_back_when_the_device_is_full():
    grow = [(k, size * MIB) for k in (1,) for size in (20,)]
    grow = events(*grow, (1, -20 * MIB), (2, 30 * MIB), (2, -30 * MIB), (3, 40 * MIB))
    assert segments(grow).reserved == 90 * MIB
    assert segments(grow, 40 * MIB).fits
    assert segments(grow, 40 * MIB).reserved == 40 * MIB


def test_segments_are_never_joined():
    """Two segments, each with a block in use: what is free lies in pieces."""
    story = events(
        *[(1, 12 * MIB), (2, 12 * MIB), (1, -12 * MIB), (3, 6 * MIB)],
        *[(2, -12 * MIB), (4, 7 * MIB), (5, 11 * MIB)],
    )
    outcome = segments(story, 24 * MIB)
    assert (outcome.request, outcome.free, outcome.hole) == (11 * MIB, 11 * MIB, 6 * MIB)
    assert outcome.reserved == outcome.capacity == 24 * MIB
    assert segments(story, 36 * MIB).fits


@pytest.fixture(scope="module")
def trace():
    return activations_trace(CONFIG, 2, checkpoint=1)


def test_three_different_quantities(trace):
    """Free when a request failed; in pieces; and how much more would have sufficed."""
    for allocator in (best_fit, segments):
        need = capacity_needed(trace.events, allocator)
        peak = allocator(trace.events, 2**62).peak
        outcome = allocator(trace.events, int(peak * (need - 0.01)))
        assert not outcome.fits
        assert outcome.free_share > 0.2 > outcome.unusable_share > 0
        assert 0.01 <= need - 1 < 0.25
        assert outcome.free_share > need - 1


def test_lengths_that_grow_leave_segments_behind():
    traces = [activations_trace(CONFIG, 2, seq, checkpoint=1) for seq in (128, 256, 384, 512)]
    fixed = segments(joined([traces[-1]] * 4))
    growing = segments(joined(traces))
    assert growing.peak == fixed.peak
    assert growing.reserved > 1.5 * fixed.reserved


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 40 * MIB)), max_size=60), st.data())
def test_the_books_balance(requests, data):
    """Nothing overlaps: in use <= reserved <= capacity, hole <= free <= capacity."""
    story, alive = [], []
    for number, (release, size) in enumerate(requests):
        if release and alive:
            storage, old = alive.pop(data.draw(st.integers(0, len(alive) - 1)))
            story.append(Event(storage, -old, ""))
        story.append(Event(number, size, ""))
        alive.append((number, size))
    for allocator in (best_fit, segments):
        for capacity in (20 * MIB, 100 * MIB, 2**40):
            outcome = allocator(story, capacity)
            assert outcome.peak <= outcome.reserved <= capacity or not story
            assert 0 <= outcome.free <= capacity
            if not outcome.fits:
                assert outcome.hole <= outcome.free
                assert outcome.hole < outcome.request or allocator is segments


@pytest.mark.parametrize("capacity", [0, -5])
def test_wrong_capacities(capacity):
    with pytest.raises(ValueError, match=f"Invalid capacity: {capacity}"):
        best_fit(COMB, capacity)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="Invalid capacity: -1"):
        segments(COMB, -1)
    with pytest.raises(ValueError, match="Invalid step: 0"):
        capacity_needed(COMB, best_fit, 0)

"""Pieces that are due, late or lost."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectrometer.daq.pacing import CATCH_UP_S, LONGEST_PIECE_S, Pacing
from spectrometer.daq.source import Piece

COUNT, RATE = 10, 100.0


class TwoPieces:
    """A source of two pieces of 10 samples, and maybe a gap between them; only what a Pacing asks
    for."""

    block_samples = 2 * COUNT

    def __init__(self, gap: int = 0) -> None:
        self.gap, self.samples = gap, 2 * COUNT + gap

    def pieces(self) -> Iterator[Piece]:
        yield Piece(np.zeros((1, COUNT, 4), np.int8), 0, follows=False)
        yield Piece(np.zeros((1, COUNT, 4), np.int8), COUNT + self.gap, follows=not self.gap)


def pacing(
    length: float | None = None, max_lag: float | None = 0.15, rate: float = RATE, gap: int = 0
) -> Pacing:
    made = Pacing(TwoPieces(gap), rate, length, max_lag)  # type: ignore[arg-type]  # with what is used here
    made.start = 1000.0
    return made


def test_a_piece_is_due_when_its_last_sample_is() -> None:
    made = pacing()
    assert abs(made.due_in(1000.0) - 0.1) < 1e-9
    assert made.due_in(1000.2) == 0.0
    made.take(1000.1)
    made.advance()
    assert abs(made.due_in(1000.1) - 0.1) < 1e-9


def test_positions_go_on_over_the_loops_of_the_source() -> None:
    made, positions = pacing(max_lag=None), []
    for _ in range(5):
        due = made.take(0.0)
        positions.append((due.position, due.is_late, made.loops))
        made.advance()
    assert positions == [
        (0, False, 0),
        (10, False, 0),
        (20, False, 1),
        (30, False, 1),
        (40, False, 2),
    ]
    assert (made.blocks, made.dropped, made.due_in(0.0)) == (2.5, 0.0, 0.0)


def test_a_late_piece_is_lost_and_the_scan_ends_all_the_same() -> None:
    made, late = pacing(length=0.5), []
    for now in (1000.1, 1000.4, 1000.4, 1000.4, 1000.5):
        assert not made.over
        late.append(made.take(now).is_late)
        made.advance()
    assert late == [False, True, False, False, False]
    assert (made.blocks, made.dropped, made.lost_seconds, made.over) == (2.0, 0.5, 0.1, True)


def test_lateness_does_not_grow_after_the_end_of_a_scan_but_for_a_while() -> None:
    made = pacing(length=0.2)
    assert not made.take(1000.2 + CATCH_UP_S / 2).is_late  # it was complete 0.1 s before the end
    made.advance()
    assert made.take(1000.3 + CATCH_UP_S).is_late


def test_the_last_piece_is_cut_at_the_end_of_the_scan_and_is_due_then() -> None:
    made = pacing(length=0.13)
    made.take(1000.1)
    made.advance()
    assert made.due_in(1000.1) == pytest.approx(0.03)
    assert made.take(1000.13).samples.shape[1] == 3
    assert made.over
    assert made.is_whole


def test_a_long_piece_is_handed_out_in_parts() -> None:
    made, parts = pacing(rate=8 / LONGEST_PIECE_S), []
    for _ in range(4):
        due = made.take(1000.0)
        parts.append((due.position, due.samples.shape[1], due.follows))
        made.advance()
    assert parts == [(0, 8, False), (8, 2, True), (10, 8, True), (18, 2, True)]


def test_what_waits_when_a_scan_is_stopped_is_still_handed_out() -> None:
    made = pacing(length=60.0)
    made.stop(1000.35)  # three pieces of 0.1 s are complete, and none was taken
    taken = 0
    while not made.over:
        assert not made.take(1000.36 if taken > 1 else 1000.24).is_late
        made.advance()
        taken += 1
    assert (taken, made.reached, made.lost, made.is_whole) == (3, 30, 0, False)
    made.cut(1002.0)
    assert (made.reached, made.lost) == (30, 0)


@pytest.mark.parametrize(
    ("taken", "stopped", "reached", "lost"),
    [(1, 0.25, 25, 15), (1, 0.35, 30, 20), (2, 0.45, 40, 20), (1, 0.1, 10, 0)],
)
def test_a_gap_in_which_a_scan_is_stopped_is_lost_until_then(
    taken: int, stopped: float, reached: int, lost: int
) -> None:
    made = pacing(gap=2 * COUNT)
    for _ in range(taken):
        made.take(made.start + made.due_in(made.start))
        made.advance()
    made.stop(made.start + stopped)
    assert (made.over, made.reached, made.lost) == (True, reached, lost)


def test_what_is_cut_off_is_lost_to_the_sample() -> None:
    made = pacing(length=0.57)
    made.take(1000.1)
    made.advance()
    made.cut(1000.45)
    assert (made.reached, made.lost, made.over, made.is_whole) == (45, 35, True, False)
    assert (made.dropped, made.lost_seconds) == (1.75, 0.35)


def test_a_scan_that_never_began_has_lost_all_that_was_due() -> None:
    made = pacing(length=0.57, max_lag=None)
    made.miss(1000.0, 1000.3)
    assert (made.reached, made.lost, made.over) == (30, 30, True)
    made = pacing(length=0.57)
    made.miss(1000.0, 2000.0)
    assert (made.lost_seconds, made.is_whole) == (0.57, True)


@given(
    st.lists(st.floats(0.0, 0.6), max_size=60), st.floats(0.1, 3.0), st.none() | st.floats(0.0, 3.0)
)
def test_what_was_due_was_taken_or_is_lost(
    lags: list[float], length: float, stop: float | None
) -> None:
    made, now, taken = pacing(length=length), 1000.0, 0
    lag = iter(lags)
    while not made.over:
        if stop is not None and now >= 1000.0 + stop:
            made.stop(now)
            stop = None
            continue
        now += made.due_in(now) + next(lag, 0.0)
        due = made.take(now)
        taken += 0 if due.is_late else due.samples.shape[1]
        made.advance()
    made.cut(now)
    assert taken + made.lost == made.reached
    assert made.reached == made.length or not made.is_whole

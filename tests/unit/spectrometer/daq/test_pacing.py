"""When pieces are due, and what becomes of those that come too late."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spectrometer.daq.pacing import Pacing
from spectrometer.daq.source import Piece

COUNT, RATE = 10, 100.0


class TwoPieces:
    """A source of two pieces of 10 samples; only what a Pacing asks for."""

    samples = 2 * COUNT

    def pieces(self) -> Iterator[Piece]:
        for first in (0, COUNT):
            yield Piece(np.zeros((1, COUNT, 4), np.int8), first, 0.5, first > 0)


def pacing(length: float | None = None, max_lag: float | None = 0.15) -> Pacing:
    made = Pacing(TwoPieces(), RATE, length, max_lag)  # type: ignore[arg-type]  # with what is used here
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
    assert positions == [(0, False, 0), (10, False, 0), (20, False, 1), (30, False, 1), (40, False, 2)]
    assert (made.blocks, made.dropped, made.due_in(0.0)) == (2.5, 0.0, 0.0)


def test_a_late_piece_is_counted_as_dropped_and_the_scan_ends_all_the_same() -> None:
    made, late = pacing(length=0.3), []
    for now in (1000.1, 1000.4, 1000.3):
        assert not made.over
        late.append(made.take(now).is_late)
        made.advance()
    assert late == [False, True, False]
    assert (made.blocks, made.dropped, made.over) == (1.0, 0.5, True)

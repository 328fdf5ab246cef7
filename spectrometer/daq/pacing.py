"""Pacing of a source in a scan: pieces that are due, late or lost. No clock: callers say `now`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from spectrometer.daq.source import SampleArray, Source

__all__ = ["CATCH_UP_S", "DuePiece", "Pacing"]

CATCH_UP_S = 3.0
"""After the end of a scan: so long pieces that wait are still taken, however slow the processing
is."""

LONGEST_PIECE_S = 0.25
"""A longer piece is handed out in parts, so that a scan that is stopped has what came until
then."""


SAME = 1e-6
"""Of a sample: so much may be missing of it by rounding."""


@dataclass(frozen=True, slots=True)
class DuePiece:
    """Consecutive samples whose turn it is."""

    samples: SampleArray
    """Shape (channels, time, 2 * polarizations); those behind the end of the scan are cut off."""
    position: int
    """Of the first sample, since the start of the scan."""
    follows: bool
    """It continues the piece before; otherwise a filter has to be reset."""
    is_late: bool
    """Processing lags too much: the piece is lost, and what comes next does not follow."""


@dataclass(frozen=True, slots=True)
class _Next:
    samples: SampleArray
    position: int
    follows: bool
    loops: int


class Pacing:
    """A source that is replayed over and over, by the clock, until the scan is over.

    All times are of one clock, which never steps: s.

    Args:
        source: Of the voltages.
        rate: Replayed samples per second and coarse channel.
        length: Of the scan, s; None: it has no end.
        max_lag: Seconds that processing may lag until the end of the scan; None: no piece waits for
            the clock, and none is late.

    Attributes:
        length: Of the scan, samples; None: it has no end.
        end: Where it ends after all, samples: earlier if it is stopped.
        reached: Samples of the scan that were taken or lost.
        lost: Those of them that were lost.
        loops: How often the source began again.
        start: Time of the first sample.
    """

    def __init__(
        self, source: Source, rate: float, length: float | None, max_lag: float | None
    ) -> None:
        self._source, self._rate, self._max_lag = source, rate, max_lag
        self._longest = None if max_lag is None else max(int(rate * LONGEST_PIECE_S), 1)
        self.length = self.end = None if length is None else int(length * rate + 0.5)
        self.reached = self.lost = self.loops = 0
        self.start = 0.0
        self._stopped_at: float | None = None
        self._pieces = self._endless()
        self._next = next(self._pieces)

    @property
    def over(self) -> bool:
        """Nothing more of the scan is to be taken."""
        if self.end is not None and self.reached >= self.end:
            return True
        return self._stopped_at is not None and self._complete_at > self._stopped_at

    @property
    def is_whole(self) -> bool:
        """The scan has reached the length that it was to have."""
        return self.length is not None and self.reached >= self.length

    @property
    def blocks(self) -> float:
        """Blocks of the source that were taken."""
        return (self.reached - self.lost) / self._source.block_samples

    @property
    def dropped(self) -> float:
        """Blocks of the source that were lost, parts of them counted."""
        return self.lost / self._source.block_samples

    @property
    def lost_seconds(self) -> float:
        """Time of the scan that was lost, s."""
        return self.lost / self._rate

    def due_in(self, now: float) -> float:
        """Seconds until the next piece is complete; 0 if it is."""
        return 0.0 if self._max_lag is None else max(0.0, self._complete_at - now)

    def take(self, now: float) -> DuePiece:
        """The next piece, to be processed or, if it is late, left out."""
        piece = self._next
        is_late = self._is_late(now)
        reached = self._until(piece.position + piece.samples.shape[1])
        begin = self._until(piece.position)
        self.lost += reached - self.reached if is_late else begin - self.reached
        self.reached, self.loops = reached, piece.loops
        return DuePiece(piece.samples[:, : reached - begin], piece.position, piece.follows, is_late)

    def _is_late(self, now: float) -> bool:
        if self._max_lag is None:
            return False
        end = math.inf if self._stopped_at is None else self._stopped_at
        if self.end is not None:
            end = min(end, self.start + self.end / self._rate)
        return min(now, end) - self._complete_at > self._max_lag or now - end > max(
            CATCH_UP_S, self._max_lag
        )

    def advance(self) -> None:
        """Done with what was taken, whose samples may be overwritten now."""
        if self.end is None or self.reached < self.end:
            self._next = next(self._pieces)

    def stop(self, now: float) -> None:
        """End the scan with what is complete now: what waits is still handed out, and a gap is lost
        until now."""
        if self._max_lag is None:
            self.end = self.reached
        else:
            self._stopped_at = now
            self._lose(now, at_most=self._next.position)

    def cut(self, now: float) -> None:
        """End the scan at once: what is due and was not taken is lost."""
        until = now if self._stopped_at is None else min(now, self._stopped_at)
        if self._max_lag is not None and self._complete_at <= until:
            self._lose(until)
        self.end = self.reached

    def miss(self, start: float, now: float) -> None:
        """Let the scan, which did not begin at its start, end: what was due is lost."""
        self.start = start
        self._lose(now)
        self.end = self.reached

    def _lose(self, until: float, at_most: int | None = None) -> None:
        due = int((until - self.start) * self._rate + SAME)
        due = self._until(max(due if at_most is None else min(due, at_most), self.reached))
        self.lost += due - self.reached
        self.reached = due

    def _until(self, position: int) -> int:
        return position if self.end is None else min(position, self.end)

    @property
    def _complete_at(self) -> float:
        end = self._until(self._next.position + self._next.samples.shape[1])
        return float(self.start + end / self._rate)

    def _endless(self) -> Iterator[_Next]:
        loops = 0
        while True:
            for piece in self._source.pieces():
                position = loops * self._source.samples + piece.first_sample
                count = piece.samples.shape[1]
                step = self._longest or count
                for at in range(0, count, step):
                    part = piece.samples[:, at : at + step]
                    yield _Next(part, position + at, at > 0 or piece.follows, loops)
            loops += 1

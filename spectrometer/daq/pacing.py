"""When the pieces of a source are due in a scan, and which come too late. No clock: callers say what time it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from spectrometer.daq.source import Piece, Source

__all__ = ["DuePiece", "Pacing"]


@dataclass(frozen=True, slots=True)
class DuePiece:
    """A piece whose turn it is."""

    piece: Piece
    position: int
    """Of its first sample, since the start of the scan."""
    is_late: bool
    """Processing lags too much: the piece is dropped, and what comes next does not follow."""


class Pacing:
    """A source that is replayed over and over, by the clock, until the scan is over.

    Args:
        source: Of the voltages.
        rate: Replayed samples per second and coarse channel.
        length: Of the scan, s; None: it has no end.
        max_lag: Seconds that processing may lag; None: no piece waits for the clock, and none is late.

    Attributes:
        blocks: Blocks of the source that were taken.
        dropped: Those that were late.
        loops: How often the source began again.
        over: The last piece of the scan was taken.
        start: Time of the first sample, unix seconds.
    """

    def __init__(self, source: Source, rate: float, length: float | None, max_lag: float | None) -> None:
        self._source, self._rate, self._max_lag = source, rate, max_lag
        self._end = None if length is None else length * rate
        self.blocks = self.dropped = self.start = 0.0
        self.loops = 0
        self.over = False
        self._pass_start = 0
        self._pieces = self._endless()
        self._next: Piece = next(self._pieces)

    def due_in(self, now: float) -> float:
        """Seconds until the next piece is complete; 0 if it is."""
        return 0.0 if self._max_lag is None else max(0.0, self._complete_at - now)

    def take(self, now: float) -> DuePiece:
        """The next piece, to be processed or, if it is late, left out."""
        piece, position = self._next, self._position
        is_late = self._max_lag is not None and now - self._complete_at > self._max_lag
        if position > 0 and piece.first_sample == 0:
            self.loops += 1
        if is_late:
            self.dropped += piece.blocks
        else:
            self.blocks += piece.blocks
        self.over = self._end is not None and position + piece.samples.shape[1] >= self._end
        return DuePiece(piece, position, is_late)

    def advance(self) -> None:
        """Done with what was taken, whose samples may be overwritten now."""
        self._next = next(self._pieces)

    @property
    def _position(self) -> int:
        return self._pass_start + self._next.first_sample

    @property
    def _complete_at(self) -> float:
        return float(self.start + (self._position + self._next.samples.shape[1]) / self._rate)

    def _endless(self) -> Iterator[Piece]:
        while True:
            yield from self._source.pieces()
            self._pass_start += self._source.samples

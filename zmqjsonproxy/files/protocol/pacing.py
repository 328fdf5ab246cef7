"""Pace of a transfer: bytes per second as asked for, and how many requests are under way. No clock:
callers say `now`."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["PIECE_BYTES", "Pacer", "Window"]

PIECE_BYTES = 2**19
"""Of one request."""
_FIRST_PIECE_BYTES = 2**16
_LEAST_PIECE_BYTES = 2**12
_ANSWERS_TO_GROW = 128
"""So many without a loss, and larger pieces are tried again."""
_PIECES_PER_S = 4
_CATCH_UP_S = 0.5
"""Longest delay that is caught up: bytes not asked for in time are asked for later, s."""


@dataclass(slots=True)
class Pacer:
    """Bytes per second that are asked for at most, on average.

    Attributes:
        rate: Bytes/s; infinite: as fast as it goes.
        due: When the next request is due, s; infinitely long ago before the first.
    """

    rate: float = math.inf
    due: float = -math.inf

    @property
    def piece_bytes(self) -> int:
        """Bytes of one request: fewer where they are to come slowly, for an even flow."""
        return int(min(PIECE_BYTES, max(self.rate / _PIECES_PER_S, _LEAST_PIECE_BYTES)))

    def wait(self, now: float) -> float:
        """Return how long it is until the next request is due, s; 0: it is."""
        return max(self.due - now, 0.0)

    def take(self, size: int, now: float) -> None:
        """Note that so many bytes are asked for."""
        begun = now if math.isinf(self.due) else max(self.due, now - _CATCH_UP_S)
        self.due = begun + size / self.rate


@dataclass(slots=True)
class Window:
    """Size of requests, and how many are under way.

    Begins with few and small ones. Each answer in time lets one more be under way, which are twice as
    many with each round trip, and doubles their size. A connection on which no message ends for a
    while is taken for lost, so over a slow line pieces have to be small: when one is lost, they get
    smaller, and pieces of that size are not tried again soon.

    Attributes:
        timeout: Of one request, s.
        most: Requests; with pieces of PIECE_BYTES, 16 MiB: 50 MB/s at a round trip of 300 ms.
        size: Requests that may be under way now.
        piece_bytes: Bytes of a request now.
        ceiling: To which they may grow now.
    """

    timeout: float
    most: int = 32
    size: int = 2
    piece_bytes: int = _FIRST_PIECE_BYTES
    ceiling: int = PIECE_BYTES
    _in_time: int = 0

    def answered(self, delay: float) -> None:
        """Take note of an answer, `delay` s after its request."""
        if delay < self.timeout / 8:
            self.size = min(self.size + 1, self.most)
        elif delay > self.timeout / 4:
            self.size = max(self.size // 2, 1)
        self._in_time += 1
        if self._in_time % _ANSWERS_TO_GROW == 0:
            self.ceiling = min(2 * self.ceiling, PIECE_BYTES)
        self.piece_bytes = min(2 * self.piece_bytes, self.ceiling)

    def lost(self) -> None:
        """Take note of a request that was not answered."""
        self.size, self._in_time = 1, 0
        self.ceiling = max(self.piece_bytes // 2, _LEAST_PIECE_BYTES)
        self.piece_bytes = max(self.piece_bytes // 4, _LEAST_PIECE_BYTES)

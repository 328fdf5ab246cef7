"""The keeper of a copy: what comes from the server, when it is asked again, how old the copy is. Pure:
callers say `now`, s, monotonic.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from histogrammer.display.protocol.layout import HEADER_BYTES as TABLE_BYTES
from histogrammer.errors import MirrorProtocolError
from histogrammer.mirror.protocol.messages import HEADER_BYTES, MirrorMessageType, read_prefix

__all__ = ["Expected", "Pace", "Retry"]


@dataclass(slots=True)
class Expected:
    """Updates of one connection, by their headers.

    Args:
        most_channels: Bytes of channels that the copy has.
    """

    most_channels: int
    _has_tables: bool = False

    def read(self, header: bytes) -> tuple[int, int]:
        """Return how many bytes of tables, then of channels, follow the header of an update.

        Raises:
            MirrorProtocolError: That is no update that this copy can take.
        """
        prefix = read_prefix(header)
        if prefix.type is MirrorMessageType.FULL_UPDATE:
            tables, channels = TABLE_BYTES, prefix.body - TABLE_BYTES
            self._has_tables = True
        elif prefix.type is MirrorMessageType.PARTIAL_UPDATE and self._has_tables:
            tables, channels = 0, prefix.body
        else:
            raise MirrorProtocolError(
                f"a message of the type {prefix.type} where a full update was expected"
            )
        if not 0 <= channels <= self.most_channels:
            raise MirrorProtocolError(
                f"an update of {prefix.body + HEADER_BYTES} bytes for a copy with "
                f"{self.most_channels} bytes of channels"
            )
        return tables, channels


@dataclass(slots=True)
class Pace:
    """Time between updates: a second after the last, or five times as long as that took, as existing
    clients do it."""

    least: float = 1.0
    times: float = 5.0
    _asked_at: float = field(default=0.0)

    def ask(self, now: float) -> None:
        """Take note of a request."""
        self._asked_at = now

    def wait_after(self, now: float) -> float:
        """Return how long to wait after its answer, which has come."""
        return max(self.least, self.times * (now - self._asked_at))


@dataclass(slots=True)
class Retry:
    """Time between attempts to connect: twice as long each time, up to a limit."""

    first: float = 0.5
    most: float = 10.0
    _next: float = field(default=0.0)

    def wait(self) -> float:
        """Return how long to wait before the next attempt, s."""
        now = max(self.first, min(self._next, self.most))
        self._next = 2 * now
        return now

    def succeed(self) -> None:
        """Begin anew: the server has answered."""
        self._next = 0.0

"""Start of a scan on the monotonic clock. Knows the status keys DAQSTART and DAQMONO.

Durations are taken from the monotonic clock; the other one, which may be set at any moment, is only
read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from player.clock import Clock, read_both
from spectrometer.status.errors import CardError
from spectrometer.status.protocol.cards import Value, read_number

__all__ = ["Start", "StartTime", "is_armed"]

LATEST_START = 4e9  # unix seconds


@dataclass(frozen=True, slots=True)
class Start:
    """The start of a scan."""

    time: float
    """Unix seconds: for time stamps."""
    at: float
    """The same moment on the monotonic clock, s."""


class StartTime:
    """The start that the status memory announces, taken to the monotonic clock once.

    Args:
        clock: That of the host.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.announced: Start | None = None
        """Start time that was read last."""
        self._was_ahead = False

    def forget(self) -> None:
        """Another scan: what was read before counts no more."""
        self.announced, self._was_ahead = None, False

    def now(self) -> Start:
        """A start at this moment."""
        return Start(*read_both(self._clock))

    def read(self, values: Mapping[str, Value]) -> Start | None:
        """The start that is announced; None if there is none.

        Raises:
            CardError: DAQSTART or DAQMONO cannot be.
        """
        if "DAQSTART" not in values:
            return None
        time = read_number("DAQSTART", values["DAQSTART"])
        if not 0 <= time <= LATEST_START:
            raise CardError("DAQSTART", f"expected unix seconds, found {time:g}")
        if self.announced is None or self.announced.time != time:
            wall, now = read_both(self._clock)
            at = now + time - wall
            if "DAQMONO" in values:
                at = read_number("DAQMONO", values["DAQMONO"])
                if not abs(at) <= LATEST_START:
                    raise CardError("DAQMONO", f"expected seconds of CLOCK_MONOTONIC, found {at:g}")
            self.announced, self._was_ahead = Start(time, at), at > now
        return self.announced

    @property
    def missed(self) -> Start | None:
        """The start that has passed since it was announced; None if there was none, or it is yet to
        come."""
        start = self.announced
        return (
            start
            if start is not None and self._was_ahead and start.at <= self._clock.monotonic()
            else None
        )


def is_armed(values: Mapping[str, Value]) -> bool:
    """The scan is to begin at the start that is announced."""
    return str(values.get("ARMSTATE", "")).lower() == "armed"

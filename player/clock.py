"""The time as Banks see it: that of the computer, or of a test that turns it by hand."""

from __future__ import annotations

import threading
import time
from typing import Protocol

__all__ = ["Clock", "ClockWatch", "SystemClock", "read_both"]

STEP_S = 0.05
"""Differences between the clocks that are less are how they are read, or how they are
disciplined."""
READ_WITHIN_S = 0.001
"""Of both clocks one after the other; a thread that was interrupted in between reads them again."""
READ_AGAIN = 100


class Clock(Protocol):
    """Clock that a Bank asks, so that its tests need not wait."""

    def time(self) -> float:
        """Seconds since 1970, UTC."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for an event, up to `seconds`; whether it is set."""


class SystemClock:
    """That of the computer."""

    def time(self) -> float:
        """Seconds since 1970, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        return time.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for an event, up to `seconds`; whether it is set."""
        return event.wait(max(seconds, 0.0))


def read_both(clock: Clock) -> tuple[float, float]:
    """Read both clocks at one moment, s: unix time and monotonic time."""
    best = None
    for _ in range(READ_AGAIN):
        before = clock.monotonic()
        wall = clock.time()
        after = clock.monotonic()
        if best is None or after - before < best[0]:
            best = after - before, wall, (before + after) / 2
        if best[0] < READ_WITHIN_S:
            break
    assert best is not None
    return best[1:]


class ClockWatch:
    """Steps of the host's clock against the monotonic one; to be looked at often, as it may also be
    slewed.

    Args:
        clock: That of the host.

    Attributes:
        steps: Seconds by which the clock was set altogether.
        count: How often.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.begin()

    def begin(self) -> None:
        """Forget all steps."""
        self.steps, self.count = 0.0, 0
        wall, monotonic = read_both(self._clock)
        self._difference = wall - monotonic

    def look(self) -> float:
        """Return the seconds by which the clock was set since the last look; 0: it was not."""
        wall, monotonic = read_both(self._clock)
        step = wall - monotonic - self._difference
        self._difference += step
        if abs(step) < STEP_S:
            return 0.0
        self.steps += step
        self.count += 1
        return step

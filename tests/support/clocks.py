"""Clocks that tests turn, and set."""

from __future__ import annotations

import threading
from collections.abc import Callable

from player.testing.clock import ManualClock

LEAST_S = 1e-6
"""Passes in any wait, however short."""


class SettableClock(ManualClock):
    """A clock whose time of day may be set; its monotonic time goes on."""

    def set_by(self, seconds: float) -> None:
        """Set the time of day, forward or back."""
        self._start += seconds


class PassingClock:
    """A clock whose time passes while somebody waits on it, and only then. For one thread.

    Attributes:
        now: Seconds of the monotonic clock.
        set_by: Seconds by which the time of day was set.
        on_wait: Called before each wait.
    """

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._start = start
        self.now, self.set_by = 0.0, 0.0
        self.on_wait: Callable[[], None] = lambda: None

    def time(self) -> float:
        """Seconds since 1970, UTC."""
        return self._start + self.now + self.set_by

    def monotonic(self) -> float:
        """Seconds that have passed."""
        return self.now

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Let the time pass, unless the event is set; whether it is."""
        self.on_wait()
        if not event.is_set():
            self.now += max(seconds, LEAST_S)
        return event.is_set()

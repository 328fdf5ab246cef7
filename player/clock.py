"""The time as Banks see it: that of the computer, or of a test that turns it by hand."""

from __future__ import annotations

import threading
import time
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """What a Bank asks the time, so that its tests need not wait."""

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

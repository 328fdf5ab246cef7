"""A clock that a test turns by hand."""

from __future__ import annotations

import threading
import time

__all__ = ["ManualClock"]

LOOK_EVERY_S = 0.005  # an event may be set without the clock being told


class ManualClock:
    """Stands still until `advance`; whoever waits on it wakes when its time has come.

    Args:
        start: Seconds since 1970, UTC.
    """

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._start, self._passed = start, 0.0
        self._changed = threading.Condition()
        self._ends: list[float] = []  # of the waits that go on

    def time(self) -> float:
        """Seconds since 1970, UTC."""
        return self._start + self._passed

    def monotonic(self) -> float:
        """Seconds that were advanced."""
        return self._passed

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for an event, or until the clock was advanced by `seconds`; whether the event is
        set."""
        with self._changed:
            end = self._passed + seconds
            self._ends.append(end)
            self._changed.notify_all()
            try:
                while self._passed < end and not event.is_set():
                    self._changed.wait(LOOK_EVERY_S)
            finally:
                self._ends.remove(end)
        return event.is_set()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        if seconds < 0:
            raise ValueError(f"a clock does not go back: {seconds:g} s")
        with self._changed:
            self._passed += seconds
            self._changed.notify_all()

    def wait_for_waiters(self, count: int = 1, within_s: float = 10.0) -> None:
        """Return when `count` threads wait for a time that has not come, so that `advance` finds
        them.

        Raises:
            TimeoutError: They did not within `within_s` s of real time.
        """
        end = time.monotonic() + within_s
        with self._changed:
            while (found := sum(due > self._passed for due in self._ends)) < count:
                if (
                    not self._changed.wait(max(end - time.monotonic(), 0.0))
                    and time.monotonic() >= end
                ):
                    raise TimeoutError(
                        f"{found} of {count} threads wait on the clock after {within_s:g} s"
                    )

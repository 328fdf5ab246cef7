"""Clocks that tests turn, and set."""

from __future__ import annotations

from player.testing.clock import ManualClock


class SettableClock(ManualClock):
    """A clock whose time of day may be set; its monotonic time goes on."""

    def set_by(self, seconds: float) -> None:
        """Set the time of day, forward or back."""
        self._start += seconds

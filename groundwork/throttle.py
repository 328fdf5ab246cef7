"""Bound on how much of something is done within a second; what is left out is counted. No clock."""

from __future__ import annotations

import math

__all__ = ["Throttle"]


class Throttle:
    """Choice of what is done, so many times in a second.

    Args:
        most: Times in a second.
    """

    def __init__(self, most: int) -> None:
        self._most, self._room, self._end = most, most, -math.inf
        self.left_out = 0

    @property
    def due(self) -> float | None:
        """When it is to be told how many were left out, s, monotonic; None: none were."""
        return self._end if self.left_out else None

    def take_left_out(self, now: float) -> int:
        """Return how many were left out in the second before, if it is over; they are told once.

        Args:
            now: s, monotonic.
        """
        if now < self._end:
            return 0
        self._end, self._room = now + 1.0, self._most
        number, self.left_out = self.left_out, 0
        return number

    def takes(self) -> bool:
        """Tell whether one more is done; one that is not is counted."""
        if self._room:
            self._room -= 1
            return True
        self.left_out += 1
        return False

"""Timers of a time that the test turns."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count


class VirtualTimers:
    """Calls functions at their time, when the test says that it has come.

    Attributes:
        now: s.
    """

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.waiting: list[tuple[float, int, Callable[[], object]]] = []
        self._order = count()

    def clock(self) -> float:
        return self.now

    def call_at(self, when: float, function: Callable[[], object]) -> None:
        heapq.heappush(self.waiting, (when, next(self._order), function))

    def close(self) -> None:
        self.waiting.clear()

    def advance(self, seconds: float) -> None:
        """Let time pass, and call what is due, at its very time."""
        end = self.now + seconds
        while self.waiting and self.waiting[0][0] <= end:
            when, _, function = heapq.heappop(self.waiting)
            self.now = max(self.now, when)
            function()
        self.now = end

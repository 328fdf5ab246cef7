"""Time in which events were processed, of all analyses so far. No lock: the thread of the engine has
it."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["ActiveTime"]


class ActiveTime:
    """A stopwatch that runs while events are processed.

    Args:
        clock: Monotonic time, s.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ended = 0.0
        self._begun: float | None = None

    def begin(self) -> None:
        """Note that events are processed from now on."""
        if self._begun is None:
            self._begun = self._clock()

    def end(self) -> None:
        """Note that no events are processed any more."""
        self._ended, self._begun = self.seconds, None

    @property
    def seconds(self) -> float:
        """Time so far, s."""
        return self._ended + (0.0 if self._begun is None else self._clock() - self._begun)

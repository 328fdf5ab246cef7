"""Rates of counters that grow: over the last seconds, and from one moment to now. No clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

__all__ = ["Rates"]

WINDOW_S = 3.0
LEAST_APART_S = 0.05


@dataclass(slots=True)
class Rates:
    """Rates of several counters, per second.

    Args:
        number: Of counters.
    """

    number: int
    _samples: deque[tuple[float, tuple[int, ...]]] = field(default_factory=deque)

    def begin(self, now: float, *counters: int) -> None:
        """Forget what was before."""
        self._samples.clear()
        self._samples.append((now, counters))

    def note(self, now: float, *counters: int) -> None:
        """Take note of the counters; often, while they grow."""
        samples = self._samples
        if len(samples) > 1 and now - samples[-2][0] < LEAST_APART_S:
            samples.pop()
        samples.append((now, counters))
        while len(samples) > 2 and now - samples[1][0] > WINDOW_S:
            samples.popleft()

    def at(self, now: float) -> tuple[float, ...]:
        """Return the rates; 0 where nothing was noted."""
        if not self._samples or now <= self._samples[0][0]:
            return (0.0,) * self.number
        (began, first), (_, last) = self._samples[0], self._samples[-1]
        return tuple((b - a) / (now - began) for a, b in zip(first, last, strict=True))

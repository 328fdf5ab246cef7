"""Time of a scan: its start second, fixed once on the monotonic clock; what is told of steps of the
other one."""

from __future__ import annotations

from dataclasses import dataclass

from player.clock import Clock, ClockWatch, read_both

__all__ = ["ScanTime", "told_of_steps"]


@dataclass(frozen=True, slots=True)
class ScanTime:
    """Start of one scan on both clocks, s.

    Attributes:
        start: Unix time of the start, for time stamps.
        at: The same moment on the monotonic clock, which durations go by.
    """

    start: float
    at: float

    @classmethod
    def fix(cls, start: float, clock: Clock) -> ScanTime:
        """Fix a start now: both clocks are read at the same moment, and not compared again."""
        wall, monotonic = read_both(clock)
        return cls(start, monotonic + (start - wall))

    def left(self, monotonic: float) -> float:
        """Return the seconds until the start; negative after it."""
        return self.at - monotonic


def told_of_steps(watch: ClockWatch) -> str:
    """Return the warning about steps of the host's clock during a scan; empty if there were
    none."""
    if not watch.count:
        return ""
    times = "" if watch.count == 1 else f" in {watch.count} steps"
    return (
        f"the host's clock was set by {watch.steps:+.2f} s{times} meanwhile; start and length went by the monotonic "
        "clock, and times in files are those of the start as it was agreed on"
    )

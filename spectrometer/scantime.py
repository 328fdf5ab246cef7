"""Time of a scan: its start second fixed on the monotonic clock, and steps of the wall clock. Reads no clock."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["ScanTime"]

STEP_S = 0.5  # NTP slews what is less
MOST_STEPS = 5  # told one by one


@dataclass(slots=True)
class ScanTime:
    """Start of one scan on both clocks, s.

    Attributes:
        start: Unix time of the start.
        at: The same moment on the monotonic clock, which durations go by.
        offset: Unix time less monotonic time, as last looked at.
        steps: Sizes of the steps that the wall clock made since.
    """

    start: float
    at: float
    offset: float
    steps: list[float] = field(default_factory=list)

    @classmethod
    def fix(cls, start: float, wall: float, monotonic: float) -> ScanTime:
        """Fix a start now: both clocks are read at the same moment, and not compared again."""
        return cls(start, monotonic + (start - wall), wall - monotonic)

    def left(self, monotonic: float) -> float:
        """Return the seconds until the start; negative after it."""
        return self.at - monotonic

    def look(self, wall: float, monotonic: float) -> float:
        """Compare both clocks; the size of a step of the wall clock since the last look, 0 if it made none."""
        step = wall - monotonic - self.offset
        self.offset += step
        if abs(step) < STEP_S:
            return 0.0
        self.steps.append(step)
        return step

    @property
    def sentence(self) -> str:
        """Warning about the steps; empty if there were none."""
        if not self.steps:
            return ""
        shown = ", ".join(f"{step:+.1f} s" for step in self.steps[:MOST_STEPS])
        more = f" and {len(self.steps) - MOST_STEPS} more times" if len(self.steps) > MOST_STEPS else ""
        return (
            f"the host's clock was set by {shown}{more} meanwhile; start and length went by the monotonic clock, and "
            "times in files are those of the start as it was agreed on"
        )

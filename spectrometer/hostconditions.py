"""Conditions of the host that data depend on: room on the disk, steps of the clock."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from groundwork.values import JsonObject
from player.clock import Clock, ClockWatch

__all__ = ["ClockSteps", "disk_room"]

TOLD_S = 600.0
"""A step of the clock is told for so long."""


def disk_room(folder: Path) -> JsonObject | None:
    """Return the room on the disk of a folder: `free_bytes`, `total_bytes`, and the share that is
    free, `free_share`, 0..1; None: there is no such folder. OSError: it cannot be told."""
    try:
        found = os.statvfs(folder)
    except FileNotFoundError:
        return None
    free, total = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    share = free / total if total else 0.0
    return {"free_bytes": free, "total_bytes": total, "free_share": round(share, 4)}


class ClockSteps:
    """Steps of the host's clock, of the last ten minutes; for any thread.

    Args:
        clock: That of the host.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock, self._watch, self._lock = clock, ClockWatch(clock), threading.Lock()
        self._last: tuple[float, float] = (0.0, 0.0)  # s, and when, monotonic

    def read(self) -> JsonObject:
        """Return by how much the clock was set in the last ten minutes, `step_s` (0: it was not),
        and how often since this began, `steps`."""
        with self._lock:
            now = self._clock.monotonic()
            if step := self._watch.look():
                self._last = step, now
            step, at = self._last
            told = step if now - at < TOLD_S else 0.0
            return {"step_s": round(told, 3), "steps": self._watch.count}

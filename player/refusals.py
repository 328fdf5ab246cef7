"""Choice of the refused calls that are kept: a few of each key, so that whoever may do nothing pushes
out nothing that others did. No clock."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["AT_ONCE", "A_MINUTE", "Refusals"]

AT_ONCE = 20
"""Refusals of one key that are kept however quickly they come."""
A_MINUTE = 10
"""Further ones of it: in the 90 days of a journal some 300 MB."""
MAX_KEYS = 100
TOLD_EVERY_S = 60.0


@dataclass(slots=True)
class _Room:
    left: float
    at: float


class Refusals:
    """Refused calls by their keys; what is left out is counted, and told once a minute at most.

    Attributes:
        left_out: So many were left out since that was told last.
    """

    def __init__(self) -> None:
        self._rooms: dict[str, _Room] = {}
        self.left_out, self._told_at = 0, 0.0

    def takes(self, key: str, now: float) -> bool:
        """Tell whether one more of a key is kept; one that is not is counted.

        Args:
            key: Name of the key; empty: of those who have none.
            now: s, monotonic.
        """
        room = self._rooms.get(key)
        if room is None:
            if len(self._rooms) >= MAX_KEYS:
                del self._rooms[next(iter(self._rooms))]
            room = self._rooms[key] = _Room(AT_ONCE, now)
        room.left = min(AT_ONCE, room.left + (now - room.at) * A_MINUTE / 60)
        room.at = now
        if room.left >= 1:
            room.left -= 1
            return True
        if not self.left_out:
            self._told_at = max(self._told_at, now - TOLD_EVERY_S + 1.0)
        self.left_out += 1
        return False

    def take_left_out(self, now: float) -> int:
        """Return how many were left out since this was told last; 0: none, or it was told just
        now."""
        if not self.left_out or now - self._told_at < TOLD_EVERY_S:
            return 0
        number, self.left_out, self._told_at = self.left_out, 0, now
        return number

"""Span of records that somebody asks for: by their numbers, and by the time. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zmqjsonproxy.errors import RefusedError

__all__ = ["ALL", "RecordSpan", "moment"]

_LATEST_S = 1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSpan:
    """Records of a journal or a history that are wanted.

    Attributes:
        after: Number after which they begin.
        since: Those of then or later, UTC, unix seconds; None: from the oldest on.
        until: Those before; None: to the newest.
        most: So many at most; None: as many as are given at once.
        newest: The last of them; False: the first.
    """

    after: int = 0
    since: float | None = None
    until: float | None = None
    most: int | None = None
    newest: bool = False

    @classmethod
    def asked(cls, after: Any, since: Any, until: Any, most: Any, newest: Any) -> RecordSpan:
        """Return what a caller asks for, whose arguments may be anything.

        Raises:
            RefusedError: A time is none.
        """
        return cls(
            after=int(after),
            since=moment(since),
            until=moment(until),
            most=max(1, int(most)),
            newest=bool(newest),
        )

    def limit(self, most: int) -> int:
        """Return how many are to be read, if no more than `most` are given at once."""
        return most if self.most is None else min(self.most, most)

    def wheres(self) -> list[tuple[str, int]]:
        """Return the conditions on the time in SQL, each with its parameter."""
        times = (("time_us >= ?", self.since), ("time_us < ?", self.until))
        return [(text, int(when * 1e6)) for text, when in times if when is not None]


ALL = RecordSpan()


def moment(value: object) -> float | None:
    """Return a time that somebody asked for; None: none was given. RefusedError: it is none."""
    if value is None:
        return None
    if isinstance(value, (int, float)) and abs(value) < _LATEST_S:
        return float(value)
    raise RefusedError(f"{value!r:.80} is no time; one is UTC, in unix seconds")

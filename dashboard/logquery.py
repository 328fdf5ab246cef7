"""Lines of the log that a viewer looks for. No sockets, no clock."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from dashboard.protocol.topics import Line, LineTopic
from groundwork.values import JsonObject

__all__ = ["LEVELS", "LogQuery"]

LEVELS = ("debug", "info", "warning", "error", "critical")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """Lines that are wanted.

    Attributes:
        most: So many at most, the newest.
        before: Those with a smaller number; None: all.
        level: Of that level or above; empty: all.
        banks: Of these; none: of all.
        text: That contain this, in either case.
    """

    most: int
    before: int | None = None
    level: str = ""
    banks: Collection[str] = ()
    text: str = ""

    def answer(self, log: LineTopic) -> JsonObject:
        """Return the lines, and the numbers of the first and the last that are kept."""
        found: list[Line] = []
        for line in reversed(log.lines):
            if len(found) == self.most:
                break
            if self._is_wanted(line):
                found.append(line)
        first = log.lines[0]["number"] if log.lines else 0
        last = log.lines[-1]["number"] if log.lines else 0
        return {"lines": found[::-1], "first": first, "last": last}

    def _is_wanted(self, line: Line) -> bool:
        if self.before is not None and line["number"] >= self.before:
            return False
        if self.banks and line["bank"] not in self.banks:
            return False
        if self.level and _rank(line["level"]) < _rank(self.level):
            return False
        text = self.text.casefold()
        return not text or text in f"{line['logger']} {line['text']}".casefold()


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else len(LEVELS)

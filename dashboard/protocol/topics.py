"""Topics: live state that viewers follow, each from its own place. No sockets, no clock.

A topic is not a queue. A viewer who comes late gets the newest value of each key that has changed
since its place, so whoever is slow costs nothing and holds nobody up.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeAlias

from dashboard.protocol.messages import write_changes, write_lines

__all__ = ["KEPT_LINES", "NEW_LINES", "BoardTopic", "KeyTopic", "Line", "LineTopic"]

MAX_GONE = 1000
"""Keys that are no more and are remembered as such."""
Line: TypeAlias = dict[str, Any]
"""A line of a topic, with its number."""
KEPT_LINES = 20_000
NEW_LINES = 500
"""Lines of one message at most."""


class BoardTopic(Protocol):
    """Live state that a viewer can follow.

    Attributes:
        name: Of the topic.
        place: Where it is; rises with each batch.
    """

    name: str
    place: int

    def seal(self) -> bool:
        """End a batch: what came since the last one can be seen now; False: nothing came."""

    def write(self, since: int, time: float) -> str:
        """Return what brings a viewer from a place to the newest state, as JSON.

        Args:
            since: Place of the viewer; 0: it knows nothing.
            time: Now, UTC, unix seconds.
        """


class KeyTopic:
    """Values by key.

    Args:
        name: Of the topic.

    Attributes:
        name: Of the topic.
        place: Where it is.
        values: Newest values.
    """

    def __init__(self, name: str) -> None:
        self.name, self.place = name, 0
        self.values: dict[str, Any] = {}
        self._changed: OrderedDict[str, int] = OrderedDict()  # key -> place; the newest at the end
        self._gone: OrderedDict[str, int] = OrderedDict()
        self._whole_before = 0  # viewers before this place get all
        self._pending: dict[str, None] = {}

    def put(self, key: str, value: Any) -> None:
        """Set the value of a key."""
        if key in self.values and self.values[key] == value:
            return
        self.values[key] = value
        self._pending[key] = None

    def update(self, values: Mapping[str, Any]) -> None:
        """Set the values of some keys."""
        for key, value in values.items():
            self.put(key, value)

    def remove(self, key: str) -> None:
        """Take note that a key is no more; one that never was is nothing new."""
        if key in self.values:
            del self.values[key]
            self._pending[key] = None

    def keep(self, keys: Iterable[str]) -> None:
        """Remove all keys but some."""
        for key in self.values.keys() - set(keys):
            self.remove(key)

    def seal(self) -> bool:
        """See BoardTopic."""
        if not self._pending:
            return False
        self.place += 1
        for key in self._pending:
            here, there = self._changed, self._gone
            if key not in self.values:
                here, there = there, here
            there.pop(key, None)
            here[key] = self.place
            here.move_to_end(key)
        self._pending.clear()
        while len(self._gone) > MAX_GONE:
            _, self._whole_before = self._gone.popitem(last=False)
        return True

    def write(self, since: int, time: float) -> str:
        """See BoardTopic."""
        if since < self._whole_before or since > self.place:
            since = 0
        if since == 0:
            return write_changes(self.name, 0, self.place, time, self.values, ())
        values = {
            key: self.values[key] for key in _after(self._changed, since) if key in self.values
        }
        return write_changes(self.name, since, self.place, time, values, _after(self._gone, since))


def _after(places: OrderedDict[str, int], since: int) -> list[str]:
    """Return the keys with a later place, the oldest first."""
    found: list[str] = []
    for key, place in reversed(places.items()):
        if place <= since:
            break
        found.append(key)
    return found[::-1]


class LineTopic:
    """Lines in one order, counted from 1.

    Args:
        name: Of the topic.

    Attributes:
        name: Of the topic.
        place: Number of the last line that can be seen.
        lines: Those that are kept.
    """

    def __init__(self, name: str) -> None:
        self.name, self.place, self._count = name, 0, 0
        self.lines: deque[Line] = deque(maxlen=KEPT_LINES)

    def add(self, line: Line) -> None:
        """Add a line, which gets its number."""
        self._count += 1
        self.lines.append({"number": self._count, **line})

    def seal(self) -> bool:
        """See BoardTopic."""
        is_new, self.place = self._count > self.place, self._count
        return is_new

    def write(self, since: int, time: float) -> str:
        """See BoardTopic."""
        since = since if since <= self.place else 0
        wanted: list[Line] = []
        for line in reversed(self.lines):
            if line["number"] <= since or len(wanted) == NEW_LINES:
                break
            wanted.append(line)
        missed = self.place - since - len(wanted) if since else 0
        return write_lines(self.name, since, self.place, missed, wanted[::-1])

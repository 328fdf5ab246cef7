"""Updates and events, as a subscriber gets them. No sockets, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from groundwork.values import RemoteValue

__all__ = ["Event", "EventKind", "Update"]


class Update(NamedTuple):
    """One value of a property.

    Attributes:
        source: Bank, or URL, that published it.
        name: Of the property.
        value: Of a pipe: `data`, `x_start`, `x_delta`. Arrays are read-only, and stay as they are.
        number: Counts the updates of the property within the life of its Player; with limits, those
            that were sent.
        time: When it was published, by the Player's clock, UTC, unix seconds.
        lost: Updates directly before this one that did not arrive.
        kind: Of the property: result, message or pipe.
    """

    source: str
    name: str
    value: RemoteValue
    number: int
    time: float
    lost: int = 0
    kind: str = "result"


class EventKind(StrEnum):
    """Kinds of events of a subscription."""

    OPENED = "opened"
    STALE = "stale"
    REOPENED = "reopened"
    GAP = "gap"
    ABSENT = "absent"
    REFUSED = "refused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a subscription, beside its updates.

    Attributes:
        kind: What. Absent: there is no such property, or none yet, which is then waited for.
        source: At which Bank, or URL.
        text: Why, for people.
        lost: Updates that are missing; they are counted here and nowhere else but in the `lost` of
            the next update, if there is one.
    """

    kind: EventKind
    source: str
    text: str = ""
    lost: int = 0

"""Destinations of a follower: what is sent to a server, and what that may answer. No sockets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from player.errors import PlayerError
from player.sinks.base import CallEntry, HistoryPoint

__all__ = [
    "Destination",
    "RecordKind",
    "RecordOrigin",
    "RecordPage",
    "RecordsRefusedError",
    "SinkAwayError",
]


class RecordKind(StrEnum):
    """Kind of records."""

    JOURNAL = "journal"
    HISTORY = "history"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOrigin:
    """Origin of records.

    Attributes:
        array: Name of the array.
        bank: Name of the Bank.
        simulated: No real instrument is touched.
    """

    array: str
    bank: str
    simulated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPage:
    """Records that are written at once, or not at all.

    Attributes:
        kind: Of the records.
        calls: Entries of the journal; one whose number is there already takes its place.
        points: Points of the history.
        position: Number up to which the destination then has all.
        lost: Records before `position` that will never come.
        why: They will not.
    """

    kind: RecordKind
    calls: Sequence[CallEntry] = ()
    points: Sequence[HistoryPoint] = ()
    position: int
    lost: int = 0
    why: str = ""

    def __len__(self) -> int:
        return len(self.calls) + len(self.points)


class SinkAwayError(PlayerError):
    """The server cannot be reached, or takes nothing now; it is tried again."""


class RecordsRefusedError(PlayerError):
    """The server will never take these records; others it may."""


class Destination(Protocol):
    """A server that takes records of one Bank. Used by one thread.

    Attributes:
        name: Of the server, for logs and figures, without a password.
        begins_now: What was recorded before its first Player began is not sent.
        most_behind: Records of a kind that it may be behind by; older ones are left out. None: any.
    """

    name: str
    begins_now: bool
    most_behind: int | None

    def open(self) -> Mapping[RecordKind, int]:
        """Connect; return the position of each kind of which there is one."""

    def unfinished(self) -> Sequence[int]:
        """Return numbers of calls that had not ended when they were written; 1000 at most."""

    def write(self, page: RecordPage) -> None:
        """Write a page, and where it ends, in one transaction.

        Raises:
            SinkAwayError: Nothing was written, or it is not known.
            RecordsRefusedError: Nothing was written.
        """

    def drop(self) -> None:
        """Close the connection, whatever its state; never raises."""

"""State of a server that is sent records: up to which number it has them, and what follows. No
threads.

It keeps no records: what follows is read from the Player's own files. A server that was away is
brought what it lacks; what the files do not have any more is counted, here and at the server.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from groundwork.errors import text_of
from groundwork.truncation import cut
from groundwork.values import JsonObject
from player.sinks.base import CallEntry, HistoryPoint
from player.sinks.destination import Destination, RecordKind, RecordPage, RecordsRefusedError

__all__ = ["CallSource", "PointSource", "Sending", "start_of"]

log = logging.getLogger(__name__)

MAX_PAGE = 500
MAX_RUNNING = 10_000
"""Calls whose ends are looked for; those of more are sent when the server is connected anew."""
MAX_REASON = 300
GONE = "the Player's files had them no more"
TOO_OLD = "older than what is kept there"
RUNNING = "running"


class _Source(Protocol):
    def span(self) -> tuple[int, int]:
        """Return the numbers of the oldest and the newest record; 0 and 0: there is none."""


class CallSource(_Source, Protocol):
    """A journal, as it is read here."""

    def entries_after(self, number: int, most: int) -> Sequence[CallEntry]:
        """Return entries of higher numbers, in their order."""

    def entries_of(self, numbers: Sequence[int]) -> Sequence[CallEntry]:
        """Return the entries that there are of these numbers."""


class PointSource(_Source, Protocol):
    """A history, as it is read here."""

    def points_after(self, number: int, most: int) -> Sequence[HistoryPoint]:
        """Return points of higher numbers, in their order."""


@dataclass(slots=True)
class _Count:
    first: int = 0  # newest number when this run began
    position: int = 0
    is_found: bool = False  # since the server was connected
    newest: int = 0
    written: int = 0
    lost: int = 0


class Sending:
    """Records on their way to one server. Used by one thread, but for what says otherwise.

    Args:
        destination: The server.
        kinds: Records that it is to have.
        pause: Waits so many seconds between two full pages; true: the end was asked for.

    Attributes:
        is_open: The server is connected.
    """

    def __init__(
        self, destination: Destination, kinds: Sequence[RecordKind], pause: Callable[[float], bool]
    ) -> None:
        self._destination, self._kinds, self._pause = destination, frozenset(kinds), pause
        self._calls: CallSource | None = None
        self._points: PointSource | None = None
        self._counts: dict[RecordKind, _Count] = {}
        self._there: Mapping[RecordKind, int] = {}  # positions that the server told
        self._running: set[int] = set()  # calls that had not ended when they were sent
        self.is_open = False

    def follow_calls(self, source: CallSource) -> None:
        """Begin with a journal; from any thread."""
        self._follow(RecordKind.JOURNAL, source)
        self._calls = source

    def follow_points(self, source: PointSource) -> None:
        """Begin with a history; from any thread."""
        self._follow(RecordKind.HISTORY, source)
        self._points = source

    def _follow(self, kind: RecordKind, source: _Source) -> None:
        if kind in self._kinds:
            try:
                first = source.span()[1]
            except Exception as error:  # it is told when records are read
                log.debug("%s: %s", self._destination.name, text_of(error))
                first = 0
            self._counts[kind] = _Count(first)

    def counts(self) -> JsonObject:
        """Return of each kind of records `written`, `lost`, and `behind`, those that the server has
        not yet (None: unknown); from any thread."""
        return {
            str(kind): {
                "written": count.written,
                "lost": count.lost,
                "behind": max(0, count.newest - count.position) if count.is_found else None,
            }
            for kind, count in sorted(self._counts.copy().items())
        }

    def send(self) -> None:
        """Send all that is new; connect for that.

        Raises:
            SinkAwayError: The server takes nothing now.
            RefusedError: The files cannot be read now.
        """
        if not self.is_open:
            self._open()
        if RecordKind.JOURNAL in self._counts and self._calls is not None:
            self._send_calls(self._calls)
        if RecordKind.HISTORY in self._counts and self._points is not None:
            self._send_points(self._points)

    def drop(self) -> None:
        """Close the connection; what was written is asked of the server when it is made anew."""
        self.is_open = False
        self._destination.drop()

    def _open(self) -> None:
        """Connect, and ask which calls had not ended when the server was told of them."""
        self._destination.drop()
        self._there = self._destination.open()
        self._running = set(self._destination.unfinished())
        for count in self._counts.values():
            count.is_found = False
        self.is_open = True

    def _send_calls(self, source: CallSource) -> None:
        count = self._found(RecordKind.JOURNAL, source)
        running = sorted(self._running)
        for at in range(0, len(running), MAX_PAGE):
            there = source.entries_of(running[at : at + MAX_PAGE])
            ended = [each for each in there if each.outcome != RUNNING]
            if ended:
                page = RecordPage(kind=RecordKind.JOURNAL, calls=ended, position=count.position)
                self._write(count, page)

        def read(number: int) -> RecordPage:
            calls = source.entries_after(number, MAX_PAGE)
            end = calls[-1].number if calls else number
            return RecordPage(kind=RecordKind.JOURNAL, calls=calls, position=end)

        self._send_pages(count, read)

    def _send_points(self, source: PointSource) -> None:
        def read(number: int) -> RecordPage:
            points = source.points_after(number, MAX_PAGE)
            end = points[-1].number if points else number
            return RecordPage(kind=RecordKind.HISTORY, points=points, position=end)

        self._send_pages(self._found(RecordKind.HISTORY, source), read)

    def _found(self, kind: RecordKind, source: _Source) -> _Count:
        """Return the count of a kind with its position; tell the server of what it will not have."""
        count, destination = self._counts[kind], self._destination
        oldest, count.newest = source.span()
        there = count.position if count.is_found else self._there.get(kind)
        start, lost, why = start_of(there, oldest, count.newest, count.first, destination)
        if lost:
            log.warning("%s: %d records of the %s are lost: %s", destination.name, lost, kind, why)
            self._write(count, RecordPage(kind=kind, position=start, lost=lost, why=why))
        count.position, count.is_found = start, True
        return count

    def _send_pages(self, count: _Count, read: Callable[[int], RecordPage]) -> None:
        is_last = False
        while not is_last:
            began = time.monotonic()
            page = read(count.position)
            is_last = len(page) < MAX_PAGE
            if page.calls or page.points:
                self._write(count, page)
            if not is_last and self._pause(time.monotonic() - began):
                return  # half of the time is for others, and none is left at the end

    def _write(self, count: _Count, page: RecordPage) -> None:
        try:
            self._destination.write(page)
        except RecordsRefusedError as error:
            self._write_singly(count, page, cut(text_of(error), MAX_REASON))
        else:
            count.written += len(page)
            count.lost += page.lost
        count.position = page.position
        for call in page.calls:
            if call.outcome != RUNNING:
                self._running.discard(call.number)
            elif len(self._running) < MAX_RUNNING:
                self._running.add(call.number)

    def _write_singly(self, count: _Count, page: RecordPage, why: str) -> None:
        """Write a page of which the server refuses something, without that."""
        if len(page) == 1:
            log.error(
                "%s: a record of the %s is refused: %s", self._destination.name, page.kind, why
            )
            page = RecordPage(kind=page.kind, position=page.position, lost=1, why=why)
            self._destination.write(page)
            count.lost += 1
            return
        for call in page.calls:
            end = max(call.number, count.position)
            self._write(count, RecordPage(kind=page.kind, calls=[call], position=end))
        for point in page.points:
            self._write(count, RecordPage(kind=page.kind, points=[point], position=point.number))


def start_of(
    there: int | None, oldest: int, newest: int, first: int, destination: Destination
) -> tuple[int, int, str]:
    """Return the number after which records are sent to a server, how many it never gets, and why.

    Args:
        there: Its position; None: it knows nothing of these records.
        oldest: Number of the oldest record on disk.
        newest: Likewise.
        first: The newest number when this run began.
        destination: The server.
    """
    if not newest:  # or none that can be read
        return there or 0, 0, ""
    if there is None:
        position = first if destination.begins_now else 0
        return max(position, newest - (destination.most_behind or newest)), 0, ""
    if there > newest:  # the files were removed, and numbers begin anew
        there = 0
    start, why = max(there, oldest - 1), GONE
    if destination.most_behind is not None and newest - start > destination.most_behind:
        start, why = newest - destination.most_behind, TOO_OLD
    return start, start - there, why

"""A Player's files, and a server that gets what is in them, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from player.sinks.base import CallEntry, HistoryPoint
from player.sinks.destination import RecordKind, RecordPage, RecordsRefusedError, SinkAwayError


@dataclass
class Files:
    """A journal, in memory."""

    calls: dict[int, CallEntry] = field(default_factory=dict)
    oldest: int = 1

    def add_call(self, outcome: str = "done") -> int:
        number = max(self.calls, default=self.oldest - 1) + 1
        self.calls[number] = CallEntry(number, 1000 + number, "bank.x", outcome=outcome)
        return number

    def end_call(self, number: int) -> None:
        self.calls[number] = replace(self.calls[number], outcome="done")

    def forget_until(self, number: int) -> None:
        self.oldest = number + 1
        self.calls = {at: call for at, call in self.calls.items() if at > number}

    def span(self) -> tuple[int, int]:
        return (self.oldest, max(self.calls)) if self.calls else (0, 0)

    def entries_after(self, number: int, most: int) -> Sequence[CallEntry]:
        return [self.calls[at] for at in sorted(self.calls) if at > number][:most]

    def entries_of(self, numbers: Sequence[int]) -> Sequence[CallEntry]:
        return [self.calls[at] for at in numbers if at in self.calls]


@dataclass
class Points:
    """A history, in memory."""

    points: list[HistoryPoint]

    def span(self) -> tuple[int, int]:
        return (1, self.points[-1].number) if self.points else (0, 0)

    def points_after(self, number: int, most: int) -> Sequence[HistoryPoint]:
        return [point for point in self.points if point.number > number][:most]


@dataclass
class Server:
    """A destination, in memory; an answer may get lost after the page was written."""

    name: str = "server"
    begins_now: bool = False
    most_behind: int | None = None
    is_away: bool = False
    loses_answer: bool = False
    refused: frozenset[int] = frozenset()
    calls: dict[int, CallEntry] = field(default_factory=dict)
    points: list[HistoryPoint] = field(default_factory=list)
    positions: dict[RecordKind, int] = field(default_factory=dict)
    pages: list[RecordPage] = field(default_factory=list)
    is_open: bool = False

    def open(self) -> Mapping[RecordKind, int]:
        self._answer()
        self.is_open = True
        return dict(self.positions)

    def unfinished(self) -> Sequence[int]:
        self._answer()
        return [number for number, call in self.calls.items() if call.outcome == "running"]

    def write(self, page: RecordPage) -> None:
        assert self.is_open
        self._answer()
        if self.refused & {call.number for call in page.calls}:
            raise RecordsRefusedError("no such text")
        self.pages.append(page)
        self.calls |= {call.number: call for call in page.calls}
        self.points += page.points
        self.positions[page.kind] = page.position
        if self.loses_answer:
            self.loses_answer = False
            raise SinkAwayError("the connection was lost")

    def drop(self) -> None:
        self.is_open = False

    def _answer(self) -> None:
        if self.is_away:
            raise SinkAwayError("away")

    @property
    def lost(self) -> int:
        return sum(page.lost for page in self.pages)

"""Ways in which `dealer watch` shows what comes: a table that is drawn in place, lines, JSON."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from commandline import tell_line
from dealer.channelrecords import (
    clock_text,
    event_record,
    event_text,
    totals_record,
    totals_text,
    update_record,
    update_text,
)
from dealer.livescreen import LiveScreen
from dealer.watchtable import WatchTable
from groundwork.printable import printable
from groundwork.values import JsonObject
from zmqjsonproxy.channels.subscription import Subscription
from zmqjsonproxy.channels.updates import Event, Update

__all__ = ["JsonView", "LineView", "TableView", "View"]


class View(Protocol):
    """Taker of all that becomes of a subscription."""

    def describe(self, bank: str, units: Mapping[str, str]) -> None:
        """Take the units of a Bank's properties, by name."""

    def say(self, bank: str, text: str) -> None:
        """Show a sentence about a Bank."""

    def take(self, update: Update) -> None:
        """Show an update."""

    def note(self, event: Event) -> None:
        """Show an event."""

    def look(self) -> None:
        """Draw anew what has changed with time."""

    def end(self) -> None:
        """Show the totals."""


class LineView:
    """A line for each update and event.

    Args:
        subscription: Has the totals.
    """

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription
        self._units: dict[tuple[str, str], str] = {}

    def describe(self, bank: str, units: Mapping[str, str]) -> None:
        """Take the units of a Bank's properties, by name."""
        self._units.update({(bank, name): printable(unit) for name, unit in units.items()})

    def say(self, bank: str, text: str) -> None:
        """Print a sentence about a Bank."""
        _print(f"{clock_text(time.time())}  {bank}  [note] {printable(text)}")

    def take(self, update: Update) -> None:
        """Print an update."""
        _print(update_text(update, self._units.get((update.source, update.name), "")))

    def note(self, event: Event) -> None:
        """Print an event."""
        _print(f"{clock_text(time.time())}  {event_text(event)}")

    def look(self) -> None:
        """Do nothing: lines stay as they are."""

    def end(self) -> None:
        """Print the totals."""
        _print(totals_text(self._subscription))


class JsonView:
    """An object of JSON in a line for each update and event.

    Args:
        subscription: Has the totals.
    """

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription

    def describe(self, bank: str, units: Mapping[str, str]) -> None:
        """Do nothing: units are in `dealer properties --json`."""

    def say(self, bank: str, text: str) -> None:
        """Print a sentence about a Bank."""
        _print_json({"time": time.time(), "bank": bank, "event": "note", "text": text})

    def take(self, update: Update) -> None:
        """Print an update."""
        _print_json(update_record(update))

    def note(self, event: Event) -> None:
        """Print an event."""
        _print_json(event_record(event, time.time()))

    def look(self) -> None:
        """Do nothing: lines stay as they are."""

    def end(self) -> None:
        """Print the totals."""
        _print_json(totals_record(self._subscription))


class TableView:
    """A table with a row for each property, in place.

    Args:
        subscription: Has the totals.
        screen: Where it is drawn.
        banks: In the order in which they are shown.
    """

    def __init__(
        self, subscription: Subscription, screen: LiveScreen, banks: Sequence[str]
    ) -> None:
        self._subscription, self._screen = subscription, screen
        self._table = WatchTable(banks)
        self.describe, self.say = self._table.describe, self._table.say

    def take(self, update: Update) -> None:
        """Take an update, for the next time that it is drawn."""
        self._table.take(update, time.monotonic())

    def note(self, event: Event) -> None:
        """Take an event likewise."""
        self._table.note(event, time.monotonic(), time.time())

    def look(self) -> None:
        """Draw it."""
        columns, rows = self._screen.columns, self._screen.rows
        totals = totals_text(self._subscription)
        self._screen.show(self._table.lines(time.monotonic(), time.time(), columns, rows, totals))

    def end(self) -> None:
        """Draw it once more, and leave it."""
        self.look()
        self._screen.close()


def _print(line: str) -> None:
    print(line, flush=True)


def _print_json(record: JsonObject) -> None:
    tell_line(True, record, "")

"""Table of `dealer watch`: the newest value of each property, and what happened lately. No
terminal, no clock."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from commandline import plain_rows
from dealer.channelrecords import clock_text, event_text
from dealer.shownvalues import age_text, shown
from groundwork.printable import printable
from groundwork.values import RemoteValue
from zmqjsonproxy.channels.updates import Event, EventKind, Update

__all__ = ["WatchTable"]

HEAD = ("Bank", "property", "value", "unit", "age", "per s", "lost", "")
RATE_OVER_S = 5.0
"""Older updates count little in the rate that is shown, s."""
EVENTS_SHOWN = 3
MAX_NAME, MAX_UNIT, VALUE_LEAST = 40, 12, 8
_GAPS = 2 * (len(HEAD) - 1)


@dataclass(slots=True)
class _Row:
    """One property.

    Attributes:
        value: The newest.
        published: When it was published, by the Player's clock, unix seconds.
        begun: When the first value came, s, monotonic.
        at: When the newest value came, s, monotonic.
        weight: Updates since the first value, each counting less the older it is.
        lost: Updates that did not arrive.
    """

    value: RemoteValue
    published: float
    begun: float
    at: float
    weight: float = 0.0
    lost: int = 0

    def weight_at(self, now: float) -> float:
        """Return the weight at a later time."""
        return self.weight * math.exp((self.at - now) / RATE_OVER_S)

    def rate(self, now: float) -> float:
        """Return updates per second, of the last seconds."""
        counted = -math.expm1((self.begun - now) / RATE_OVER_S)
        return self.weight_at(now) / (RATE_OVER_S * counted) if counted > 0 else 0.0


class WatchTable:
    """Newest values of the properties of some Banks.

    Args:
        banks: Their names, in the order in which they are shown.
    """

    def __init__(self, banks: Sequence[str]) -> None:
        self._order = {bank: number for number, bank in enumerate(banks)}
        self._rows: dict[tuple[str, str], _Row] = {}
        self._units: dict[tuple[str, str], str] = {}
        self._events: deque[str] = deque(maxlen=EVENTS_SHOWN)
        self._stale_since: dict[str, float] = {}
        self._notes: dict[str, str] = {}

    def describe(self, bank: str, units: Mapping[str, str]) -> None:
        """Take the units of a Bank's properties, by name."""
        self._units.update({(bank, name): unit for name, unit in units.items()})

    def say(self, bank: str, text: str) -> None:
        """Show a sentence below the table until the Bank is there; empty: none."""
        if text:
            self._notes[bank] = printable(text)
        else:
            self._notes.pop(bank, None)

    def take(self, update: Update, now: float) -> None:
        """Take an update that came at `now`, s, monotonic."""
        key = update.source, update.name
        row = self._rows.get(key)
        if row is None:
            self._rows[key] = _Row(update.value, update.time, now, now, lost=update.lost)
            return
        row.weight = row.weight_at(now) + 1
        row.value, row.published, row.at = update.value, update.time, now
        row.lost += update.lost

    def note(self, event: Event, now: float, unix_now: float) -> None:
        """Take an event that came at `now`, s, monotonic, and `unix_now`, unix seconds."""
        if event.kind in (EventKind.STALE, EventKind.ENDED):
            self._stale_since.setdefault(event.source, now)
        elif event.kind in (EventKind.OPENED, EventKind.REOPENED):
            self._stale_since.pop(event.source, None)
            self.say(event.source, "")
        self._events.append(f"{clock_text(unix_now)[11:19]}  {event_text(event)}")

    def lines(self, now: float, unix_now: float, columns: int, rows: int, totals: str) -> list[str]:
        """Return what is to be seen.

        Args:
            now: s, monotonic.
            unix_now: The same, unix seconds.
            columns: That a line may have; values are shortened for it.
            rows: Lines that there may be, at least 1; what does not fit is counted.
            totals: The last line.
        """
        below = [f"{bank}  {text}" for bank, text in self._notes.items()][:EVENTS_SHOWN]
        below = [*below, *self._events, totals][-rows:]
        room = rows - len(below) - 1
        keys = sorted(self._rows, key=lambda key: (self._order.get(key[0], 0), key))
        if len(keys) > room:
            room -= 1
            hidden = len(keys) - max(room, 0)
            below = [f"and {hidden} more; name fewer, as 'status.*'", *below][-rows:]
        cells = [self._cells(key, now, unix_now) for key in keys[: max(room, 0)]]
        if not cells:
            return below
        return [*_table(cells, columns).split("\n"), *below]

    def _cells(self, key: tuple[str, str], now: float, unix_now: float) -> list[str]:
        row, since = self._rows[key], self._stale_since.get(key[0])
        return [
            key[0],
            printable(key[1])[:MAX_NAME],
            shown(row.value),
            printable(self._units.get(key, ""))[:MAX_UNIT],
            age_text(unix_now - row.published),
            f"{row.rate(now):.1f}",
            str(row.lost),
            "" if since is None else f"stale {age_text(now - since)}",
        ]


def _table(cells: list[list[str]], columns: int) -> str:
    """Return the lines of a table whose values are as wide as the other columns leave room for."""
    others = sum(
        max(len(row[n]) for row in [list(HEAD), *cells]) for n in range(len(HEAD)) if n != 2
    )
    room = max(columns - others - _GAPS, VALUE_LEAST)
    for row in cells:
        if len(row[2]) > room:
            row[2] = f"{row[2][: room - 1]}…"
    return plain_rows(HEAD, cells)

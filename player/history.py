"""The history of a Player: what its Bank publishes, over time, on its own disk.

Status keys, numbers, texts and truth values of all properties are kept, whatever the kind of the
Bank: it listens where they are published. Of a table its members are, as `host_load.load`. Of
values that follow each other faster than the settings say the newest is kept.
"""

from __future__ import annotations

import json
import logging
import math
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from groundwork.errors import text_of
from groundwork.sizes import read_bytes
from groundwork.truncation import cut
from groundwork.values import JsonObject, JsonValue
from groundwork.watchdog import watch
from player.clock import Clock
from player.dataroot import Mounts
from player.recordfile import RecordLayout
from player.recordfolder import RecordFolder, Retention
from player.recordspan import ALL, RecordSpan
from player.recordwriter import RETRY_S, RecordWriter
from player.sinks import HistoryPoint, Sink
from player.tables import HistoryConfig
from zmqjsonproxy.channels.declarations import PropertyKind
from zmqjsonproxy.channels.properties import (
    Property,
    PropertyTable,
    PublishedUpdate,
    publishing,
)
from zmqjsonproxy.channels.protocol.patterns import select

__all__ = ["MAX_POINTS", "History", "members"]

log = logging.getLogger(__name__)

MAX_POINTS = 10_000
"""Points that are read at once."""
MAX_BATCH = 500
FLUSH_WITHIN_S = 2.0
MAX_MEMBERS = 100
"""Of a table, that are kept."""
MAX_TEXT = 1000
MAX_BODY = 50_000
"""Bytes of a value that is looked at."""
_SAMPLE_EVERY_S = 10.0
"""Of what is read only when somebody asks; less often if it says so."""
_LAYOUT = RecordLayout(
    name="history",
    schema=(
        "CREATE TABLE keys (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, unit TEXT NOT NULL)",
        "CREATE TABLE records (number INTEGER PRIMARY KEY, time_us INTEGER NOT NULL,"
        " key INTEGER NOT NULL, value)",
        "CREATE INDEX by_key ON records (key, time_us)",
    ),
    synchronous="NORMAL",
)
_KEY = "INSERT INTO keys (name, unit) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET unit = ?"
_POINT = "INSERT INTO records SELECT ?, ?, id, ? FROM keys WHERE name = ?"
_JOINED = "time_us, name, value, unit FROM keys JOIN records ON records.key = keys.id"
_SELECT = f"SELECT records.number, {_JOINED}"
_LAST = f"SELECT max(records.number), {_JOINED}"
"""Beside a maximum, SQLite gives the other columns of its row."""
_FIT = 2**63
_Waiting = tuple[str, str, PublishedUpdate]
"""Name, unit, and the newest value."""


class History:
    """History of one Player.

    Args:
        folder: Of its files.
        config: Its settings.
        tables: Properties by the name of the part that has them; of the Bank itself it is empty.
        clock: The time.
        sinks: Further places for its points.
        mounts: File systems of this host; None: those that there are.
        retry_s: As of RecordWriter.
    """

    def __init__(
        self,
        folder: Path,
        config: HistoryConfig,
        tables: Mapping[str, PropertyTable],
        clock: Clock,
        sinks: Sequence[Sink] = (),
        *,
        mounts: Mounts | None = None,
        retry_s: float = RETRY_S,
    ) -> None:
        retention = Retention(days=config.days, bytes=read_bytes(config.bytes))
        self._folder = RecordFolder(folder, _LAYOUT, retention, clock, mounts)
        self._config, self._tables, self._sinks = config, dict(tables), sinks
        self._waiting: dict[str, _Waiting] = {}
        self._present: dict[str, tuple[JsonValue, int]] = {}  # value and time that were written
        self._file = -1  # first number of the file that has all present values
        self._ended = threading.Event()
        self._writer: RecordWriter[_Waiting] = RecordWriter(
            "history",
            self._waiting.__len__,
            self._take,
            self._write,
            gather_s=1 / config.rate,
            retry_s=retry_s,
        )
        with publishing:
            for part, table in self._tables.items():
                follow = partial(self._follow, f"{part}." if part else "")
                for known in table.properties.values():
                    follow(known)
                table.on_new[self] = follow
        every = max(_SAMPLE_EVERY_S, 1 / config.rate)
        threading.Thread(
            target=watch,
            args=(self._sample, self._ended),
            kwargs={"name": "history", "every": every},
            name="history samples",
            daemon=True,
        ).start()

    # listening

    def _follow(self, part: str, known: Property) -> None:
        declared, name = known.declared, f"{part}{known.declared.name}"
        if declared.kind is not PropertyKind.RESULT or not self._wants(name):
            return
        waiting, wake = self._waiting, self._wake

        def take(update: PublishedUpdate) -> None:
            waiting[name] = (name, known.declared.unit, update)
            wake()

        known.listeners[self] = take
        if known.newest is not None:
            take(known.newest)

    def _wake(self) -> None:
        self._writer.wake()

    def _wants(self, name: str) -> bool:
        return any(select(pattern, [name]) for pattern in self._config.keys)

    def _sample(self) -> None:
        """Have those properties read that are read only when somebody asks."""
        for part, table in self._tables.items():
            for name in table.results():
                if self._wants(f"{part}.{name}" if part else name):
                    table.sample(name)

    # written by one thread

    def _take(self) -> list[_Waiting]:
        # what comes once a value was taken out is the next one
        return [self._waiting.pop(name) for name in list(self._waiting)[:MAX_BATCH]]

    def _write(self, batch: Sequence[_Waiting], _remarks: Sequence[str]) -> None:
        points: list[tuple[str, str, int, JsonValue]] = []
        for name, unit, update in batch:
            for key, value in members(name, _value(update)).items():
                if key not in self._present or not _is_same(self._present[key][0], value):
                    points.append((key, unit if key == name else "", update.time_us, value))
        if self._folder.first != self._file:  # each file has them all, for older ones are removed
            new = {key for key, *_ in points}
            points = [
                (key, "", time_us, value)
                for key, (value, time_us) in self._present.items()
                if key not in new
            ] + points
        if not points:
            return
        first = 0

        def add(connection: sqlite3.Connection, number: int) -> None:
            nonlocal first
            first = number
            units = {key: unit for key, unit, _, _ in points}
            connection.executemany(_KEY, [(key, unit, unit) for key, unit in units.items()])
            rows = [
                (number + at, time_us, _stored(value), key)
                for at, (key, _, time_us, value) in enumerate(points)
            ]
            connection.executemany(_POINT, rows)

        self._folder.add(add)
        self._file = self._folder.first
        self._present |= {key: (value, time_us) for key, _, time_us, value in points}
        told = [
            HistoryPoint(number=first + at, time_us=time_us, key=key, value=value, unit=unit)
            for at, (key, unit, time_us, value) in enumerate(points)
        ]
        for sink in self._sinks:
            try:
                sink.take_points(told)
            except Exception:  # anybody's code
                log.exception("history: %s does not take points", type(sink).__name__)
        try:
            self._folder.care()
        except Exception as error:  # what was added is safe
            log.warning("history: its files cannot be tidied: %s", text_of(error))

    # read by any thread

    def points(self, keys: Sequence[str], wanted: RecordSpan = ALL) -> list[JsonObject]:
        """Return points of some keys in the order of their numbers, as JSON holds them.

        Args:
            keys: Names of properties, of members of tables as `host_load.load`.
            wanted: Those that are wanted.

        Raises:
            RefusedError: It took too long.
        """
        self._writer.flush(FLUSH_WITHIN_S)
        times = wanted.wheres()
        where = " AND ".join(
            [f"keys.name IN ({', '.join('?' * len(keys))})", *(text for text, _ in times)]
        )
        rows = self._folder.select(
            f"{_SELECT} WHERE {where}",
            [*keys, *(time_us for _, time_us in times)],
            after=wanted.after,
            most=wanted.limit(MAX_POINTS),
            newest=wanted.newest,
        )
        return [_described(row) for row in rows]

    def span(self) -> tuple[int, int]:
        """Return the numbers of the oldest and of the newest point on disk, as of RecordFolder."""
        return self._folder.span()

    def points_after(self, number: int, most: int) -> list[HistoryPoint]:
        """Return points on disk of higher numbers, in their order, as sinks get them."""
        rows = self._folder.select(f"{_SELECT} WHERE 1", after=number, most=most)
        return [
            HistoryPoint(number=number, time_us=time_us, key=key, value=_read(value), unit=unit)
            for number, time_us, key, value, unit in rows
        ]

    def in_force(self, keys: Sequence[str], at: float) -> dict[str, JsonObject]:
        """Return the last point of keys before a moment, UTC, unix seconds, of those that have
        one."""
        self._writer.flush(FLUSH_WITHIN_S)
        lacking = set(keys)
        found: dict[str, JsonObject] = {}
        where = f"keys.name IN ({', '.join('?' * len(keys))}) AND time_us < ?"
        parameters = [*keys, int(at * 1e6)]
        for rows in self._folder.answers(f"{_LAST} WHERE {where} GROUP BY keys.id", parameters):
            found |= {row[2]: _described(row) for row in rows if row[2] in lacking}
            lacking -= found.keys()
            if not lacking:
                break
        return {key: found[key] for key in keys if key in found}

    def known_keys(self, pattern: str = "*") -> list[JsonObject]:
        """Return the names, with units, that a pattern means, in order."""
        self._writer.flush(FLUSH_WITHIN_S)
        units: dict[str, str] = {}
        for rows in self._folder.answers("SELECT name, unit FROM keys"):
            units = dict(rows) | units
        return [{"name": key, "unit": units[key]} for key in select(pattern, sorted(units))]

    def state(self) -> JsonObject:
        """Return how it fares, as of a journal."""
        return self._writer.state() | self._folder.state()

    def flush(self, within: float = FLUSH_WITHIN_S) -> bool:
        """Wait until all is written that was published; False: it was not within so many
        seconds."""
        return self._writer.flush(within)

    def close(self, within: float = FLUSH_WITHIN_S) -> None:
        """Write what waits, and listen no more."""
        self._ended.set()
        with publishing:
            for table in self._tables.values():
                table.on_new.pop(self, None)
                for known in table.properties.values():
                    known.listeners.pop(self, None)
        if self._writer.close(within):
            self._folder.close()


def members(name: str, value: JsonValue) -> dict[str, JsonValue]:
    """Return what is kept of a value of a property, by key: itself, or the members of a table."""
    if isinstance(value, Mapping):
        some = list(value.items())[:MAX_MEMBERS]
        return {f"{name}.{key}": _cut(each) for key, each in some if _is_kept(each)}
    return {name: _cut(value)} if _is_kept(value) else {}


def _is_kept(value: JsonValue) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def _cut(value: JsonValue) -> JsonValue:
    return cut(value, MAX_TEXT) if isinstance(value, str) else value


def _value(update: PublishedUpdate) -> JsonValue:
    """Return the value of an update; of one that holds arrays, or a lot, an empty table."""
    encoded = update.encoded
    return {} if encoded.frames or len(encoded.body) > MAX_BODY else encoded.value()


def _is_same(one: JsonValue, other: JsonValue) -> bool:
    return type(one) is type(other) and (one == other or (one != one and other != other))


def _stored(value: JsonValue) -> object:
    """Return a value as SQLite holds it: what it has no type for, or would change, is JSON in
    bytes."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, bool) or (isinstance(value, int) and not -_FIT <= value < _FIT):
        return json.dumps(value).encode()
    if isinstance(value, float) and math.isnan(value):
        return b"NaN"
    return value


def _read(value: Any) -> JsonValue:
    """Return a value of what SQLite holds."""
    read: JsonValue = json.loads(value) if isinstance(value, bytes) else value
    return read


def _described(row: Sequence[Any]) -> JsonObject:
    number, time_us, key, value, unit = row
    return {
        "number": number,
        "time": time_us / 1e6,
        "key": key,
        "value": _read(value),
        "unit": unit,
    }

"""The journal of a Player: one entry for each command, who, what, when, outcome, on its own disk.

It stops no command and slows none: what it is told waits in a bounded queue for a thread of the
Player that writes. What could not be written is counted, and told in the journal itself. The bytes
and days on disk are bounded by `player.recordfolder`.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from groundwork.errors import text_of
from groundwork.sizes import read_bytes
from groundwork.values import JsonObject
from player.clock import Clock
from player.dataroot import Mounts
from player.recordfile import RecordLayout
from player.recordfolder import RecordFolder, Retention
from player.recordspan import ALL, RecordSpan
from player.recordwriter import GATHER_S, RETRY_S, RecordWriter
from player.refusals import A_MINUTE, AT_ONCE, Refusals
from player.sinks import CallEntry, Sink
from player.tables import JournalConfig
from zmqjsonproxy.engine.callrecords import CallOutcome, CallRecord

__all__ = ["MAX_ENTRIES", "OF_THE_JOURNAL", "UNKNOWN", "Journal"]

log = logging.getLogger(__name__)

MAX_ENTRIES = 1000
"""Entries that are read at once."""
OF_THE_JOURNAL = "journal"
"""Method of remarks of the journal itself."""
REMARK = "remark"
UNKNOWN = "unknown"
"""Outcome of a call that was running when its Player ended."""
MAX_QUEUE = 10_000
"""Entries that wait to be written."""
MAX_BATCH = 500
BATCH_BYTES = 500_000
"""Of a batch, about; of a file that is small, half of it."""
STEP_S = 1.0
"""A clock that was set by less is not remarked."""
FLUSH_WITHIN_S = 2.0
_COLUMNS = (
    "number, time_us, method, arguments, client, host, key, through, call_id, operation, outcome,"
    " duration_s, error, text"
)
_LAYOUT = RecordLayout(
    name="journal",
    schema=(
        "CREATE TABLE records (number INTEGER PRIMARY KEY, time_us INTEGER NOT NULL,"
        " method TEXT NOT NULL, arguments TEXT NOT NULL, client TEXT NOT NULL,"
        " host TEXT NOT NULL, key TEXT NOT NULL, through TEXT NOT NULL, call_id TEXT NOT NULL,"
        " operation TEXT NOT NULL, outcome TEXT NOT NULL, duration_s REAL, error TEXT NOT NULL,"
        " text TEXT NOT NULL, running_s REAL NOT NULL, run INTEGER NOT NULL)",
        "CREATE INDEX calls ON records (call_id) WHERE call_id != ''",
    ),
)
_NAMES = _COLUMNS.replace(",", "").split()
_ROW = _NAMES[1:]
_OUTCOME = _ROW.index("outcome")
_OF_THE_END = [_ROW.index(name) for name in ("outcome", "duration_s", "error", "text")]
"""Places in a row, which has all columns but the number."""
_SELECT = f"SELECT {_COLUMNS}, running_s, run FROM records"
_QUESTION = f"{_SELECT} WHERE 1"
_TO_JSON = json.JSONEncoder(ensure_ascii=False).encode
_INSERT = f"INSERT INTO records VALUES ({', '.join('?' * 16)})"
_UPDATE = "UPDATE records SET outcome = ?, duration_s = ?, error = ?, text = ? WHERE number = ?"

_RUNNING = CallOutcome.RUNNING
_Fresh = tuple[CallRecord | None, tuple[Any, ...]]
"""A call, or None of a remark, and its row."""


class Journal:
    """Journal of one Player.

    Args:
        folder: Of its files.
        config: Its settings.
        clock: The time.
        sinks: Further places for its entries.
        mounts: File systems of this host; None: those that there are.
        gather_s: As of RecordWriter, and `retry_s`.
    """

    def __init__(
        self,
        folder: Path,
        config: JournalConfig,
        clock: Clock,
        sinks: Sequence[Sink] = (),
        *,
        mounts: Mounts | None = None,
        gather_s: float = GATHER_S,
        retry_s: float = RETRY_S,
    ) -> None:
        retention = Retention(days=config.days, bytes=read_bytes(config.bytes))
        self._folder = RecordFolder(folder, _LAYOUT, retention, clock, mounts)
        self._batch_bytes = min(retention.share // 2, BATCH_BYTES)
        self._clock, self._sinks = clock, sinks
        self._run = time.time_ns()  # tells entries of this run from those of others
        self._queue: deque[CallRecord | str] = deque()
        self._refusals = Refusals()
        self._times: tuple[int, float] | None = None  # of the last call: UTC, and s running
        self._told_aside, self._is_first = 0, True
        self._writer: RecordWriter[CallRecord | str] = RecordWriter(
            "journal",
            self._queue.__len__,
            self._take,
            self._write,
            gather_s=gather_s,
            retry_s=retry_s,
        )

    # told by any thread

    def take(self, record: CallRecord) -> None:
        """Take a call that begins, or has ended; returns at once and never raises."""
        if record.is_taken is None:
            is_refusal = record.outcome is not _RUNNING and record.duration_s is None
            if (is_refusal or self._refusals.left_out) and self._is_too_much(record, is_refusal):
                return
            record.is_taken = len(self._queue) + self._writer.pending < MAX_QUEUE
            if not record.is_taken:
                self._writer.count_lost(1, "more calls came than could be written")
                return
        elif not (record.is_taken and record.is_seen):  # it waits, and its outcome is read later
            return
        self._queue.append(record)
        if not self._writer.is_awake:
            self._writer.wake()

    def _is_too_much(self, record: CallRecord, is_refusal: bool) -> bool:
        now = time.monotonic()
        if left_out := self._refusals.take_left_out(now):
            text = f"of one key {AT_ONCE} refusals are kept, and {A_MINUTE} more a minute"
            self._writer.count_lost(left_out, text)
        return is_refusal and not self._refusals.takes(record.caller.key, now)

    def note(self, text: str) -> None:
        """Write a remark, of what happened without a call."""
        if len(self._queue) < MAX_QUEUE:
            self._queue.append(text)
            self._writer.wake()

    # written by one thread

    def _take(self) -> list[CallRecord | str]:
        batch: list[CallRecord | str] = []
        size = 0
        while self._queue and len(batch) < MAX_BATCH and size < self._batch_bytes:
            each = self._queue.popleft()
            size += (
                1000
                if isinstance(each, str)
                else 500 + 100 * len(each.args) + 200 * len(each.kwargs)
            )
            batch.append(each)
        return batch

    def _write(self, batch: Sequence[CallRecord | str], remarks: Sequence[str]) -> None:
        aside = self._folder.set_aside[self._told_aside :]
        fresh = [self._remark(text) for text in aside]
        ended: dict[int, CallRecord] = {}
        seen: set[int] = set()
        times = self._times
        if self._is_first and (step := self._step_since_last_run()):
            fresh.append(self._remark(step))
        for each in batch:
            if isinstance(each, str):
                fresh.append(self._remark(each))
            elif each.number:
                if not each.is_written:
                    ended[each.number] = each
            elif id(each) not in seen:  # its begin and its end may come together
                seen.add(id(each))
                each.is_seen = True  # before its outcome is read
                if step := _step(times, each):
                    fresh.append(self._remark(step))
                times = each.began_us, each.began
                fresh.append((each, (*_row_of(each), each.began, self._run)))
        fresh += [self._remark(text) for text in remarks]
        told = self._add(fresh, list(ended.values()))
        self._times, self._told_aside = times, self._told_aside + len(aside)
        self._is_first = False
        for sink in self._sinks:
            try:
                sink.take_calls([CallEntry(*row) for row in told])
            except Exception:  # anybody's code
                log.exception("journal: %s does not take entries", type(sink).__name__)
        try:
            self._folder.care()
        except Exception as error:  # what was added is safe
            log.warning("journal: its files cannot be tidied: %s", text_of(error))

    def _add(self, fresh: Sequence[_Fresh], ended: Sequence[CallRecord]) -> list[tuple[Any, ...]]:
        """Write entries of calls that are new, and the ends of others; for sinks all of them, as
        they are then."""
        ends = [_row_of(record) for record in ended]
        updates = [
            (*(row[at] for at in _OF_THE_END), record.number)
            for row, record in zip(ends, ended, strict=True)
        ]
        for values in updates:
            if values[-1] < self._folder.first:  # first, for it may be done again
                self._folder.change(values[-1], _updating(values))
        first = 0

        def add(connection: sqlite3.Connection, number: int) -> None:
            nonlocal first
            first = number
            rows = [(number + at, *row) for at, (_, row) in enumerate(fresh)]
            connection.executemany(_INSERT, rows)
            connection.executemany(_UPDATE, updates)

        self._folder.add(add)
        for record, row in zip(ended, ends, strict=True):
            record.is_written = row[_OUTCOME] != CallOutcome.RUNNING
        for at, (new, row) in enumerate(fresh):
            if new is not None:
                new.number = first + at
                new.is_written = row[_OUTCOME] != CallOutcome.RUNNING
        if not self._sinks:
            return []
        told = [(record.number, *row) for record, row in zip(ended, ends, strict=True)]
        return told + [(first + at, *row[:-2]) for at, (_, row) in enumerate(fresh)]

    def _step_since_last_run(self) -> str:
        """Return a remark if the last entry of the run before is later than now; empty: it is
        not."""
        question = "SELECT number, time_us FROM records WHERE 1"
        found = self._folder.select(question, most=1, newest=True)
        ahead = max((time_us / 1e6 for _, time_us in found), default=0.0) - self._clock.time()
        if ahead < STEP_S:
            return ""
        return f"the clock was set back by {ahead:.3f} s at least while nothing ran"

    def _remark(self, text: str) -> _Fresh:
        when = int(self._clock.time() * 1e6)
        row = (when, OF_THE_JOURNAL, "{}", "", "", "", "", "", "", REMARK, None, "", _clean(text))
        return None, (*row, self._clock.monotonic(), self._run)

    # read by any thread

    def entries(
        self, wanted: RecordSpan = ALL, *, client: str = "", method: str = ""
    ) -> list[JsonObject]:
        """Return entries in the order of their numbers, as JSON holds them.

        Args:
            wanted: Those that are wanted, by the time at which they began.
            client: Text that the name of the client, or of its key, contains.
            method: Pattern of `object.method`, with `*` and `?`.

        Raises:
            RefusedError: It took too long.
        """
        self._writer.flush(FLUSH_WITHIN_S)
        wheres: list[tuple[str, Sequence[object]]] = [
            (text, (time_us,)) for text, time_us in wanted.wheres()
        ]
        if client:
            wheres.append(("(instr(client, ?) OR instr(key, ?))", (client, client)))
        if method:
            wheres.append(("method GLOB ?", (method.replace("[", "[[]"),)))
        most = wanted.limit(MAX_ENTRIES)
        return self._select(wheres, after=wanted.after, most=most, newest=wanted.newest)

    def find(self, call_id: str, key: str) -> JsonObject | None:
        """Return the last entry of a call by the name that its client gave it; None: there is none.

        Args:
            call_id: Of the call, which others can read, and give to calls of their own.
            key: Name of the key of its client; empty: it has none.
        """
        self._writer.flush(FLUSH_WITHIN_S)
        wheres = [("call_id = ? AND call_id != '' AND key = ?", (_clean(call_id), key))]
        found = self._select(wheres, most=1, newest=True)
        return found[0] if found else None

    def _select(
        self, wheres: Sequence[tuple[str, Sequence[object]]], **how: Any
    ) -> list[JsonObject]:
        where = " AND ".join(["1", *(text for text, _ in wheres)])
        parameters = [each for _, some in wheres for each in some]
        question = f"{_SELECT} WHERE {where}"
        return [self._described(row) for row in self._folder.select(question, parameters, **how)]

    def span(self) -> tuple[int, int]:
        """Return the numbers of the oldest and of the newest entry on disk, as of RecordFolder."""
        return self._folder.span()

    def entries_after(self, number: int, most: int) -> list[CallEntry]:
        """Return entries on disk of higher numbers, in their order, as sinks get them."""
        return [self._entry(row) for row in self._folder.select(_QUESTION, after=number, most=most)]

    def entries_of(self, numbers: Sequence[int]) -> list[CallEntry]:
        """Return the entries on disk that there are of some numbers, likewise."""
        if not numbers:
            return []
        question = f"{_QUESTION} AND number IN ({', '.join('?' * len(numbers))})"
        found = self._folder.select(
            question, list(numbers), after=min(numbers) - 1, most=len(numbers)
        )
        return [self._entry(row) for row in found]

    def _entry(self, row: Sequence[Any]) -> CallEntry:
        entry = CallEntry(*row[:-2])
        is_of_another_run = entry.outcome == CallOutcome.RUNNING and row[-1] != self._run
        return replace(entry, outcome=UNKNOWN) if is_of_another_run else entry

    def _described(self, row: Sequence[Any]) -> JsonObject:
        told = dict(zip(_NAMES, row, strict=False))
        told["time"] = told.pop("time_us") / 1e6
        told["running_s"], run = row[-2:]
        told["arguments"] = json.loads(told["arguments"])
        if told["outcome"] == CallOutcome.RUNNING and run != self._run:
            told["outcome"] = UNKNOWN
        return told

    def state(self) -> JsonObject:
        """Return how it fares: what is kept where, its size, what was lost, and why."""
        return self._writer.state() | self._folder.state()

    def flush(self, within: float = FLUSH_WITHIN_S) -> bool:
        """Wait until all is written that was told; False: it was not within so many seconds."""
        return self._writer.flush(within)

    def close(self, within: float = FLUSH_WITHIN_S) -> None:
        """Write what waits, and take nothing any more."""
        if self._writer.close(within):
            self._folder.close()


def _updating(values: Sequence[object]) -> Callable[[sqlite3.Connection], object]:
    return lambda connection: connection.execute(_UPDATE, values)


def _step(before: tuple[int, float] | None, record: CallRecord) -> str:
    """Return a remark if the clock was set between two calls; empty: it was not."""
    if before is None:
        return ""
    step = (record.began_us - before[0]) / 1e6 - (record.began - before[1])
    if abs(step) < STEP_S:
        return ""
    return f"the clock was set {'forward' if step > 0 else 'back'} by {abs(step):.3f} s"


def _row_of(record: CallRecord) -> tuple[Any, ...]:
    outcome = record.outcome  # first: it is set last
    caller = record.caller
    arguments = "{}"
    if record.args or record.kwargs:
        arguments = _TO_JSON({"args": record.args, "kwargs": record.kwargs})
    return (
        record.began_us,
        _clean(record.target),
        _clean(arguments),
        *_client_of(caller.name),
        _clean(caller.key),
        _clean(caller.through),
        _clean(record.call_id),
        record.operation,
        outcome.value,
        record.duration_s,
        record.error,
        _clean(record.text),
    )


@lru_cache(1000)
def _client_of(name: str) -> tuple[str, str]:
    """Return the name of a client, `user@host:pid`, and the host in it; empty: there is none."""
    _, found, rest = name.partition("@")
    return _clean(name), _clean(rest.rpartition(":")[0]) if found else ""


def _clean(text: str) -> str:
    """Return a text that SQLite can hold: halves of characters as their escapes."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")

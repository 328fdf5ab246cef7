"""Files of records, small and quick, and calls for journals."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from player.clock import Clock, SystemClock
from player.journal import Journal
from player.recordfile import RecordLayout
from player.recordfolder import RecordFolder, Retention
from player.tables import JournalConfig
from player.testing.clock import ManualClock
from zmqjsonproxy.caller import Caller
from zmqjsonproxy.engine.callrecords import CallOutcome, CallRecord

MIB = 2**20
SCHEMA = ("CREATE TABLE records (number INTEGER PRIMARY KEY, time_us INTEGER, text TEXT)",)
QUICK = RecordLayout(name="tests", schema=SCHEMA, synchronous="OFF")
"""Of what no power cut has to survive."""
ALL = "SELECT number, text FROM records WHERE 1"


def folder_of(
    path: Path, clock: Clock | None = None, *, days: float = 90, size: int = 4 * MIB
) -> RecordFolder:
    """Return records of QUICK."""
    return RecordFolder(path, QUICK, Retention(days=days, bytes=size), clock or SystemClock())


def adding(
    count: int, text: str = "", time_us: int | None = None
) -> Callable[[sqlite3.Connection, int], object]:
    """Return what adds records, of now if no time is given."""
    when = time.time_ns() // 1000 if time_us is None else time_us

    def add(connection: sqlite3.Connection, number: int) -> None:
        rows = [(number + at, when, text or str(number + at)) for at in range(count)]
        connection.executemany("INSERT INTO records VALUES (?, ?, ?)", rows)

    return add


def numbers(folder: RecordFolder, **how: Any) -> list[int]:
    """Return the numbers of records."""
    return [number for number, _ in folder.select(ALL, most=1_000_000, **how)]


def journal_of(path: Path, **more: Any) -> Journal:
    """Return a journal that waits for nothing, and whose time stands still at 1.7e9 s."""
    more = {"gather_s": 0.0, "retry_s": 0.01} | more
    config = more.pop("config", JournalConfig())
    return Journal(path, config, more.pop("clock", ManualClock()), **more)


def call_record(
    target: str = "bank.set_mode", *args: Any, at: float = 1.7e9, running: float = 0.0, **more: Any
) -> CallRecord:
    """Return a call that begins at a time (UTC, and of the clock that is never set, s)."""
    name = more.pop("client", "anna@hpc1:17")
    caller = Caller(name, key=more.pop("key", ""), through=more.pop("through", ""))
    return CallRecord(
        target=target,
        args=list(args),
        kwargs=more.pop("kwargs", {}),
        caller=caller,
        began_us=round(at * 1e6),
        began=running,
        **more,
    )


def ended(record: CallRecord, outcome: CallOutcome = CallOutcome.DONE) -> CallRecord:
    """Return the call, which has ended."""
    record.end(outcome)
    return record


def refused(record: CallRecord) -> CallRecord:
    """Return the call, which was refused before it began."""
    record.end(CallOutcome.REFUSED)
    record.duration_s = None
    return record

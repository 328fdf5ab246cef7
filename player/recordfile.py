"""One SQLite file of records with running numbers. Knows neither journal nor history, no thread.

Every file has a table `records` with the columns `number` (its key) and `time_us`, and a table
`about`. Writers begin as writers (BEGIN IMMEDIATE), so that two of them take turns; the write-ahead
log is moved into the file by whoever writes, and never by a reader's pace.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from player.errors import PlayerError
from zmqjsonproxy.errors import RefusedError

__all__ = [
    "READ_WITHIN_S",
    "FinishedFileError",
    "RecordFile",
    "RecordLayout",
    "is_damage",
    "parts_of",
    "read_records",
]

READ_WITHIN_S = 10.0
"""A reader that takes longer is ended."""
BUSY_WITHIN_S = 5.0
"""Another writer is waited for so long."""
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_STEPS = 10_000
"""Steps of SQLite's machine between two looks at the time."""
_ABOUT = "CREATE TABLE about (key TEXT PRIMARY KEY, value) WITHOUT ROWID"


class FinishedFileError(PlayerError):
    """No record is added to a file any more: a newer one has taken its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordLayout:
    """Tables of a kind of records.

    Attributes:
        name: Of the kind; files are called after it.
        schema: Statements that make the tables.
        synchronous: FULL: a power cut loses nothing that was written. NORMAL: it may lose the last
            moments, and damages nothing.
    """

    name: str
    schema: Sequence[str]
    synchronous: str = "FULL"


def is_damage(error: BaseException) -> bool:
    """Tell whether an error of SQLite says that the file is damaged."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(code, int) and code & 0xFF in _DAMAGE


def parts_of(path: Path) -> tuple[Path, Path, Path]:
    """Return a file, its write-ahead log and the index of that."""
    return path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


def _connect(path: Path, timeout: float) -> sqlite3.Connection:
    """Connect to a file that is there. SQLite's temporary data stay in memory: a temporary folder
    may be full."""
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=rw",
        uri=True,
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


class RecordFile:
    """A file that is written to, by one thread; made if it is not there.

    Args:
        path: Of the file; its folder is there.
        layout: Its tables.
        first: Number of its first record, if it is made.

    Raises:
        sqlite3.Error, OSError: It cannot be had; of a damaged file as `is_damage` tells.
    """

    def __init__(self, path: Path, layout: RecordLayout, first: int) -> None:
        self.path = path
        with suppress(FileExistsError):  # to open one that is there would end SQLite's locks on it
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        self._place = _place(path)
        self._connection = _connect(path, BUSY_WITHIN_S)
        try:
            self._prepare(layout, first)
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self, layout: RecordLayout, first: int) -> None:
        ask = self._connection.execute
        ask(f"PRAGMA synchronous = {layout.synchronous}")
        self._to_wal()
        ask("PRAGMA wal_autocheckpoint = 0")  # `checkpoint` does it
        if (found := ask("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            error = sqlite3.DatabaseError(f"{self.path}: {found}")
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error
        ask("BEGIN IMMEDIATE")
        with self._transaction():
            if not ask("SELECT 1 FROM sqlite_master WHERE name = 'about'").fetchone():
                for statement in (_ABOUT, *layout.schema):
                    ask(statement)
                ask("INSERT INTO about VALUES ('first', ?)", (first,))
        self.first = int(self._about("first") or first)

    def _to_wal(self) -> None:
        """Switch the write-ahead log on; that waits for nobody by itself."""
        end = time.monotonic() + BUSY_WITHIN_S
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise
                time.sleep(0.01)
            else:
                return

    def _transaction(self) -> _Transaction:
        return _Transaction(self._connection)

    def _about(self, key: str) -> Any:
        found = self._connection.execute("SELECT value FROM about WHERE key = ?", (key,)).fetchone()
        return found[0] if found else None

    @property
    def is_at_its_place(self) -> bool:
        """The path leads to this file still."""
        return _place(self.path) == self._place

    @property
    def is_finished(self) -> bool:
        """No record is added any more."""
        return self._about("finished") is not None

    @property
    def next_number(self) -> int:
        """Number of the next record."""
        found = self._connection.execute("SELECT max(number) FROM records").fetchone()[0]
        return self.first if found is None else int(found) + 1

    @property
    def begins_us(self) -> int | None:
        """Time of the first record, UTC, microseconds; None: there is none."""
        found = self._connection.execute("SELECT time_us FROM records ORDER BY number LIMIT 1")
        return next((int(row[0]) for row in found.fetchall()), None)

    @property
    def settings(self) -> dict[str, Any]:
        """SQLite's own settings, as it tells them."""
        names = ("journal_mode", "synchronous", "temp_store", "wal_autocheckpoint")
        return {name: self._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names}

    def add(self, work: Callable[[sqlite3.Connection, int], object]) -> None:
        """Add records in one transaction.

        Args:
            work: Writes; it gets the number of the next record.

        Raises:
            FinishedFileError: Another file has taken its place.
            sqlite3.Error: Nothing was written.
        """
        self._connection.execute("BEGIN IMMEDIATE")
        with self._transaction():
            if self.is_finished:
                raise FinishedFileError(f"{self.path} is finished")
            work(self._connection, self.next_number)

    def change(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Change records in one transaction, also of a file that is finished."""
        self._connection.execute("BEGIN IMMEDIATE")
        with self._transaction():
            work(self._connection)

    def finish(self) -> None:
        """Let no record be added any more; a record of the time of the last one stays."""
        self.change(
            lambda c: c.execute(
                "INSERT OR IGNORE INTO about"
                " SELECT 'finished', coalesce(max(time_us), 0) FROM records"
            )
        )

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file, as far as readers let it; waits for nobody."""
        self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def close(self) -> None:
        """Close it; may be called twice."""
        self._connection.close()


class _Transaction:
    """The rest of a transaction that has begun: committed at its end, undone by an error."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        try:
            if kind is None:
                self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                with suppress(sqlite3.Error):  # what failed may have ended it
                    self._connection.execute("ROLLBACK")


def _place(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def read_records(
    path: Path, question: str, parameters: Sequence[object], within: float = READ_WITHIN_S
) -> list[tuple[Any, ...]]:
    """Return what a question to a file is answered; of one that is gone nothing.

    The connection is closed before this returns: no reader stays.

    Raises:
        RefusedError: It took longer than `within` s.
        sqlite3.DatabaseError: The file is damaged, or busy.
    """
    end = time.monotonic() + within
    try:
        connection = _connect(path, within)
    except sqlite3.OperationalError:
        if not path.exists():
            return []
        raise
    with closing(connection):
        connection.execute("PRAGMA query_only = 1")
        connection.set_progress_handler(lambda: int(time.monotonic() > end), _STEPS)
        try:
            return connection.execute(question, parameters).fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_INTERRUPT:
                raise
            text = f"reading {path.name} took longer than {within:g} s; ask for less of it"
            raise RefusedError(text) from error

"""Store of the dashboard: one SQLite file for what has to outlive it, and nowhere else has a home.

Each part of the dashboard brings its own tables, and asks by its own statements. A file that is
damaged is set aside; where none can be had, what is kept ends with the dashboard, and `fault` says
why.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

from groundwork.beside import beside
from groundwork.errors import text_of
from player.recordfile import is_damage, parts_of

__all__ = ["Store"]

log = logging.getLogger(__name__)

BUSY_WITHIN_S = 5.0
T = TypeVar("T")


class Store:
    """A file of tables, for one event loop and its threads.

    Args:
        path: Of the file; None: there is no place for one.
        tables: Statements `CREATE TABLE IF NOT EXISTS ...`, of all parts.

    Attributes:
        fault: Why what is kept ends with this program; empty: it does not.
        is_shared: Another program had the file before, and goes on.
    """

    def __init__(self, path: Path | None, tables: Iterable[str]) -> None:
        self._tables, self._lock = tuple(tables), threading.Lock()
        self.fault = "" if path is not None else "there is no state directory"
        self._held: int | None = None
        self._connection = self._open(path)
        self.is_shared = path is not None and not self.fault and not self._hold(path)

    def _hold(self, path: Path) -> bool:
        """Take the file for this program, by one beside it; False: another one has it."""
        # not the file itself: whoever closes a second descriptor of it gives SQLite's locks away
        beside = path.with_suffix(".lock")
        try:
            self._held = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._let_go()
            return False
        except OSError as error:  # as on a file system without locks
            self._let_go()
            log.warning("%s: cannot be locked (%s): run one dashboard only", beside, text_of(error))
        return True

    def _let_go(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def _open(self, path: Path | None) -> sqlite3.Connection:
        if path is not None:
            try:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                with suppress(FileExistsError):
                    path.touch(mode=0o600, exist_ok=False)
                return self._connect_or_set_aside(path)
            except (OSError, sqlite3.Error) as error:
                self.fault = f"{path}: {text_of(error)}"
                log.warning("what is saved here ends with this program: %s", self.fault)
        return _connect(":memory:", self._tables)

    def _connect_or_set_aside(self, path: Path) -> sqlite3.Connection:
        try:
            return _connect(str(path), self._tables)
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            aside = path.with_suffix(".damaged")
            for part, renamed in zip(parts_of(path), parts_of(aside), strict=True):
                with suppress(FileNotFoundError):
                    part.rename(renamed)
            log.error("%s was damaged (%s), and is %s now", path, text_of(error), aside.name)
            return _connect(str(path), self._tables)

    async def ask(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Carry work out in one transaction, in a thread, and return what it returns.

        Args:
            work: Reads and writes; if it raises, nothing of it is written.

        Raises:
            sqlite3.Error: It cannot be read or written.
        """
        return await beside(lambda: self._asked(work))

    def _asked(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                found = work(self._connection)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            return found

    def close(self) -> None:
        """Close the file; may be called twice."""
        with self._lock:
            self._connection.close()
            self._let_go()


def _connect(place: str, tables: Iterable[str]) -> sqlite3.Connection:
    connection = sqlite3.connect(
        place, timeout=BUSY_WITHIN_S, isolation_level=None, check_same_thread=False
    )
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        with closing(connection.execute("PRAGMA quick_check(1)")) as checked:
            if (found := checked.fetchone()[0]) != "ok":
                damage = sqlite3.DatabaseError(str(found))
                damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
                raise damage
        for statement in tables:
            connection.execute(statement)
    except BaseException:
        connection.close()
        raise
    return connection

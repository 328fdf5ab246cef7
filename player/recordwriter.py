"""Thread that writes records in batches, whatever they are. Knows no file.

Those who make records hand them over and go on. What waits is bounded by them; what cannot be
written, as on a full disk, is tried again, and what is lost meanwhile is counted.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from groundwork.errors import text_of
from groundwork.values import JsonObject
from player.errors import PlayerError

__all__ = ["GATHER_S", "RecordWriter"]

log = logging.getLogger(__name__)

T = TypeVar("T")
GATHER_S = 0.05
"""Time that a record waits for others to be written with, s."""
RETRY_S = 1.0
_TROUBLE = (sqlite3.OperationalError, OSError, PlayerError)
"""Troubles that may be over at the next try."""


class RecordWriter(Generic[T]):
    """Writes until it is closed.

    Args:
        name: Of what it writes, in logs.
        count: Tells how many records wait.
        take: Hands over the next batch of them.
        write: Writes a batch, or raises and has written nothing; the second argument is told how
            many were lost before, and why.
        gather_s: Pause for others, s; of one who publishes at a rate that of the rate.
        retry_s: Pause after what could not be written, s.

    Attributes:
        is_awake: It looks for records soon, without being woken.
        written: Records.
        lost: Likewise, since the start.
        trouble: Why nothing is written now; empty: all is well.
    """

    def __init__(
        self,
        name: str,
        count: Callable[[], int],
        take: Callable[[], Sequence[T]],
        write: Callable[[Sequence[T], Sequence[str]], object],
        *,
        gather_s: float = GATHER_S,
        retry_s: float = RETRY_S,
    ) -> None:
        self._name, self._count, self._take, self._write = name, count, take, write
        self._gather_s, self._retry_s = gather_s, retry_s
        self.is_awake = False
        self._wake, self._ended = threading.Event(), threading.Event()
        self._hurry = threading.Event()  # somebody waits for what is there
        self._done = threading.Condition()
        self._asked = self._served = 0  # flushes
        self._batch: Sequence[T] = ()
        self._untold: dict[str, int] = {}  # lost records by reason, until that is written
        self._lock = threading.Lock()
        self.written = self.lost = 0
        self.trouble = ""
        self._thread = threading.Thread(target=self._run, name=f"{name} writer", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something to take; from any thread, returns at once."""
        if not self.is_awake:
            self.is_awake = True
            self._wake.set()

    def count_lost(self, number: int, why: str) -> None:
        """Count records that will not be written; from any thread."""
        if not number:
            return
        with self._lock:
            self.lost += number
            self._untold[why] = self._untold.get(why, 0) + number

    @property
    def pending(self) -> int:
        """Records that were taken and are not written yet."""
        return len(self._batch)

    def state(self) -> JsonObject:
        """Return counts and trouble, for who asks how it fares."""
        return {"written": self.written, "lost": self.lost, "trouble": self.trouble}

    def flush(self, within: float) -> bool:
        """Wait until all is written that was there; False: it was not within so many seconds."""
        with self._done:
            self._asked += 1
            wanted = self._asked
            self._hurry.set()
            self._wake.set()
            return self._done.wait_for(lambda: self._served >= wanted, within)

    def close(self, within: float) -> bool:
        """Write what there is, and end; what is not written within so many seconds is lost.

        Returns:
            False: the thread still waits for its disk, and has what it writes to.
        """
        self._ended.set()
        self._hurry.set()
        self._wake.set()
        self._thread.join(within)
        if self._thread.is_alive():
            log.warning(
                "%s: its disk does not answer; what was not written yet is lost", self._name
            )
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._hurry.wait(self._gather_s)
            self._wake.clear()
            self.is_awake = (
                False  # what comes from now on wakes it; what came before is counted below
            )
            with self._done:
                self._hurry.clear()
                asked = self._asked
            is_over = self._ended.is_set()
            if self._write_all():
                with self._done:
                    self._served = asked
                    self._done.notify_all()
            elif is_over:
                log.error("%s: the last records are lost: %s", self._name, self.trouble)
            else:
                self._ended.wait(self._retry_s)
                self._wake.set()
            if is_over:
                return

    def _write_all(self) -> bool:
        """Write all there is now; False if that must be tried again. What comes meanwhile waits for
        others again, as small batches cost as much as large ones."""
        left = len(self._batch) + self._count()
        while True:
            if not self._batch and left > 0:
                self._batch = self._take()
            left -= len(self._batch)
            with self._lock:
                untold = dict(self._untold)
            remarks = [f"{number} were lost: {why}" for why, number in untold.items()]
            if not self._batch and not remarks:
                return True
            try:
                self._write(self._batch, remarks)
            except _TROUBLE as error:
                self._fail(error)
                return False
            except Exception as error:  # of these records, and not of their place
                log.exception("%s: %d records cannot be written", self._name, len(self._batch))
                if not self._batch:  # not even what was lost
                    self._recover(untold)
                self.count_lost(len(self._batch), text_of(error))
            else:
                self.written += len(self._batch)
                self._recover(untold)
            self._batch = ()

    def _fail(self, error: Exception) -> None:
        if not self.trouble:
            text = "%s: nothing can be written (%s); it is tried each %g s, calls go on"
            log.warning(text, self._name, error, self._retry_s)
        self.trouble = text_of(error)

    def _recover(self, told: dict[str, int]) -> None:
        with self._lock:
            for why, number in told.items():
                self._untold[why] -= number
                if not self._untold[why]:
                    del self._untold[why]
        if self.trouble:
            lost = f"; {sum(told.values())} were lost" if told else ""
            log.warning("%s: records are written again%s", self._name, lost)
            self.trouble = ""

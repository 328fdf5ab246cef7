"""Log records as messages: bounded in number and length, and published in a thread of their own.

Whoever logs waits for nothing here, and may hold any lock.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
import traceback
from collections.abc import Callable

from groundwork.throttle import Throttle
from groundwork.truncation import cut
from groundwork.values import JsonObject

__all__ = ["MAX_PER_S", "LogPublisher"]

MAX_PER_S = 50
"""Records that are published within a second."""
_MAX_WAITING = 1000
_END_WITHIN_S = 1.0


class LogPublisher(logging.Handler):
    """Publishes the records of this process, from its making to `close`.

    Args:
        publish: Takes a record as a body: level, logger, text, time.
        most: Records that are published within a second; of those beyond it the number is.
    """

    def __init__(self, publish: Callable[[JsonObject], object], most: int = MAX_PER_S) -> None:
        super().__init__()
        self._publish, self._most, self._throttle = publish, most, Throttle(most)
        self._waiting: queue.SimpleQueue[JsonObject | None] = queue.SimpleQueue()
        self._counting = threading.RLock()
        self._crowded_out, self._pid = 0, os.getpid()
        self._thread = threading.Thread(target=self._run, name="published log", daemon=True)
        self._thread.start()
        logging.getLogger().addHandler(self)

    def handle(self, record: logging.LogRecord) -> bool:
        """Take a record without the handler's lock: `emit` is for all threads at once."""
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Leave a record for the thread that publishes, unless it is from there, or from a child of
        this process, which has no such thread."""
        if record.thread == self._thread.ident or os.getpid() != self._pid:
            return
        if self._waiting.qsize() >= _MAX_WAITING:
            with self._counting:
                self._crowded_out += 1
            return
        try:
            text = record.getMessage()
        except Exception:  # arguments that do not fit: whoever writes the log says so
            text = str(record.msg)
        if record.exc_info and record.exc_info[1] is not None:
            text += "\n" + "".join(traceback.format_exception_only(record.exc_info[1])).rstrip()
        level = record.levelname.lower()
        self._waiting.put(
            {"level": level, "logger": record.name, "text": cut(text), "time": record.created}
        )

    def _run(self) -> None:
        throttle = self._throttle
        while True:
            due = throttle.due
            try:
                left = None if due is None else max(due - time.monotonic(), 0.0)
                record = self._waiting.get(timeout=left)
                if record is None:
                    return
            except queue.Empty:
                record = {}
            with self._counting:
                crowded_out, self._crowded_out = self._crowded_out, 0
            throttle.left_out += crowded_out
            if left_out := throttle.take_left_out(time.monotonic()):
                self._send(self._told(left_out))
            if record and throttle.takes():
                self._send(record)

    def _told(self, left_out: int) -> JsonObject:
        text = f"{left_out} records were left out: at most {self._most} are published in a second"
        told: JsonObject = {"level": "warning", "logger": __name__, "text": text}
        return told | {"left_out": left_out, "time": time.time()}

    def _send(self, record: JsonObject) -> None:
        try:
            self._publish(record)
        except Exception:  # whatever it is, the log goes on
            logging.getLogger(__name__).exception("a record could not be published")

    def close(self) -> None:
        """Take no more records; those that wait are published. May be called twice."""
        logging.getLogger().removeHandler(self)
        self._waiting.put(None)
        self._thread.join(_END_WITHIN_S)
        super().close()

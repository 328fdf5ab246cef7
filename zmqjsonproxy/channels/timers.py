"""Timers: functions that are called later, in one thread, which is made when the first is due."""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable
from itertools import count

__all__ = ["Timers"]

log = logging.getLogger(__name__)


class Timers:
    """Calls functions at their time, one after the other; for any thread."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._waiting: list[tuple[float, int, Callable[[], object]]] = []
        self._order = count()
        self._thread: threading.Thread | None = None
        self._closed = False

    def call_at(self, when: float, function: Callable[[], object]) -> None:
        """Call a function once, at `when`, s, monotonic. What it raises is logged."""
        with self._turn:
            if self._closed:
                return
            heapq.heappush(self._waiting, (when, next(self._order), function))
            if self._thread is None:
                made = threading.Thread(target=self._run, name="timers", daemon=True)
                try:
                    made.start()
                except RuntimeError:  # no more threads: with the next one
                    return
                self._thread = made
            self._turn.notify()

    def close(self) -> None:
        """Call nothing more; does not wait for what is being called."""
        with self._turn:
            self._closed = True
            self._waiting.clear()
            self._turn.notify()

    def _run(self) -> None:
        while (function := self._next()) is not None:
            try:
                function()
            except BaseException:  # SystemExit of anybody's code among them
                log.exception("what was to be done at its time failed")

    def _next(self) -> Callable[[], object] | None:
        """Wait for the next function that is due; None at the end."""
        with self._turn:
            while not self._closed:
                left = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._waiting)[2]
                self._turn.wait(left)
        return None

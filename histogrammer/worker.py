"""Thread that alone touches the engine: requests of all endpoints and blocks of events, one after
the other in the order in which they came.

So no request sees half of a change or of a block, none waits longer than for what was before it,
and the engine has no locks.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, Protocol, TypeVar

from histogrammer.errors import HistogrammerError

__all__ = ["MAX_WAITING", "BusyError", "EndedError", "Worker"]

MAX_WAITING = 1000
TICK_S = 0.5

log = logging.getLogger(__name__)


class Ticking(Protocol):
    """An engine with work of its own that is due now and then."""

    def tick(self, now: float) -> None:
        """Do what is due; called twice a second at least, monotonic time in s."""


E = TypeVar("E", bound=Ticking)
T = TypeVar("T")


class BusyError(HistogrammerError):
    """More requests wait than are kept."""

    def __init__(self) -> None:
        super().__init__(f"{MAX_WAITING} requests wait already; ask again later")


class EndedError(HistogrammerError):
    """The histogrammer ends, or has ended."""

    def __init__(self) -> None:
        super().__init__("the histogrammer has ended; start it anew")


class Worker(Generic[E]):
    """The thread of an engine.

    Args:
        engine: Touched by nothing else from now on.
    """

    def __init__(self, engine: E) -> None:
        self._engine = engine
        self._waiting: queue.Queue[Callable[[E], None] | None] = queue.Queue(MAX_WAITING)
        self._lock = threading.Lock()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="histogrammer", daemon=True)
        self._thread.start()

    def post(self, function: Callable[[E], T]) -> Future[T]:
        """Have a function called with the engine; return its result to come.

        Raises:
            BusyError: Too many wait.
            EndedError: After `close`.
        """
        future: Future[T] = Future()

        def carry_out(engine: E) -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(function(engine))
            except BaseException as error:  # raised where it is waited for
                future.set_exception(error)

        with self._lock:
            if self._ended:
                raise EndedError
            try:
                self._waiting.put_nowait(carry_out)
            except queue.Full:
                raise BusyError from None
        return future

    def ask(self, function: Callable[[E], T]) -> T:
        """Call a function with the engine, and wait for its result.

        Called by the thread itself (by what a function calls) it is carried out at once.

        Raises:
            BusyError: Too many wait.
            EndedError: After `close`.
        """
        if threading.current_thread() is self._thread:
            return function(self._engine)
        return self.post(function).result()

    def close(self) -> None:
        """End the thread after what waits; may be called twice."""
        with self._lock:
            first, self._ended = not self._ended, True
        if first:
            self._waiting.put(None)  # waits for room, which the thread makes
        self._thread.join()

    def _run(self) -> None:
        due = time.monotonic() + TICK_S
        while True:
            now = time.monotonic()
            if now >= due:
                due = now + TICK_S
                self._tick(now)
            try:
                carry_out = self._waiting.get(timeout=max(0.0, due - now))
            except queue.Empty:
                continue
            if carry_out is None:
                return
            carry_out(self._engine)

    def _tick(self, now: float) -> None:
        try:
            self._engine.tick(now)
        except Exception:  # the thread serves all endpoints: it outlives whatever goes wrong
            log.exception("the histogrammer's periodic work failed")

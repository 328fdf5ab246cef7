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
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from histogrammer.errors import HistogrammerError

__all__ = ["MAX_WAITING", "EndedError", "Worker", "WorkerBusyError"]

MAX_WAITING = 1000
TICK_S = 0.5

log = logging.getLogger(__name__)


class Ticking(Protocol):
    """An engine with work of its own that is due now and then."""

    def tick(self, now: float) -> None:
        """Do what is due; called twice a second at least, monotonic time in s."""


E = TypeVar("E", bound=Ticking)
T = TypeVar("T")


class WorkerBusyError(HistogrammerError):
    """More requests wait than are kept."""

    def __init__(self) -> None:
        super().__init__(f"{MAX_WAITING} requests wait already; ask again later")


class EndedError(HistogrammerError):
    """The histogrammer ends, or has ended."""

    def __init__(self) -> None:
        super().__init__("the histogrammer has ended; start it anew")


_Job: TypeAlias = "tuple[Future[Any], Callable[[E], object]]"
"""Function to carry out, and its result to come."""


class Worker(Generic[E]):
    """The thread of an engine. Whatever ends the thread, nobody waits for it in vain.

    Args:
        engine: Touched by nothing else from now on.
    """

    def __init__(self, engine: E) -> None:
        self._engine = engine
        self._waiting: queue.Queue[_Job[E] | None] = queue.Queue(MAX_WAITING)
        self._lock = threading.Lock()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="histogrammer", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Its thread runs."""
        return self._thread.is_alive()

    def post(self, function: Callable[[E], T]) -> Future[T]:
        """Have a function called with the engine; return its result to come.

        Raises:
            BusyError: Too many wait.
            EndedError: After `close`, or the thread has ended.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._ended:
                raise EndedError
            try:
                self._waiting.put_nowait((future, function))
            except queue.Full:
                raise WorkerBusyError from None
        return future

    def ask(self, function: Callable[[E], T]) -> T:
        """Call a function with the engine, and wait for its result.

        Called by the thread itself (by what a function calls) it is carried out at once.

        Raises:
            BusyError: Too many wait.
            EndedError: After `close`, or the thread has ended.
        """
        if threading.current_thread() is self._thread:
            return function(self._engine)
        return self.post(function).result()

    def close(self, within: float | None = None) -> bool:
        """End the thread after what waits; may be called twice. The thread itself, which ends when
        what it does and what waits are done, does not wait for that.

        Args:
            within: Time to wait for that, s; None: any.

        Returns:
            It has ended.
        """
        with self._lock:
            first, self._ended = not self._ended, True
        if first:
            with suppress(queue.Full):  # then it has more to do, and looks by itself
                self._waiting.put_nowait(None)
        if threading.current_thread() is not self._thread:
            self._thread.join(within)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._serve()
        except BaseException:
            log.exception("the histogrammer's thread ended")
        finally:
            with self._lock:
                self._ended = True
            self._refuse_waiting()

    def _serve(self) -> None:
        due = time.monotonic() + TICK_S
        while True:
            now = time.monotonic()
            if now >= due:
                due = now + TICK_S
                self._tick(now)
            try:
                job = self._waiting.get(timeout=0.0 if self._ended else max(0.0, due - now))
            except queue.Empty:
                if self._ended:
                    return
                continue
            if job is None:  # it was put there to be noticed: it is to end
                continue
            future, function = job
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function(self._engine))
                except BaseException as error:  # raised where it is waited for
                    future.set_exception(error)
            del job, future, function  # and what they hold, while nothing comes

    def _refuse_waiting(self) -> None:
        with suppress(queue.Empty):
            while True:
                job = self._waiting.get_nowait()
                if job is not None and job[0].set_running_or_notify_cancel():
                    job[0].set_exception(EndedError())

    def _tick(self, now: float) -> None:
        try:
            self._engine.tick(now)
        except Exception:  # the thread serves all endpoints: it outlives whatever goes wrong
            log.exception("the histogrammer's periodic work failed")

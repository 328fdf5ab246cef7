"""Threads in virtual time: a thread that waits for a lock, an event, a queue or another thread lets
the clock move.

`threading` and `queue` are built on locks; these are replaced by ones that know who waits for them,
and until when. Locks that were made before stay as they are, and so do those of compiled code.
"""

from __future__ import annotations

import _thread
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from dealer.virtualtime import VirtualClock, Waiter, replace_everywhere

STARTS = (
    (threading, "_start_new_thread"),
    (threading, "_start_joinable_thread"),
    (_thread, "start_new_thread"),
    (_thread, "start_new"),
    (_thread, "start_joinable_thread"),
)
"""Names of the function that begins a thread, in one version of Python or another."""

__all__ = ["end_threads", "take_threads"]


class VirtualLock:
    """Lock like `threading.Lock`; whoever waits is given it in turn.

    Args:
        clock: In whose time one waits.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self._clock, self._is_locked = clock, False
        self._queue: deque[Waiter] = deque()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take it; False if it was not to be had."""
        if timeout != -1 and (timeout < 0 or not blocking):
            raise ValueError(
                "timeout value must be a non-negative number, and is for a blocking call only"
            )
        clock = self._clock
        with clock.mutex:
            if not self._is_locked:
                self._is_locked = True
                return True
        if not blocking or timeout == 0:
            return False
        waiter = Waiter(None if timeout == -1 else clock.elapsed + timeout)

        def take_or_queue() -> bool:
            if self._is_locked:
                self._queue.append(waiter)
                return False
            self._is_locked = True
            return True

        try:
            has_it = clock.wait(waiter, take_or_queue)
        except BaseException:
            with clock.mutex:
                if waiter not in self._queue and not waiter.is_due:
                    self.release()  # it had just been given
            raise
        finally:
            with clock.mutex:
                if waiter in self._queue:
                    self._queue.remove(waiter)
        return has_it

    def release(self) -> None:
        """Give it to whoever waits longest."""
        with self._clock.mutex:
            if not self._is_locked:
                raise RuntimeError("release unlocked lock")
            while self._queue:
                waiter = self._queue.popleft()
                if not waiter.is_due:
                    self._clock.wake(waiter)
                    return
            self._is_locked = False

    def locked(self) -> bool:
        """Somebody has it."""
        return self._is_locked

    def _at_fork_reinit(self) -> None:
        self._is_locked = False
        self._queue.clear()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_exc: object) -> None:
        self.release()


def take_threads(clock: VirtualClock) -> None:
    """From now on, let threads of this process wait in a clock's time. There is no way back."""
    module: Any = threading

    def new_lock() -> VirtualLock:
        return VirtualLock(clock)

    for place, name in STARTS:
        if hasattr(place, name):
            setattr(place, name, _counting(clock, getattr(place, name)))
    module.Thread.join = _join_of(module.Thread.join)
    py_rlock = module._PyRLock
    replace_everywhere(
        {threading.Lock: new_lock, threading.RLock: py_rlock, queue.SimpleQueue: _simple_queue()}
    )
    module._allocate_lock = module.Lock = new_lock
    module._CRLock = None


def _simple_queue() -> Any:
    module: Any = queue
    return module._PySimpleQueue


def _counting(clock: VirtualClock, start: Callable[..., Any]) -> Callable[..., Any]:
    def started(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        end = VirtualLock(clock)
        end.acquire()
        if isinstance(thread := getattr(function, "__self__", None), threading.Thread):
            vars(thread)["_virtual_end"] = end

        def counted(*given: Any, **named: Any) -> Any:
            with clock.in_thread(end.release):
                return function(*given, **named)

        with clock.begin_thread():
            return start(counted, *args, **kwargs)

    return started


def _join_of(real: Callable[..., None]) -> Callable[..., None]:
    def join(self: threading.Thread, timeout: float | None = None) -> None:
        end: VirtualLock | None = vars(self).get("_virtual_end")
        if end is not None and self is not threading.current_thread():
            if not end.acquire(timeout=-1 if timeout is None else max(timeout, 0)):
                return
            end.release()
        real(self)  # what is left of it takes no time

    return join


def end_threads() -> None:
    """Wait for all threads for which the interpreter waits at its end, in its order."""
    module: Any = threading
    while module._threading_atexits:
        module._threading_atexits.pop()()
    while others := [
        one
        for one in threading.enumerate()
        if not one.daemon and one is not threading.current_thread()
    ]:
        for one in others:
            one.join()
    module._shutdown()

"""Leader lock of a hub: its owner alone uses the sockets. It survives Ctrl-C, and knows no
socket."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar, TypeVarTuple, Unpack

__all__ = ["LeaderLock"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class LeaderLock:
    """The lock.

    Args:
        released: Called when it was released.

    Attributes:
        take: Take it without waiting; whether it was free, or this thread's own (whom a signal
            handler interrupts).
        release: Release it; RuntimeError: it is not this thread's.
        is_ours: Tell whether this thread has it.
    """

    def __init__(self, released: Callable[[], object]) -> None:
        lock = threading.RLock()  # the lock that knows its owner
        self.take: Callable[[], bool] = partial(lock.acquire, False)
        self.release: Callable[[], None] = lock.release
        self.is_ours: Callable[[], bool] = lock._is_owned  # type: ignore[attr-defined]  # what a Condition asks
        self._released = released

    def lead(
        self, take: Callable[[], bool], work: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> T | None:
        """Return what `work(*args)` returns, done with the lock; None: another thread has it.

        Args:
            take: `self.take`, or what calls it.
            work: What to do.
            *args: Its arguments.
        """
        is_within = self.is_ours()
        try:
            if take():
                try:
                    return work(*args)
                finally:
                    self.release()  # here, for Ctrl-C may end a function before its first line
                    self._released()
        except BaseException:
            if not is_within and self.is_ours():  # Ctrl-C, just behind `take`
                while self.is_ours():
                    self.release()
                self._released()
            raise
        return None

"""Handlers of signals that hold in this process only. Light to import.

A child made by `fork` (`multiprocessing`) would have them too, and be deaf to whoever ends it.
There, those of before come back.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, ClassVar
from weakref import WeakSet

__all__ = ["Handlers"]

Handler = Callable[[int, FrameType | None], Any]


class Handlers:
    """Some handlers, to be installed and removed together, in the main thread."""

    _all: ClassVar[WeakSet[Handlers]] = WeakSet()

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}

    def install(self, number: signal.Signals, handler: Handler) -> None:
        """Have a signal handled."""
        self._all.add(self)
        self._before[number] = signal.signal(number, handler)

    def remove(self) -> None:
        """Put the handlers of before in the place of ours."""
        while self._before:
            number, before = self._before.popitem()
            signal.signal(
                number, signal.SIG_DFL if before is None else before
            )  # None: not set by Python

    @classmethod
    def remove_all(cls) -> None:
        """Remove all, in a child."""
        for handlers in list(cls._all):
            handlers.remove()


_forking = threading.local()


def _hold_signals() -> None:
    """Keep signals from a child until it has no handlers of ours: Python forgets what comes before,
    and whoever ended it would wait for ever."""
    _forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())  # first: a handler may raise below
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def _let_signals_come() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _forking.mask)


def _begin_as_a_child() -> None:
    Handlers.remove_all()
    _let_signals_come()


os.register_at_fork(
    before=_hold_signals, after_in_parent=_let_signals_come, after_in_child=_begin_as_a_child
)

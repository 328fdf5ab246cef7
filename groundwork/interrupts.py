"""Signals that end a command as Ctrl-C does, so that it cleans up."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["ended_as_by_ctrl_c"]


@contextmanager
def ended_as_by_ctrl_c(*numbers: signal.Signals) -> Iterator[None]:
    """Have signals raise KeyboardInterrupt within, those that are not handled or ignored already.

    In another thread than the main one, which gets no signals, it has no effect.
    """
    is_main = threading.current_thread() is threading.main_thread()
    taken = [n for n in numbers if is_main and signal.getsignal(n) is signal.SIG_DFL]
    try:
        for number in taken:
            signal.signal(number, signal.default_int_handler)
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)

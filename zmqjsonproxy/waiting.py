"""Threads that must not wait, because everybody waits for them: those of sockets. Knows no socket.

A server marks the thread in which it serves. What a query has to wait for, a lock that somebody
else holds, it does not wait for there: it raises WouldWaitError, and the server carries the query
out once more in another thread.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["WouldWaitError", "may_wait", "not_waiting"]

_here = threading.local()


class WouldWaitError(Exception):
    """Not done yet: this thread must not wait. No caller ever sees it."""


def may_wait() -> bool:
    """Tell whether the calling thread may wait for others."""
    return not getattr(_here, "must_not_wait", False)


@contextmanager
def not_waiting() -> Iterator[None]:
    """Let `may_wait` be false in this thread."""
    before = getattr(_here, "must_not_wait", False)
    _here.must_not_wait = True
    try:
        yield
    finally:
        _here.must_not_wait = before

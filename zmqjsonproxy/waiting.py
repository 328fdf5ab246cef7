"""Threads that must not wait, because everybody waits for them: those of sockets. Knows no socket.

A server marks the thread in which it serves. What a query has to wait for, a lock that somebody
else holds, it does not wait for there: it raises WouldWaitError, and the server carries the query
out once more in another thread.
"""

from __future__ import annotations

import threading

__all__ = ["WouldWaitError", "beside", "may_wait", "not_waiting"]

_here = threading.local()


class WouldWaitError(Exception):
    """Not done yet: this thread must not wait. No caller ever sees it."""


def may_wait() -> bool:
    """Tell whether the calling thread may wait for others."""
    return not getattr(_here, "must_not_wait", False)


def beside() -> None:
    """Let what follows be carried out in a thread that may wait: WouldWaitError in one that must
    not."""
    if not may_wait():
        raise WouldWaitError


class not_waiting:  # noqa: N801 (to be read as what it does)
    """Let `may_wait` be false in this thread, in a `with` block."""

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        self._before = getattr(_here, "must_not_wait", False)
        _here.must_not_wait = True

    def __exit__(self, *_exc: object) -> None:
        _here.must_not_wait = self._before

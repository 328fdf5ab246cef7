"""Connections and the process they belong to: a ZeroMQ context of our own, the end of the process,
forks, pickling.

Connections cannot be shared with a child made by `fork`, for their threads are not in it, nor be
pickled. At the exit of the interpreter all are closed: ZeroMQ's own threads would go on to send
from memory that is not there any more.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NoReturn, Protocol
from weakref import WeakSet

import zmq
from zmq.utils.garbage import gc  # now, so that its own end at the exit comes after ours

from zmqjsonproxy.errors import PeerLostError

__all__ = ["LET_GO_WITHIN_S", "ForkSafeLock", "OfOneProcess", "own_context", "watch_process"]

log = logging.getLogger(__name__)

LET_GO_WITHIN_S = 1.0
"""At the exit ZeroMQ is waited for so long until it holds no memory of ours, s."""


class Watching(Protocol):
    """Whatever wants to hear of the end of the process, and of being in a child of it."""

    def end_with_process(self) -> bool:
        """Close what the interpreter must not end with; False if that is still in use."""

    def renew_after_fork(self) -> None:
        """Forget, in a child, what is the parent's."""


_watching: WeakSet[Watching] = WeakSet()
_locks: WeakSet[ForkSafeLock] = WeakSet()
_context: zmq.Context[Any] | None = None
_making = threading.Lock()
_parents: list[object] = []
"""Contexts that are not to be closed here."""


def watch_process(one: Watching) -> None:
    """Tell one of the end of the process, and of forks, for as long as it lives."""
    _watching.add(one)


def own_context() -> zmq.Context[Any]:
    """Return the context of all sockets of this package for which no other one is given.

    Not `zmq.Context.instance()`: a program that destroys that one must not take our connections
    along.
    """
    global _context
    with _making:
        if _context is None or _context.closed:
            _context = zmq.Context()
        return _context


class ForkSafeLock:
    """A lock, as a context manager, that is free in a child even if another thread had it when the
    child was made.

    Args:
        make: Makes the lock.

    Attributes:
        lock: The lock itself, for who takes it very often; to be asked for anew each time.
    """

    __slots__ = ("__weakref__", "_make", "lock")

    def __init__(self, make: Callable[[], AbstractContextManager[bool]] = threading.Lock) -> None:
        self._make = make
        self.renew()
        _locks.add(self)

    def renew(self) -> None:
        """Make it a free one."""
        self.lock = self._make()

    def __enter__(self) -> None:
        self.lock.__enter__()

    def __exit__(self, *_exc: object) -> None:
        self.lock.__exit__(None, None, None)


class OfOneProcess:
    """Base of what stays in its process. Pickling or copying it says how to make another one."""

    __slots__ = ()

    def _made_by(self) -> str:
        """Return the expression that makes another one, as a hint."""
        return f"{type(self).__name__}(...)"

    def __reduce_ex__(self, _protocol: Any) -> NoReturn:
        raise TypeError(
            f"{self!r} has connections, which belong to this process, and cannot be pickled or copied; "
            f"make another one where it is needed: {self._made_by()}"
        )


def _end() -> None:
    """Close everything, before the memory goes that ZeroMQ sends from."""
    _silence_daemons()
    all_closed = True
    for one in list(_watching):
        try:
            all_closed = one.end_with_process() and all_closed
        except Exception:  # the others have to be closed, too
            log.exception("%r could not be closed at the exit of the interpreter", one)
    if all_closed and _context is not None:
        _context.term()  # what was said last leaves
    end = time.monotonic() + LET_GO_WITHIN_S
    while _lent_memory() and time.monotonic() < end:
        time.sleep(0.001)


def _silence_daemons() -> None:
    """Have threads that the interpreter does not wait for end without a word if they waited for an
    answer."""
    show = threading.excepthook

    def shown(args: threading.ExceptHookArgs) -> None:
        if not isinstance(args.exc_value, PeerLostError):
            show(args)

    threading.excepthook = shown


def _lent_memory() -> bool:
    """Tell whether ZeroMQ still holds memory of Python's to send from; a closed socket lets it go
    in its own time."""
    return gc.pid == os.getpid() and bool(gc.refs)


def _renew() -> None:
    global _context, _making
    _parents.append(_context)
    _making, _context = threading.Lock(), None
    for lock in list(_locks):
        lock.renew()
    for one in list(_watching):
        one.renew_after_fork()


atexit.register(_end)
os.register_at_fork(after_in_child=_renew)

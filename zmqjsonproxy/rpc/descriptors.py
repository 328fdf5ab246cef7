"""Descriptors of a process that serves: so many connections that none is left for anything else are
not taken.

ZeroMQ accepts whatever comes, and spins where the process has no descriptors left. So some are
kept, and given back when the others are in use; at the same time the kernel is told, by a filter on
the listening sockets, to drop what would open a further connection. Who connects then tries again
by itself (TCP), and comes in when others have gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import resource
import secrets
import socket
import struct
import sys
import threading
from collections.abc import Callable
from typing import Any

import zmq

__all__ = ["MAX_DESCRIPTORS", "Listening", "capacity", "raise_limit"]

log = logging.getLogger(__name__)

MAX_DESCRIPTORS = 4096
"""Used at most, whatever the limit of the process is: a connection takes some kB of memory, too."""
BACKLOG = 64
"""Connections that wait to be accepted: when no more are wanted, these still come."""
_KEPT = 2 * BACKLOG
_LOOK_EVERY_S = 0.25
_ATTACH_FILTER, _DETACH_FILTER = 26, 27  # Linux's SO_ATTACH_FILTER, SO_DETACH_FILTER
_DROP_ALL = struct.pack("HBBI", 6, 0, 0, 0)  # BPF: return 0


def raise_limit() -> None:
    """Raise the soft limit of descriptors of this process to what we use at most, if its hard limit
    allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < _most(hard):
        with contextlib.suppress(OSError, ValueError):  # it stays as it is
            resource.setrlimit(resource.RLIMIT_NOFILE, (_most(hard), hard))


def capacity(soft_limit: int) -> int:
    """Return how many descriptors are used before no further connection is taken."""
    most = _most(soft_limit)
    return most - _to_keep(most)


def _most(limit: int) -> int:
    return MAX_DESCRIPTORS if limit == resource.RLIM_INFINITY else min(limit, MAX_DESCRIPTORS)


def _to_keep(most: int) -> int:
    return min(_KEPT, most // 4)


def _soft_limit() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _in_use() -> int:
    try:
        return os.stat("/proc/self/fd").st_size or len(os.listdir("/proc/self/fd"))
    except OSError:  # none is left to look
        return sys.maxsize


def _set_filter(listener: int, *, drops: bool) -> None:
    sock = socket.socket(fileno=listener)
    try:
        if drops:
            code = ctypes.create_string_buffer(_DROP_ALL)
            sock.setsockopt(
                socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(code))
            )
        else:
            sock.setsockopt(socket.SOL_SOCKET, _DETACH_FILTER, 0)
    finally:
        sock.detach()


_MAX_NAMES = 3
"""Servers of one process that are named in a line of the log; a test may have a thousand."""


class _Guard:
    """Looks after the listening sockets of this process, in a thread, as long as there are any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[int, str] = {}
        self._kept: list[int] = []
        self._is_shut = False
        self._changed = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, listener: int, name: str) -> None:
        with self._lock:
            self._listeners[listener] = name
            if self._is_shut:
                _set_filter(listener, drops=True)
            if self._thread is None:
                self._changed.clear()
                self._keep_some()
                self._thread = threading.Thread(target=self._look, name="descriptors", daemon=True)
                self._thread.start()

    def remove(self, listener: int) -> None:
        with self._lock:
            self._listeners.pop(listener, None)
            if not self._listeners:
                self._changed.set()
                self._thread, self._is_shut = None, False
                self._give_back()

    def _keep_some(self) -> None:
        most = _to_keep(_most(_soft_limit()))
        with contextlib.suppress(OSError):
            while len(self._kept) < most:
                self._kept.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))

    def _give_back(self) -> None:
        while self._kept:
            os.close(self._kept.pop())

    def _look(self) -> None:
        this = threading.current_thread()
        while not self._changed.wait(_LOOK_EVERY_S):
            with self._lock:
                if self._thread is not this:
                    return
                self._decide()

    def _decide(self) -> None:
        used, most = _in_use() - len(self._kept), capacity(_soft_limit())
        if not self._is_shut and used >= most:
            self._shut(drops=True)
            self._give_back()
            log.warning(
                "%s: %d descriptors are in use: no further connection is taken until less than %d are",
                self._names(),
                most,
                most * 9 // 10,
            )
        elif self._is_shut and used < most * 9 // 10:
            self._keep_some()
            self._shut(drops=False)
            log.warning("%s: connections are taken again", self._names())

    def _names(self) -> str:
        """Return the names of the servers, of many the first."""
        names = list(self._listeners.values())
        more = len(names) - _MAX_NAMES
        return ", ".join(names[:_MAX_NAMES]) + (f" and {more} more" if more > 0 else "")

    def _shut(self, *, drops: bool) -> None:
        self._is_shut = drops
        for listener in self._listeners:
            with contextlib.suppress(OSError):  # elsewhere than on Linux there is no such filter
                _set_filter(listener, drops=drops)


_guard = _Guard()


def _renew_after_fork() -> None:
    """Begin anew in a child: its parent goes on to look after the listeners."""
    global _guard
    parents, _guard = _guard, _Guard()
    parents._give_back()


os.register_at_fork(after_in_child=_renew_after_fork)


class Listening:
    """The listening sockets of one ZeroMQ socket; to be used in its thread.

    Args:
        socket: What binds.
    """

    def __init__(self, socket: zmq.Socket[Any]) -> None:
        self._socket, self._listeners = socket, list[int]()
        socket.set(zmq.BACKLOG, BACKLOG)

    def bind(self, bind: Callable[[], object], name: str) -> None:
        """Bind, and have an eye on the descriptors from then on; raises as `bind`."""
        monitor = self._socket.get_monitor_socket(
            zmq.Event.LISTENING, f"inproc://listening-{secrets.token_hex(8)}"
        )
        try:
            bind()
            while int(monitor.get(zmq.EVENTS)) & zmq.POLLIN:
                told: bytes = monitor.recv_multipart(zmq.NOBLOCK)[0]
                event, listener = struct.unpack("=Hi", told)
                if event == zmq.Event.LISTENING:
                    self._listeners.append(listener)
                    _guard.add(listener, name)
        finally:
            self._socket.disable_monitor()
            monitor.close(linger=0)

    def close(self) -> None:
        """Forget them, before they are closed."""
        while self._listeners:
            _guard.remove(self._listeners.pop())

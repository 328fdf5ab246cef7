"""The blocking client: lends ports from a port manager and finds services, over one socket that it
keeps."""

from __future__ import annotations

import contextlib
import functools
import select
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from groundwork.closing import Closing
from portmanager.conversation import Conversation, PortManagerVerbs
from portmanager.protocol.dialogue import Dialogue, Reply
from portmanager.sockets import acknowledge_at_once, check, looking_up

__all__ = ["PortManager"]

P = ParamSpec("P")
T = TypeVar("T")


def blocking(
    verb: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[PortManager, P], T]:
    """Return a verb as a method that blocks: here all that is waited for does."""

    @functools.wraps(verb)
    def run(self: PortManager, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._run(verb(self, *args, **kwargs))

    return run


class PortManager(Conversation, Closing):
    """A connection to a port manager. Ports that it got are its own until it is closed or lost.

    Connects at once. May be used by several threads. Children of the process do not inherit the
    connection; a child that is forked without exec does, and keeps the ports alive as long as it
    lives.

    Args:
        host: Name or address. Ports are lent to programs of the same computer only: "localhost".
        port: Where the port manager listens.
        user: Whose services these are; None: who runs this program.
        timeout: s; for connecting and for each answer.
        on_lost: Called in a thread with the ports that were lost as soon as the connection is;
            None: the next call says so, or `check`. Call `reacquire` from there, or from anywhere
            else.

    Raises:
        OSError: The name is unknown, or nobody listens there.
    """

    _link: _Socket | None = None

    getPort = blocking(PortManagerVerbs.getPort)  # noqa: N815 - the name is NSCLDAQ's
    listPorts = blocking(PortManagerVerbs.listPorts)  # noqa: N815 - the name is NSCLDAQ's
    find = blocking(PortManagerVerbs.find)
    get_port = blocking(PortManagerVerbs.get_port)
    list_ports = blocking(PortManagerVerbs.list_ports)
    search = blocking(PortManagerVerbs.search)
    locate = blocking(PortManagerVerbs.locate)
    reacquire = blocking(PortManagerVerbs.reacquire)

    def status(self) -> str:
        """Return what the server knows of itself, as JSON; asked on a connection of its own.

        Raises:
            RefusedError: It is none of this project's: original servers do not know the request.
        """
        with PortManager(self.host, self.port, user=self.user, timeout=self.timeout) as other:
            return other._run(other._state())

    def check(self) -> None:
        """Look whether the connection still stands, without asking the server.

        Raises:
            ConnectionLostError: It does not.
        """
        with self._lock:
            if reason := "it was closed" if self._link is None else self._link.ended():
                self._lose("looking at it", reason)

    def wait_until_lost(self, timeout: float | None = None) -> bool:
        """Wait until the connection is gone; returns whether it is.

        Args:
            timeout: s; None: for ever.
        """
        with self._lock:
            link = self._link
        return link is None or link.hung_up(timeout)

    def fileno(self) -> int:
        """Return the number of the socket, for `select`: it becomes readable when the connection is
        lost."""
        with self._lock:
            return -1 if self._link is None else self._link.socket.fileno()

    def close(self) -> None:
        """End the connection; its ports are free again. May be called twice."""
        with self._lock:
            self._close()

    def __del__(self) -> None:
        """NSCLDAQ's manual has users drop the object, and its connection with it."""
        if self._link is not None:
            self.close()

    # --- the socket

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._turn = contextlib.nullcontext()  # `_run` holds the lock
        self._run(self._usable("connecting"))

    def _run(self, asked: Coroutine[Any, Any, T]) -> T:
        """Carry out what never suspends."""
        with self._lock:
            try:
                asked.send(None)
            except StopIteration as done:
                answer: T = done.value
                return answer
        raise AssertionError("a blocking call was suspended")

    async def _open(self) -> _Socket:
        with looking_up(self.host):
            link = _Socket(self.host, self.port, self.timeout, self._dialogue)
        if self._on_lost is not None:
            threading.Thread(
                target=self._watch, args=(link,), name="portmanager watch", daemon=True
            ).start()
        return link

    async def _sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def _watch(self, link: _Socket) -> None:
        """Say at once when the connection is lost, though nobody calls."""
        link.hung_up(None)
        with self._lock:
            if self._link is not link:
                return  # somebody was told already, or has closed it
            lost = self._forget()
        assert self._on_lost is not None
        self._on_lost(lost)


class _Socket:
    """A connection whose methods block."""

    def __init__(self, host: str, port: int, timeout: float, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self.socket = socket.create_connection((host, port), timeout)
        try:
            check(self.socket, host, port)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            self.socket.close()
            raise

    async def exchange(self, request: bytes, timeout: float) -> Reply:
        deadline = time.monotonic() + timeout
        self.socket.settimeout(timeout)
        self.socket.sendall(request)
        while True:
            acknowledge_at_once(self.socket)
            self.socket.settimeout(max(0.001, deadline - time.monotonic()))
            if not (data := self.socket.recv(65536)):
                raise ConnectionResetError("closed by the server")
            if (reply := self._dialogue.receive(data)) is not None:
                return reply

    def ended(self) -> str:
        if not _polled(self.socket, select.POLLIN, 0.0):
            return ""
        try:
            data = self.socket.recv(4096)
        except OSError as error:
            return str(error)
        return f"it said {data[:80]!r} without being asked" if data else "closed by the server"

    def hung_up(self, timeout: float | None) -> bool:
        """Wait for the other end to close; whatever it says meanwhile is not looked at."""
        try:
            return _polled(self.socket, select.POLLRDHUP, timeout)
        except ValueError:  # closed on this side meanwhile
            return True

    def close(self) -> None:
        with contextlib.suppress(OSError):  # the other end was faster
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes who waits for it in another thread
        self.socket.close()


def _polled(sock: socket.socket, events: int, timeout: float | None) -> bool:
    poll = select.poll()
    poll.register(sock, events)
    return bool(poll.poll(None if timeout is None else timeout * 1000))

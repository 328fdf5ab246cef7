"""The blocking client: lends ports from a port manager and finds services, over one socket that it
keeps.

The methods with names in mixed case are those of NSCLDAQ's class of the same name; the others are
this project's.
"""

from __future__ import annotations

import contextlib
import errno
import getpass
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn, Self, TypeVar

from portmanager.allocation import Allocation
from portmanager.errors import (
    ConnectionLostError,
    NoAnswerError,
    PortManagerError,
    RefusedError,
    ReplyError,
)
from portmanager.protocol.dialogue import DUPLICATE, Dialogue, Question, Reply, only_one, selected
from portmanager.protocol.lines import DEFAULT_PORT

__all__ = [
    "DUPLICATE_FOR_S",
    "TIMEOUT",
    "PortManager",
    "acknowledge_at_once",
    "met_itself",
    "no_name",
    "nobody_listens",
    "own_user",
]

TIMEOUT = 10.0
DUPLICATE_FOR_S = 1.0
"""How long the Rust server may take to notice that the old instance of a service has gone."""
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # of Linux
T = TypeVar("T")


class PortManager:
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

    def __init__(
        self,
        host: str = "localhost",
        port: int = DEFAULT_PORT,
        *,
        user: str | None = None,
        timeout: float = TIMEOUT,
        on_lost: Callable[[tuple[Allocation, ...]], None] | None = None,
    ) -> None:
        self.host, self.port, self.timeout = host, int(port), timeout
        self.user = own_user() if user is None else user
        self._on_lost = on_lost
        self._lock = threading.RLock()
        self._dialogue = Dialogue(f"{host} port {port}")
        self._lost: list[Allocation] = []
        self._socket: socket.socket | None = None
        self._closed = False
        self._connect()

    # --- NSCLDAQ's names

    def getPort(self, servicename: str) -> int:  # noqa: N802 - the name is NSCLDAQ's
        """Lend a port for a service of this program's user; returns its number.

        Raises:
            RefusedError: A RuntimeError with the server's words.
            BadNameError: A ValueError; the text is no name.
            ConnectionLostError: The connection is gone, and with it the ports that it had brought
                before.
            NoAnswerError: The server is silent.
        """
        return self.get_port(servicename)

    def listPorts(self) -> list[dict[str, Any]]:  # noqa: N802 - the name is NSCLDAQ's
        """Return all allocations as dictionaries with `port`, `service` and `user`, in the server's
        order."""
        return [one.as_dict() for one in self.list_ports()]

    def find(self, **criteria: Any) -> list[dict[str, Any]]:
        """Return the allocations that meet all criteria, as `listPorts` does.

        Args:
            criteria: `service` (equal), `beginswith` (prefix of the service), `user` (equal).

        Raises:
            SearchKeyError: A RuntimeError; there is another criterion. Nothing was sent.
        """
        return [one.as_dict() for one in self.search(**criteria)]

    # --- this project's

    def get_port(self, service: str, *, user: str | None = None) -> int:
        """Lend a port for a service; as `getPort`, for another user if it is said."""
        with self._lock:
            got = self._get(service, self.user if user is None else user, None)
            again = next(
                (old for old in self._lost if (old.service, old.user) == (got.service, got.user)),
                None,
            )
            if again is not None:
                self._lost.remove(again)
        return got.port

    def list_ports(self) -> list[Allocation]:
        """Return all allocations, in the server's order."""
        return self._ask("listing services", self._dialogue.listing)

    def search(self, **criteria: Any) -> list[Allocation]:
        """Return the allocations that meet all criteria; see `find`."""
        selected((), criteria)  # says what is wrong with them before anything is sent
        return selected(self.list_ports(), criteria)

    def locate(self, service: str, user: str | None = None) -> Allocation:
        """Return the one allocation of a service.

        Raises:
            NotOneServiceError: There is none, or there are several.
        """
        return only_one(self.list_ports(), service, user, self._dialogue.server)

    def status(self) -> str:
        """Return what the server knows of itself, as JSON; asked on a connection of its own.

        Raises:
            RefusedError: It is none of this project's: original servers do not know the request.
        """
        with PortManager(self.host, self.port, user=self.user, timeout=self.timeout) as other:
            return other._ask("asking for its state", other._dialogue.status)

    @property
    def lent(self) -> tuple[Allocation, ...]:
        """The ports that this object holds."""
        with self._lock:
            return tuple(self._dialogue.lent)

    @property
    def lost(self) -> tuple[Allocation, ...]:
        """The ports that it held and has lost with a connection, and has not asked for again."""
        with self._lock:
            return tuple(self._lost)

    @property
    def speaks_words(self) -> bool:
        """Whether the server is of the Rust kind, which knows no names with white space; False
        before it has spoken."""
        return self._dialogue.quoted is False

    def check(self) -> None:
        """Look whether the connection still stands, without asking the server.

        Raises:
            ConnectionLostError: It does not.
        """
        with self._lock:
            if self._socket is None:
                self._lose("looking at it", "it was closed")
            elif _readable(self._socket, 0.0):
                self._see("looking at it")

    def wait_until_lost(self, timeout: float | None = None) -> bool:
        """Wait until the connection is gone; returns whether it is.

        Args:
            timeout: s; None: for ever.
        """
        with self._lock:
            watched = self._socket
        if watched is None:
            return True
        return _hung_up(watched, timeout)

    def fileno(self) -> int:
        """Return the number of the socket, for `select`: it becomes readable when the connection is
        lost."""
        with self._lock:
            return -1 if self._socket is None else self._socket.fileno()

    def reacquire(self) -> dict[Allocation, Allocation]:
        """Connect again if need be, and ask for every port that was lost: for the same number where
        the server can.

        Returns:
            What each lost allocation has become; compare the ports.

        Raises:
            OSError: The server is not back yet; try again later.
            RefusedError: The server's words; what it did not give stays in `lost`.
        """
        became: dict[Allocation, Allocation] = {}
        with self._lock:
            if self._closed:
                self._lose("asking for lost ports again", "this object was closed")
            if self._socket is not None and _readable(self._socket, 0.0):
                self._forget()
            if self._socket is None:
                self._connect()
            for old in tuple(self._lost):
                became[old] = self._get(old.service, old.user, old.port)
                self._lost.remove(old)
        return became

    def close(self) -> None:
        """End the connection; its ports are free again. May be called twice."""
        with self._lock:
            self._closed = True
            self._lost.clear()
            if self._socket is not None:
                _shut(self._socket)
            self._socket = None
            self._dialogue.disconnected()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __del__(self) -> None:
        """NSCLDAQ's manual has users drop the object, and its connection with it."""
        if getattr(self, "_socket", None) is not None:
            self.close()

    def __repr__(self) -> str:
        held = ", ".join(f"{one.service}: {one.port}" for one in self.lent)
        return f"<PortManager at {self._dialogue.server} for {self.user}: {held or 'no ports'}>"

    # --- the socket

    def _connect(self) -> None:
        try:
            sock = socket.create_connection((self.host, self.port), self.timeout)
        except UnicodeError as error:
            raise no_name(self.host, error) from error
        if met_itself(sock):
            sock.close()
            raise nobody_listens(self.host, self.port)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._socket = sock
        self._dialogue.connected()
        if self._on_lost is not None:
            threading.Thread(
                target=self._watch, args=(sock,), name="portmanager watch", daemon=True
            ).start()

    def _watch(self, sock: socket.socket) -> None:
        """Say at once when the connection is lost, though nobody calls."""
        if not _hung_up(sock, None):
            return
        with self._lock:
            if self._socket is not sock:
                return  # somebody was told already, or has closed it
            lost = self._forget()
        assert self._on_lost is not None
        self._on_lost(lost)

    def _forget(self) -> tuple[Allocation, ...]:
        if self._socket is not None:
            _shut(self._socket)
        self._socket = None
        lost = self._dialogue.disconnected()
        self._lost += lost
        return lost

    def _lose(self, doing: str, reason: str) -> NoReturn:
        lost = self._forget()
        raise ConnectionLostError(self._dialogue.server, doing, lost or self._lost, reason)

    def _see(self, doing: str) -> None:
        """Judge what has arrived though nothing was asked."""
        assert self._socket is not None
        try:
            data = self._socket.recv(4096)
        except OSError as error:
            self._lose(doing, str(error))
        self._lose(
            doing,
            "closed by the server" if not data else f"it said {data[:80]!r} without being asked",
        )

    def _get(self, service: str, user: str, wish: int | None) -> Allocation:
        give_up = time.monotonic() + DUPLICATE_FOR_S
        while True:
            held = bool(self.lent)
            try:
                return self._ask(
                    f"asking for a port for {service}",
                    lambda: self._dialogue.get_port(service, user, wish),
                )
            except RefusedError as error:
                if str(error) != DUPLICATE or held or time.monotonic() > give_up:
                    raise
            time.sleep(0.02)

    def _ask(self, doing: str, begin: Callable[[], Question[T]]) -> T:
        with self._lock:
            if self._closed:
                raise ConnectionLostError(
                    self._dialogue.server, doing, (), "this object was closed"
                )
            if self._socket is not None and _readable(self._socket, 0.0):
                if self._dialogue.lent:
                    self._see(doing)
                self._forget()  # nothing was lost with it
            if self._socket is None:
                self._connect()
            question = begin()
            try:
                request = next(question)
                while True:
                    request = question.send(self._exchange(request, doing))
            except StopIteration as done:
                answer: T = done.value
                return answer
            except PortManagerError as error:
                if self._dialogue.must_close or isinstance(error, ReplyError):
                    error.with_lost(self._forget())
                raise

    def _exchange(self, request: bytes, doing: str) -> Reply:
        assert self._socket is not None
        self._dialogue.asks(request)
        deadline = time.monotonic() + self.timeout
        try:
            self._socket.settimeout(self.timeout)
            self._socket.sendall(request)
            while True:
                acknowledge_at_once(self._socket)
                self._socket.settimeout(max(0.001, deadline - time.monotonic()))
                data = self._socket.recv(65536)
                if not data:
                    self._lose(doing, "closed by the server")
                if (reply := self._dialogue.receive(data)) is not None:
                    return reply
        except TimeoutError:
            raise NoAnswerError(
                self._dialogue.server, doing, self.timeout, self._forget()
            ) from None
        except PortManagerError:
            raise
        except OSError as error:
            self._lose(doing, error.strerror or str(error))
        except (
            BaseException
        ):  # an interrupt: the answer that is still to come must not be taken for another one's
            self._forget()
            raise


def no_name(host: str, error: UnicodeError) -> socket.gaierror:
    """Return the error of a text that nobody could look up, as of names that are not found."""
    return socket.gaierror(socket.EAI_NONAME, f"{host!r} is no name of a computer: {error}")


def acknowledge_at_once(sock: socket.socket) -> None:
    """Have what arrives next acknowledged without delay; for each reply anew.

    The original servers write a reply in two pieces, and the second one waits for the
    acknowledgement of the first: 40 ms, on a connection that is kept.
    """
    if _QUICKACK is not None:
        with contextlib.suppress(OSError):  # it is gone, as the next step will say
            sock.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)


def own_user() -> str:
    """Return the name of whoever runs this program, as NSCLDAQ's class does; the number, if the
    account has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def met_itself(sock: Any) -> bool:
    """Whether both ends of a connection are one: nobody listens, and the system gave it that very
    port.

    This happens where the port is one of those that the system gives to clients
    (`ip_local_port_range`).
    """
    try:
        return bool(sock.getsockname() == sock.getpeername())
    except OSError:  # gone already, which the first request will tell
        return False


def nobody_listens(host: str, port: int) -> ConnectionRefusedError:
    """Return the error of a connection that met itself."""
    return ConnectionRefusedError(errno.ECONNREFUSED, f"nobody listens at {host} port {port}")


def _readable(sock: socket.socket, timeout: float) -> bool:
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(timeout * 1000))


def _hung_up(sock: socket.socket, timeout: float | None) -> bool:
    """Wait for the other end to close; whatever it says meanwhile is not looked at."""
    poll = select.poll()
    try:
        poll.register(sock, select.POLLRDHUP)
    except ValueError:  # closed on this side meanwhile
        return True
    return bool(poll.poll(None if timeout is None else timeout * 1000))


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)  # wakes who waits for it in another thread
    except OSError:
        pass  # the other end was faster
    sock.close()

"""The port manager's server: its sockets, its files, its beginning and end.

One event loop, no threads but those that write files and look up the names of users; no blocking
call in the path of a request. What a line means is in `protocol/`, a connection in `peer.py`, what
connections share in `portallocations.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import resource
import socket
from collections.abc import Callable
from dataclasses import dataclass

from groundwork.addresses import is_loopback_host
from groundwork.peers import Peers
from groundwork.wholefiles import replace_file
from portmanager.connection import ClientConnection
from portmanager.files import Files, usage_text
from portmanager.portallocations import PortAllocations, Quota
from portmanager.protocol.lines import DEFAULT_PORT
from portmanager.protocol.pool import DEFAULT_RANGE, Pool

__all__ = ["PortManagerSettings", "Server"]

log = logging.getLogger(__name__)

SPARE_FILES = 64
"""File descriptors beside those of clients: log, usage file, listeners, tests of ports."""
BACKLOG = 4096
ACCEPTED_AT_A_TIME = 8
"""Of each listener; so many sockets are open beyond the limit until the loop comes to refuse them,
and SPARE_FILES has room for three turns of it with two listeners."""
INHERITED = (
    (
        socket.SOL_SOCKET,
        socket.SO_KEEPALIVE,
        1,
    ),  # a computer that was switched off is noticed, within 2 min
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4),
)
"""Options of the listening sockets, which the connections get from them; TCP_NODELAY asyncio sets
by itself."""


_ALL, _LOOPBACK = ("0.0.0.0", "::"), ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class PortManagerSettings:
    """Settings of a port manager.

    Attributes:
        listen: Its port; 0: one of the system.
        bind: Addresses that it listens on; none: those of loopback, or with peers of other computers
            all, IPv4 and IPv6, as the original.
        ports: Lowest and highest port of the pool. Default: the original's.
        peers: Networks whose computers may ask for the list, besides this one, as "10.1.0.0/16", or
            with any role, "10.1.0.0/16=observe". Ports are lent to programs of this computer only.
        per_connection: Most ports that one connection has at a time.
        per_user: Most ports that one user has at a time: the one whom the system names, else the
            one who is named.
        any_user: Whoever asks may do it in any user's name, as with the original; otherwise, where
            the system tells who it is, only root and the user of the port manager.
        max_connections: New connections beyond are refused; those of other computers beyond half of
            it.
        files: Tells, for the port that it got, where its files are; None: it has none.
        usage_every: s; the usage file is written at most this often.
    """

    listen: int = DEFAULT_PORT
    bind: tuple[str, ...] = ()
    ports: tuple[int, int] = DEFAULT_RANGE
    peers: tuple[str, ...] = ()
    per_connection: int = 100
    per_user: int = 500
    any_user: bool = False
    max_connections: int = 10_000
    files: Callable[[int], Files] | None = None
    usage_every: float = 0.2


class Server:
    """A port manager; `start`, then `stop`, in one event loop.

    Args:
        settings: How it serves.

    Raises:
        ValueError: The settings contradict themselves; all faults, one per line.
    """

    def __init__(self, settings: PortManagerSettings) -> None:
        faults = []
        if not 0 <= settings.listen <= 65535:
            faults.append(f"listen port {settings.listen}: a port is a number from 0 to 65535")
        pool = Pool(*DEFAULT_RANGE)  # until the other faults are found, too
        try:
            pool = Pool(*settings.ports, without=(settings.listen,))
        except ValueError as error:
            faults.append(str(error))
        try:
            self.allocations = PortAllocations(pool, settings.peers, self._usage_changed)
        except ValueError as error:
            faults.append(str(error))
        if faults:
            raise ValueError("\n".join(faults))
        self.settings = settings
        self.port = settings.listen
        self._listeners: list[asyncio.Server] = []
        self._usage_timer: asyncio.TimerHandle | None = None
        self._usage_task: asyncio.Task[None] | None = None
        self._stopping = False
        self._files: Files | None = None

    # --- life

    async def start(self) -> None:
        """Listen, and only then write the files: a second server by mistake must not spoil those of
        the first.

        Raises:
            OSError: The port is in use, an address is not ours, or a file cannot be written.
        """
        self.allocations.quota = Quota(self.settings.per_connection, self.settings.per_user)
        self.allocations.any_user = self.settings.any_user
        allocations, loop = self.allocations, asyncio.get_running_loop()
        allocations.most = _raise_file_limit(self.settings.max_connections)
        sockets = self._sockets()
        for sock in sockets:
            self._listeners.append(
                await loop.create_server(
                    lambda: ClientConnection(allocations),
                    sock=sock,
                    backlog=ACCEPTED_AT_A_TIME,
                    start_serving=False,
                )
            )
        allocations.port = self.port
        allocations.pool.withdraw(self.port)
        try:
            if self.settings.files is not None:
                self._files = self.settings.files(self.port)
                allocations.earlier = await asyncio.to_thread(self._files.begin, self.port)
        except OSError:
            await self.stop()
            raise
        for listener in self._listeners:
            await listener.start_serving()
        for sock in (
            sockets
        ):  # asyncio has one number for how many may wait and how many are taken at a time
            sock.listen(BACKLOG)
        log.info(
            "listening on port %d of %s; lends ports %d-%d, at most %d connections",
            self.port,
            ", ".join(self._addresses),
            allocations.pool.low,
            allocations.pool.high,
            allocations.most,
        )
        others = Peers(self.settings.peers).has_others
        if not others and not all(map(is_loopback_host, self._addresses)):
            log.warning(
                "other computers reach it, and none may list what runs here: name them, --peers"
            )

    @property
    def _addresses(self) -> tuple[str, ...]:
        """Addresses that it listens on."""
        if self.settings.bind:
            return self.settings.bind
        return _ALL if Peers(self.settings.peers).has_others else _LOOPBACK

    def _sockets(self) -> list[socket.socket]:
        made: list[socket.socket] = []
        try:
            for address in self._addresses:
                try:
                    made.append(self._socket(address))
                except OSError as error:
                    no_ipv6 = error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)
                    if address in ("::", "::1") and len(self._addresses) > 1 and no_ipv6:
                        continue
                    text = f"cannot listen on {address} port {self.port}: {error.strerror}"
                    raise OSError(error.errno, text) from None
        except OSError:
            for sock in made:
                sock.close()
            raise
        return made

    def _socket(self, address: str) -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            for level, option, value in INHERITED:
                sock.setsockopt(level, option, value)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((address, self.port))
            sock.listen(BACKLOG)
        except OSError:
            sock.close()
            raise
        self.port = sock.getsockname()[
            1
        ]  # the further addresses get the port that the system has chosen for the first
        return sock

    async def stop(self) -> None:
        """End all connections and remove the files."""
        for listener in self._listeners:
            listener.close()
        self._stopping = True
        if self._usage_timer is not None:
            self._usage_timer.cancel()
        if self._usage_task is not None:
            await self._usage_task
        if self._files is not None:
            await self._write_usage()  # what is lent now is what the next server tries to give back
            self._files.remove()
        for connection in list(self.allocations.connections):
            connection.abort()
        while self.allocations.connections:
            await asyncio.sleep(0)
        self.allocations.write_notes()

    # --- usage file

    def _usage_changed(self) -> None:
        if self._files is not None and self._usage_timer is None and not self._stopping:
            self._usage_timer = asyncio.get_running_loop().call_later(
                self.settings.usage_every, self._usage_due
            )

    def _usage_due(self) -> None:
        self._usage_timer = None
        if (
            self._usage_task is not None and not self._usage_task.done()
        ):  # a slow disk: once more when it is through
            self._usage_changed()
            return
        self._usage_task = asyncio.get_running_loop().create_task(self._write_usage())

    async def _write_usage(self) -> None:
        assert self._files is not None
        text = usage_text(
            (lent.port, lent.service, lent.user) for lent in self.allocations.ledger.by_port()
        )
        try:
            await asyncio.to_thread(replace_file, self._files.usage, text)
        except OSError as error:
            self.allocations.note(
                logging.WARNING, "the usage file %s cannot be written: %s", self._files.usage, error
            )


def _raise_file_limit(connections: int) -> int:
    """Allow as many files as the connections need; returns how many connections there may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return (
        connections
        if soft == resource.RLIM_INFINITY
        else max(1, min(connections, soft - SPARE_FILES))
    )

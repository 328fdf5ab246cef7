"""The port manager's server: lends ports to programs of its computer for as long as they stay connected.

One event loop, no threads but the one that writes the usage file; no look-up of names, no blocking call in the path
of a request. What a line means is in `protocol/`, a connection in `peer.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import json
import logging
import resource
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from portmanager.binding import PortTests, is_own_address, port_is_free
from portmanager.files import Files, replace_file, usage_text
from portmanager.owners import owner_of_listener
from portmanager.peer import Peer
from portmanager.protocol.ledger import Ledger, Lent
from portmanager.protocol.lines import DEFAULT_PORT, Gimme
from portmanager.protocol.pool import DEFAULT_RANGE, Pool

__all__ = ["Grant", "Server", "ServerSettings"]

log = logging.getLogger(__name__)

SPARE_FILES = 64
"""File descriptors beside those of clients: log, usage file, listeners, tests of ports."""
BACKLOG = 4096
ACCEPTED_AT_A_TIME = 8
"""Of each listener; so many sockets are open beyond the limit until the loop comes to refuse them, and SPARE_FILES has
room for three turns of it with two listeners."""
INHERITED = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),  # a computer that was switched off is noticed, within 2 min
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4),
)
"""Options of the listening sockets, which the connections get from them; TCP_NODELAY asyncio sets by itself."""
NEARLY_FULL = 0.9
LOG_WITHIN_S = 0.02
"""Then what was noted is in the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """How a port manager serves.

    Attributes:
        listen: Its port; 0: one of the system.
        bind: Addresses that it listens on. Default: all, IPv4 and IPv6, as the original.
        ports: Lowest and highest port of the pool. Default: the original's.
        list_from: Who may ask for the list: "all" (the original), "local", or networks such as "10.1.0.0/16", which
            the computer itself is always part of.
        max_connections: New connections beyond are refused; those of other computers beyond half of it.
        files: Tells, for the port that it got, where its files are; None: it has none.
        usage_every: s; the usage file is written at most this often.
    """

    listen: int = DEFAULT_PORT
    bind: tuple[str, ...] = ("0.0.0.0", "::")
    ports: tuple[int, int] = DEFAULT_RANGE
    list_from: tuple[str, ...] = ("all",)
    max_connections: int = 10_000
    files: Callable[[int], Files] | None = None
    usage_every: float = 0.2


@dataclass(slots=True, eq=False)
class Grant:
    """A port that is lent, to whom and since when.

    Attributes:
        lent: Its entry in the ledger.
        peer: The connection whose life it shares.
        since: Unix time, s.
    """

    lent: Lent
    peer: Peer
    since: float

    def __str__(self) -> str:
        """How the log marks who it truly is."""
        uid = self.peer.uid
        return "" if uid is None else f" (uid {uid})"


@dataclass(slots=True)
class _Counts:
    allocations: int = 0
    refusals: int = 0
    last_error: str = ""


class Server:
    """A port manager; `start`, then `stop`, in one event loop.

    Args:
        settings: How it serves.

    Raises:
        ValueError: The settings contradict themselves; all faults, one per line.
    """

    def __init__(self, settings: ServerSettings) -> None:
        faults = []
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for network in settings.list_from:
            try:
                if network not in ("all", "local"):
                    self._networks.append(ipaddress.ip_network(network))
            except ValueError as error:
                faults.append(f"who may list: {error}; write all, local, or a network such as 10.1.0.0/16")
        if not 0 <= settings.listen <= 65535:
            faults.append(f"listen port {settings.listen}: a port is a number from 0 to 65535")
        try:
            Pool(*settings.ports, without=(settings.listen,))
        except ValueError as error:
            faults.append(str(error))
        if faults:
            raise ValueError("\n".join(faults))
        self.settings = settings
        self.port = settings.listen
        self.ledger = Ledger()
        self.peers: set[Peer] = set()
        self.remote_peers = 0
        self.grants: dict[int, Grant] = {}
        self._counts = _Counts()
        self._notes: list[tuple[float, int, str, tuple[object, ...]]] = []
        self._listeners: list[asyncio.Server] = []
        self._usage_timer: asyncio.TimerHandle | None = None
        self._usage_task: asyncio.Task[None] | None = None
        self._is_local: dict[str, bool] = {}
        self._pool: Pool
        self._tests = PortTests(self._try)
        self._earlier: dict[tuple[str, str], list[int]] = {}
        self._started = 0.0
        self._stopping = False
        self._files: Files | None = None

    # --- life

    async def start(self) -> None:
        """Listen, and only then write the files: a second server by mistake must not spoil those of the first.

        Raises:
            OSError: The port is in use, an address is not ours, or a file cannot be written.
        """
        self.max_connections = _raise_file_limit(self.settings.max_connections)
        loop = asyncio.get_running_loop()
        sockets = self._sockets()
        for sock in sockets:
            self._listeners.append(
                await loop.create_server(lambda: Peer(self), sock=sock, backlog=ACCEPTED_AT_A_TIME, start_serving=False)
            )
        self._pool = Pool(*self.settings.ports, without=(self.port,))
        self._started = time.time()
        try:
            if self.settings.files is not None:
                files = self.settings.files(self.port)
                self._earlier = await asyncio.to_thread(files.earlier_ports)
                await asyncio.to_thread(files.write, self.port)
                self._files = files
                await asyncio.to_thread(replace_file, files.usage, "")
        except OSError:
            await self.stop()
            raise
        for listener in self._listeners:
            await listener.start_serving()
        for sock in sockets:  # asyncio has one number for how many may wait and how many are taken at a time
            sock.listen(BACKLOG)
        log.info(
            "listening on port %d of %s; lends ports %d-%d, at most %d connections",
            self.port, ", ".join(self.settings.bind), self._pool.low, self._pool.high, self.max_connections,
        )  # fmt: skip

    def _sockets(self) -> list[socket.socket]:
        made: list[socket.socket] = []
        try:
            for address in self.settings.bind:
                try:
                    made.append(self._socket(address))
                except OSError as error:
                    no_ipv6 = error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)
                    if address == "::" and len(self.settings.bind) > 1 and no_ipv6:
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
        self.port = sock.getsockname()[1]  # the further addresses get the port that the system has chosen for the first
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
        for peer in list(self.peers):
            peer.abort()
        while self.peers:
            await asyncio.sleep(0)
        self._write_notes()

    # --- rights

    def is_local(self, address: str) -> bool:
        """Tell whether an address is this computer's: loopback, or one of its own."""
        if address not in self._is_local:
            if len(self._is_local) > 1000:
                self._is_local.clear()
            plain = address.partition("%")[0].removeprefix("::ffff:")
            try:
                self._is_local[address] = ipaddress.ip_address(plain).is_loopback or is_own_address(plain)
            except OSError as error:
                self.note(logging.WARNING, "%s is taken for another computer this time: %s", plain, error.strerror)
                return False
        return self._is_local[address]

    def may_list(self, address: str) -> bool:
        """Tell whether a peer may ask for the list."""
        if "all" in self.settings.list_from or self.is_local(address):
            return True
        there = ipaddress.ip_address(address.partition("%")[0].removeprefix("::ffff:"))
        return any(there in network for network in self._networks)

    # --- ports

    def lend(self, asked: Gimme, peer: Peer) -> Grant | None:
        """Lend a port; None: none is free."""
        port = self._had_before(asked, peer)
        if port is None:
            port = self._pool.take(self._tests.is_free)
        if port is None:
            self._counts.refusals += 1
            return None
        grant = Grant(self.ledger.add(port, asked.service, asked.user), peer, time.time())
        self.grants[port] = grant
        self._counts.allocations += 1
        self.note(logging.INFO, "Port %d was allocated to %s run by %s%s", port, asked.service, asked.user, grant)
        used = len(self.ledger)
        if used == int(self._pool.size * NEARLY_FULL):
            self.note(logging.WARNING, "%d of %d ports are lent", used, self._pool.size)
        self._usage_changed()
        return grant

    def _had_before(self, asked: Gimme, peer: Peer) -> int | None:
        """Take the port that this service had at an earlier server, if nobody else has it now."""
        wish = asked.wish
        # A service that has outlived a port manager still listens on its port: its user's own listener is no obstacle.
        if wish is not None and wish in self._pool and (
            self._tests.is_free(wish) or (peer.uid is not None and owner_of_listener(wish) == peer.uid)
        ):
            self._pool.take_this(wish)
            return wish
        if not self._earlier:
            return None
        for port in self._earlier.pop((asked.user, asked.service), []):
            if port in self._pool and self._tests.is_free(port):
                self._pool.take_this(port)
                return port
        return None

    def look_ahead(self) -> None:
        """Test the port that is lent next, now that nobody waits: who asks for one often asks for more."""
        if (port := self._pool.next_one) is not None:
            self._tests.test_ahead(port)

    def _try(self, port: int) -> bool:
        try:
            return port_is_free(port)
        except OSError as error:  # to refuse it would end programs in C++; the original never tests
            self.note(logging.WARNING, "port %d cannot be tested, and is taken for free: %s", port, error.strerror)
            return True

    def release(self, grants: Sequence[Grant]) -> None:
        """Take ports back, in the order in which they were lent."""
        for grant in grants:
            lent = grant.lent
            self.ledger.remove(lent)
            del self.grants[lent.port]
            self._pool.give_back(lent.port)
            self.note(logging.INFO, "Port %d was released by %s run by %s", lent.port, lent.service, lent.user)
        if grants:
            self._usage_changed()

    # --- log, usage file, state

    def note(self, level: int, text: str, *args: object) -> None:
        """Have something logged soon."""
        if level >= logging.WARNING:
            self._counts.last_error = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text % args}"
        if not log.isEnabledFor(level):
            return
        if not self._notes:
            asyncio.get_running_loop().call_later(LOG_WITHIN_S, self._write_notes)
        self._notes.append((time.time(), level, text, args))

    def _write_notes(self) -> None:
        """Log what was noted, under the time at which it was: a reply does not wait for the log."""
        notes, self._notes = self._notes, []
        for created, level, text, args in notes:
            record = log.makeRecord(log.name, level, __file__, 0, text, args, None)
            record.created = created
            log.handle(record)

    def _usage_changed(self) -> None:
        if self._files is not None and self._usage_timer is None and not self._stopping:
            self._usage_timer = asyncio.get_running_loop().call_later(self.settings.usage_every, self._usage_due)

    def _usage_due(self) -> None:
        self._usage_timer = None
        if self._usage_task is not None and not self._usage_task.done():  # a slow disk: once more when it is through
            self._usage_changed()
            return
        self._usage_task = asyncio.get_running_loop().create_task(self._write_usage())

    async def _write_usage(self) -> None:
        assert self._files is not None
        text = usage_text((lent.port, lent.service, lent.user) for lent in self.ledger.by_port())
        try:
            await asyncio.to_thread(replace_file, self._files.usage, text)
        except OSError as error:
            self.note(logging.WARNING, "the usage file %s cannot be written: %s", self._files.usage, error)

    def state(self) -> str:
        """Return what the server knows of itself, as JSON in one line."""
        now, pool = time.time(), self._pool
        return json.dumps(
            {
                "program": "portmanager",
                "port": self.port,
                "started": self._started,
                "pool": {"low": pool.low, "high": pool.high, "size": pool.size, "used": len(self.ledger)},
                "connections": {"open": len(self.peers), "at_most": self.max_connections},
                "allocated_so_far": self._counts.allocations,
                "refused_for_want_of_ports": self._counts.refusals,
                "last_error": self._counts.last_error,
                "allocations": [
                    {
                        "port": lent.port, "service": lent.listed, "asked_for": lent.service, "user": lent.user,
                        "uid": grant.peer.uid, "since": grant.since, "age_s": round(now - grant.since, 3),
                        "peer": grant.peer.address, "peer_port": grant.peer.port,
                    }
                    for lent in self.ledger.by_port()
                    for grant in (self.grants[lent.port],)
                ],
            }
        )  # fmt: skip


def _raise_file_limit(connections: int) -> int:
    """Allow as many files as the connections need; returns how many connections there may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return connections if soft == resource.RLIM_INFINITY else max(1, min(connections, soft - SPARE_FILES))

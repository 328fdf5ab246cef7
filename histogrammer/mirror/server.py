"""All clients of a mirror server, in one event loop: accepted or refused, answered, ended."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from groundwork.peers import Peers, plain_address
from groundwork.throttle import Throttle
from histogrammer.display.protocol.directory import MirrorDirectory, MirrorEntry
from histogrammer.display.snapshot import Snapshot
from histogrammer.errors import DisplayMemoryError, MirrorProtocolError
from histogrammer.mirror.protocol.serving import KeyTold, MirrorSession
from histogrammer.mirror.updates import Updates
from histogrammer.worker import EndedError
from player.bank import BankLog

__all__ = ["MirrorServer", "MirrorServerSettings"]

_RECEIVED_BYTES = 4096
"""At once: requests are short, and a client that sends more waits."""
_PIECE_BYTES = 4 << 20
_PIECE_WITHIN_S = 60.0
"""A client that takes no such piece in this time is closed."""
_LINES_PER_S = 20
_END_WITHIN_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorServerSettings:
    """Limits of a mirror server.

    Attributes:
        peers: Hosts that may connect, whatever their role.
        max_clients: At a time.
        max_clients_per_host: Of those at one address.
        piece_within: Time in which a client has to take 4 MiB of an update, s.
        max_held_bytes: Of old snapshots, which slow clients are still being sent; beyond it those of
            the oldest are closed.
    """

    peers: Peers = field(default_factory=Peers)
    max_clients: int = 256
    max_clients_per_host: int = 64
    piece_within: float = _PIECE_WITHIN_S
    max_held_bytes: int = 1 << 30


class _TooSlowError(Exception):
    """A client takes too little of what it asked for."""


class MirrorServer:
    """The server. In its loop, but for the constructor.

    Args:
        updates: Of the display memory.
        directory: Told of the copies of clients.
        log: Of the endpoint.
        settings: Limits.

    Attributes:
        accepted: Clients that were served so far.
        refused: Connections that were not.
    """

    def __init__(
        self,
        updates: Updates,
        directory: MirrorDirectory,
        log: BankLog,
        settings: MirrorServerSettings,
    ) -> None:
        self.updates, self._directory, self._log, self._settings = updates, directory, log, settings
        self._tasks: dict[asyncio.Task[None], Snapshot | None] = {}
        self._hosts: Counter[str] = Counter()  # of these clients
        self._throttle = Throttle(_LINES_PER_S)
        self.accepted = self.refused = 0

    def __len__(self) -> int:
        return len(self._tasks)

    async def serve(self, listening: socket.socket, ended: asyncio.Event) -> None:
        """Serve until it is to end.

        Args:
            listening: As of `listen`.
            ended: Set when it is to end.
        """
        accepting = asyncio.create_task(self._accept(listening))
        ending = asyncio.create_task(ended.wait())
        try:
            await asyncio.wait([accepting, ending], return_when=asyncio.FIRST_COMPLETED)
            if accepting.done():
                accepting.result()
        finally:
            tasks = [accepting, ending, *self._tasks]
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=_END_WITHIN_S)

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, where = await loop.sock_accept(listening)
            except OSError as error:  # no descriptor is left, or the peer has gone
                self._note(logging.WARNING, "a client cannot be accepted: %s", error)
                await asyncio.sleep(0.1)
                continue
            if why := self._refusal(where[0]):
                self.refused += 1
                self._note(logging.WARNING, "a client is refused: %s", why)
                connection.close()
                continue
            self.accepted += 1
            task = asyncio.create_task(self._serve_one(connection, where))
            self._tasks[task] = None
            self._hosts[where[0]] += 1
            task.add_done_callback(partial(self._forget, connection, where[0]))

    def _forget(self, connection: socket.socket, host: str, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        self._hosts[host] -= 1
        if not self._hosts[host]:
            del self._hosts[host]
        connection.close()
        if not self._tasks:
            self.updates.forget()

    def _refusal(self, host: str) -> str:
        if self._settings.peers.role(host) is None:
            return f"{host} is none of the `peers` in the table of this endpoint; add it there"
        if len(self._tasks) >= self._settings.max_clients:
            return f"{len(self._tasks)} clients are connected, and no more may be (max_clients)"
        if (own := self._hosts[host]) >= self._settings.max_clients_per_host:
            return f"{own} clients of {host} are connected, and no more may (max_clients_per_host)"
        return ""

    async def _serve_one(self, connection: socket.socket, where: tuple[str, int]) -> None:
        client = f"{where[0]}:{where[1]}"
        session = MirrorSession()
        self._note(logging.DEBUG, "%s: connected", client)
        try:
            connection.setblocking(False)
            await self._answer(connection, session, str(plain_address(where[0])))
            self._note(logging.DEBUG, "%s: gone", client)
        except (MirrorProtocolError, _TooSlowError) as error:
            self._note(logging.WARNING, "%s is closed: %s", client, error)
        except (EndedError, DisplayMemoryError) as error:
            self._note(logging.INFO, "%s is closed: %s", client, error)
        except OSError as error:
            self._note(logging.DEBUG, "%s: gone: %s", client, error)
        except Exception:
            self._log.exception("%s could not be served", client)
        finally:
            self._directory.remove_all(session)

    async def _answer(self, connection: socket.socket, session: MirrorSession, host: str) -> None:
        loop = asyncio.get_running_loop()
        while data := await loop.sock_recv(connection, _RECEIVED_BYTES):
            for request in session.receive(data):
                if not isinstance(request, KeyTold):
                    await self._update(connection, session)
                elif not self._directory.add(MirrorEntry(host, request.key), session):
                    raise MirrorProtocolError(
                        f"a copy that is known already, {request.key[:100]!r} at {host}"
                    )
        session.receive_end()

    async def _update(self, connection: socket.socket, session: MirrorSession) -> None:
        snapshot = await self.updates.current()
        loop = asyncio.get_running_loop()
        with self._holding(snapshot):
            for part in session.update(snapshot):
                for start in range(0, part.nbytes, _PIECE_BYTES):
                    try:
                        async with asyncio.timeout(self._settings.piece_within):
                            await loop.sock_sendall(connection, part[start : start + _PIECE_BYTES])
                    except TimeoutError as error:
                        raise _TooSlowError(
                            f"it took no 4 MiB of an update in {self._settings.piece_within:g} s"
                        ) from error

    @contextmanager
    def _holding(self, snapshot: Snapshot) -> Iterator[None]:
        """Note that a client is being sent a snapshot; too many different ones are not kept."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks[task] = snapshot
        self._relieve()
        try:
            yield
        finally:
            self._tasks[task] = None

    def _relieve(self) -> None:
        """Close the clients that are being sent the oldest snapshots, if too many are held."""
        held = Counter(id(each) for each in self._tasks.values() if each is not None)
        snapshots = {id(each): each for each in self._tasks.values() if each is not None}
        oldest = sorted(held, key=lambda one: snapshots[one].changes)
        total = sum(snapshots[one].channels.nbytes for one in oldest[:-1])
        for one in oldest[:-1]:
            if total <= self._settings.max_held_bytes:
                return
            total -= snapshots[one].channels.nbytes
            slow = [task for task, each in self._tasks.items() if each is snapshots[one]]
            self._note(logging.WARNING, "clients that are too slow are closed: %d", len(slow))
            for task in slow:
                task.cancel()

    def _note(self, level: int, text: str, *args: object) -> None:
        """Write a line in the log; clients cannot cause more than some in a second."""
        if not self._log.isEnabledFor(level):
            return
        if left_out := self._throttle.take_left_out(asyncio.get_running_loop().time()):
            self._log.log(level, "%d lines on clients were left out", left_out)
        if self._throttle.takes():
            self._log.log(level, text, *args)

"""All clients of one endpoint, in one event loop: accepted or refused, watched, ended."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from gateways.difx.capture import CaptureFile, ClientCapture
from gateways.difx.connection import READ_BYTES, ClientOrigin, Connection
from gateways.difx.endpointconfig import GuiServerEndpointConfig
from gateways.difx.errors import MulticastError
from gateways.difx.monitor import LiveMonitor
from gateways.difx.multicast import Bridges, Membership
from gateways.difx.protocol.frames import pack_frame
from gateways.difx.protocol.handshake import handshake
from gateways.difx.protocol.messages import Datagram
from gateways.difx.protocol.packets import Packet
from gateways.difx.protocol.session import Session
from gateways.difx.relay import Relay, RelayClient
from gateways.difx.share import Share, Threads
from groundwork.peers import Peers
from groundwork.roles import Role
from groundwork.throttle import Throttle
from player.endpoints.changes import Changes

if TYPE_CHECKING:
    from gateways.difx.bank import DifxService
    from player.bank import BankLog

__all__ = ["GuiServer"]

BACKLOG = 1024
_LOOK_EVERY_S = 1.0
_LINES_PER_S = 50
MAX_HELD_BYTES = 1 << 30
"""Of all clients together; those that hold most are cut."""
_END_WITHIN_S = 0.7


class GuiServer:
    """The server. In its loop, but for the constructor.

    Args:
        config: Of the endpoint.
        service: The Bank behind it.
        log: Of the endpoint.
        threads: For what may wait.
        relay: Publications for clients.
        monitor: Live products for clients.
        bridges: To a multicast network; None: there are none.
        capture: Told of each packet; None: nobody is.
        changes: Through which clients change something; None: nobody watches over it.

    Attributes:
        accepted: Clients that were served so far.
        refused: Connections that were not.
    """

    def __init__(
        self,
        config: GuiServerEndpointConfig,
        service: DifxService,
        log: BankLog,
        threads: Threads,
        relay: Relay,
        monitor: LiveMonitor,
        bridges: Bridges | None = None,
        capture: CaptureFile | None = None,
        changes: Changes | None = None,
    ) -> None:
        self.changes = changes or Changes()
        self.config, self.service, self.log = config, service, log
        self._threads, self._capture = threads, capture
        self._relay, self.monitor, self._bridges = relay, monitor, bridges
        self._peers = Peers(config.peers)
        self._connections: dict[Connection, asyncio.Task[None]] = {}
        self._throttle = Throttle(_LINES_PER_S)
        self.accepted = self.refused = 0

    def __len__(self) -> int:
        return len(self._connections)

    async def serve(self, listening: socket.socket, ended: asyncio.Event) -> None:
        """Serve until it is to end.

        Args:
            listening: Its address.
            ended: Set when it is to end.
        """
        server = await asyncio.start_server(
            self._take, sock=listening, limit=READ_BYTES, backlog=BACKLOG
        )
        watching = asyncio.create_task(self._watch())
        try:
            await ended.wait()
        finally:
            server.close()
            watching.cancel()
            await self._end()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection, if it may be."""
        name = writer.get_extra_info("peername")
        if name is None:  # it has gone already
            writer.close()
            return
        address, port = name[:2]
        role = self._peers.role(address)
        if role is None:
            await self._refuse(writer, f"{address} is none of those that may connect (peers)")
            return
        if len(self._connections) >= self.config.max_clients:
            text = (
                f"{len(self._connections)} clients are connected, and no more may be (max_clients)"
            )
            await self._refuse(writer, text)
            return
        self.accepted += 1
        peer = ClientOrigin(number=self.accepted, address=address, port=port, role=role)
        capture = None
        if self._capture is not None:
            capture = ClientCapture(self._capture, peer.number)
            capture.note(f"connected {address}:{port}")
        connection = Connection(self, peer, reader, writer, Share(self._threads), capture)
        task = asyncio.current_task()
        assert task is not None
        self._connections[connection] = task
        self.note(logging.DEBUG, "%s: connected, as %s", peer.name, role)
        try:
            await connection.run()
        except asyncio.CancelledError:  # the server ends; asyncio of Python 3.11 would log it
            pass
        finally:
            del self._connections[connection]

    async def _refuse(self, writer: asyncio.StreamWriter, text: str) -> None:
        self.refused += 1
        self.note(logging.WARNING, "a connection is refused: %s", text)
        writer.write(pack_frame(Packet.ERROR, f"refused: {text}".encode()))
        writer.close()

    async def _watch(self) -> None:
        """Look at all connections each second."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            now = asyncio.get_running_loop().time()
            for connection in list(self._connections):
                try:
                    connection.look(now)
                except Exception:  # the others are watched on
                    self.log.exception("%s could not be looked at", connection.peer.name)
            self.relieve(MAX_HELD_BYTES)

    def relieve(self, most: int) -> None:
        """Cut the clients that hold most, until all hold together no more than so many bytes."""
        held = sorted(((each.held, each) for each in self._connections), key=lambda one: -one[0])
        total = sum(size for size, _ in held)
        for size, connection in held:
            if total <= most:
                break
            total -= size
            text = f"{size} bytes are kept for it, where all clients together have {most}"
            self.note(logging.WARNING, "%s is cut: %s", connection.peer.name, text)
            connection.cut(text)

    async def _end(self) -> None:
        for connection in list(self._connections):
            connection.cut("the gateway ends")
        if tasks := list(self._connections.values()):
            _, left = await asyncio.wait(tasks, timeout=_END_WITHIN_S)
            for task in left:
                task.cancel()

    # what all clients have in common

    def greet(self, role: Role) -> list[bytes]:
        """Return the packets of the handshake for a client."""
        return handshake(self.service.facts("observer" if role < Role.OPERATE else "operator"))

    def join_relay(self, session: Session) -> RelayClient:
        """Return the messages for a client from now on; it may select others at any time."""
        return self._relay.join(lambda kind: session.selection.takes(kind))

    def join_bridge(self, take: Callable[[Datagram], object]) -> Membership | None:
        """Return a client's bridge to a multicast network; None: there is none."""
        if self._bridges is None:
            return None
        try:
            return self._bridges.join(take)
        except MulticastError as error:
            self.note(logging.WARNING, "a client has no bridge: %s", error)
            return None

    def note(self, level: int, text: str, *args: object) -> None:
        """Write a line in the log; clients cannot cause more than some in a second."""
        if not self.log.isEnabledFor(level):
            return
        if left_out := self._throttle.take_left_out(asyncio.get_running_loop().time()):
            self.log.log(level, "%d lines on clients were left out", left_out)
        if self._throttle.takes():
            self.log.log(level, text, *args)

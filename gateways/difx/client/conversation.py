"""Connection to a guiServer as all verbs of a client see it, and what opens their tasks. No sockets,
no clock: those are in the two clients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeVar

from gateways.difx.client.errors import NoGatewayAnswerError, RequestRefusedError
from gateways.difx.client.links import DataPath, Listener
from gateways.difx.client.protocol.primary import (
    Diagnostic,
    Level,
    Primary,
    ServerInfo,
    TaskChannel,
)
from gateways.difx.protocol.commands import (
    Command,
    FileOperation,
    FileTransfer,
    GetDirectory,
    MachinesDefinition,
    Mark5Copy,
    StartJob,
    UnitCommand,
    Vex2DifxRun,
)
from gateways.difx.protocol.documents import write_command
from gateways.difx.protocol.frames import pack_frame
from gateways.difx.protocol.packets import Packet, pack_text

__all__ = ["DEFAULT_PORT", "PATIENCE", "TIMEOUT", "GatewayConversation"]

DEFAULT_PORT = 50200
TIMEOUT = 10.0
"""s; the GUI client waits so long for a task connection."""
PATIENCE = 10.0
"""s"""
HANDSHAKE_S = 5.0
"""s; as the script client waits for the end of the series."""
GRACE_S = 1.0
"""A task connection may come so long after an ERROR_PACKET, s; else that was the answer."""

T = TypeVar("T")
TaskCommand = (
    FileOperation
    | FileTransfer
    | GetDirectory
    | MachinesDefinition
    | Mark5Copy
    | StartJob
    | UnitCommand
    | Vex2DifxRun
)


class GatewayConversation(ABC):
    """Base of the verbs; its arguments are those of a client."""

    def __init__(
        self,
        host: str = "localhost",
        port: int = DEFAULT_PORT,
        *,
        channels: bool = True,
        timeout: float = TIMEOUT,
        patience: float = PATIENCE,
        on_diagnostic: Callable[[Diagnostic], None] | None = None,
    ) -> None:
        self.host, self.port, self.channels = host, int(port), channels
        self.timeout, self.patience = timeout, patience
        self._on_diagnostic = on_diagnostic
        self._primary = Primary()
        self._beginning = 0
        self._links: set[DataPath] = set()

    # --- what the clients bring

    @abstractmethod
    async def _send(self, data: bytes) -> None:
        """Send packets; ConnectionLostError: they cannot be."""

    @abstractmethod
    async def _until(
        self, ready: Callable[[], T | None], timeout: float | None, doing: str, told: int
    ) -> T:
        """Wait until `ready` returns something, and return it; it is asked anew whenever something
        has come.

        Args:
            ready: Looks at `_primary`.
            timeout: s; None: for ever.
            doing: For errors.
            told: Count of diagnostics before the request, for errors.

        Raises:
            NoAnswerError: Not in time.
            ConnectionLostError: The connection has ended.
        """

    @abstractmethod
    def _own_address(self) -> str:
        """Return this host's address, as the server sees it."""

    @abstractmethod
    async def _listen(self) -> Listener:
        """Wait for a connection of the server."""

    @abstractmethod
    def _channel_link(self, channel: TaskChannel, doing: str) -> DataPath:
        """Return the link of a channel that is open."""

    @abstractmethod
    async def _pause(self, seconds: float) -> None: ...

    @abstractmethod
    async def _beside(self, work: Callable[[], T]) -> T:
        """Carry out what waits for a disk."""

    # --- everything else

    @property
    def server(self) -> str:
        """HOST:PORT."""
        return f"{self.host}:{self.port}"

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """The last thousand texts that the server has sent for a log window."""
        return list(self._primary.diagnostics)

    def __repr__(self) -> str:
        way = "channels" if self.channels else "connections to here"
        return f"<{type(self).__name__} of {self.server} by {way}>"

    async def info(self) -> ServerInfo:
        """Ask for version, base folder, user, usable DiFX versions and environment.

        Raises:
            NoAnswerError: The server is silent for 5 s. One that answers, but does not say that it
                knows channels, is an old one, and no error.
        """
        told, primary = self._primary.told, self._primary
        count = primary.begin_handshake()
        await self._send(pack_frame(Packet.GUISERVER_VERSION))
        try:
            await self._until(
                lambda: primary.handshakes > count or None, HANDSHAKE_S, "handshake", told
            )
        except NoGatewayAnswerError:
            if primary.info is None:
                raise
        assert primary.info is not None
        return primary.info

    async def select_version(self, version: str, info: ServerInfo | None = None) -> None:
        """Have programs of a DiFX version run from now on.

        Args:
            version: One of `ServerInfo.versions`.
            info: Of this server; None: it is asked.

        Raises:
            RequestRefusedError: The server does not offer it.
        """
        known = await self.info() if info is None else info
        if version not in known.versions:
            offered = ", ".join(known.versions) or "none"
            raise RequestRefusedError(
                f"DiFX version {version}", f"it is not offered; those are: {offered}"
            )
        base = known.environment.get("DIFX_BASE") or known.base
        script = f"rungeneric.{version}"
        path = f"{base.rstrip('/')}/bin/{script}" if base else script
        await self._send(
            pack_text(Packet.DIFX_SETUP_PATH, path) + pack_text(Packet.DIFX_RUN_LABEL, version)
        )

    async def _command(self, command: Command) -> None:
        await self._send(pack_frame(Packet.COMMAND, write_command(command)))

    @asynccontextmanager
    async def _command_task(
        self, doing: str, command: TaskCommand, timeout: float | None = None
    ) -> AsyncIterator[DataPath]:
        """Open the task of a command; its `with` block closes it."""
        link = await self._begin_command(doing, command, timeout)
        try:
            yield link
        finally:
            await link.close()

    async def _begin_command(
        self, doing: str, command: TaskCommand, timeout: float | None = None
    ) -> DataPath:
        def packet(address: str, port: int) -> bytes:
            placed = replace(command, address=address, port=port)
            return pack_frame(Packet.COMMAND, write_command(placed))

        return await self._begin_task(doing, packet, timeout)

    async def _begin_task(
        self, doing: str, packet: Callable[[str, int], bytes], timeout: float | None = None
    ) -> DataPath:
        """Send a request, and return the task connection that the server makes.

        Args:
            doing: For errors.
            packet: Makes it of the address and port, or channel, for the server.
            timeout: s; None: the client's.

        Raises:
            RequestRefusedError: An ERROR_PACKET came instead.
            NoAnswerError: Nothing came in time.
            ConnectionLostError: The connection has ended.
        """
        within = self.timeout if timeout is None else timeout
        begin = self._begin_in_channel if self.channels else self._begin_over_tcp
        self._beginning += 1
        try:
            link = await begin(doing, packet, within)
        finally:
            self._beginning -= 1
        self._links.add(link)
        link.on_close = lambda: self._links.discard(link)
        return link

    async def _begin_in_channel(
        self, doing: str, packet: Callable[[str, int], bytes], within: float
    ) -> DataPath:
        told, channel = self._primary.told, self._primary.open_channel()
        try:
            await self._send(packet(self._own_address(), channel.number))
            await self._connected(lambda: channel.is_connected, doing, within, told)
        except BaseException:
            self._primary.close_channel(channel)
            raise
        return self._channel_link(channel, doing)

    async def _begin_over_tcp(
        self, doing: str, packet: Callable[[str, int], bytes], within: float
    ) -> DataPath:
        told = self._primary.told
        listener = await self._listen()
        try:
            await self._send(packet(listener.address, listener.port))
            await self._connected(lambda: listener.link is not None, doing, within, told)
        except BaseException as error:
            if listener.link is not None:
                await listener.link.close()
            if listener.strangers:
                error.add_note(f"connections came from {', '.join(listener.strangers)} instead")
            raise
        finally:
            listener.close()
        assert listener.link is not None
        return listener.link

    async def _connected(
        self, is_connected: Callable[[], bool], doing: str, within: float, told: int
    ) -> None:
        def ready() -> bool | None:
            if is_connected():
                return True
            return False if self._refusal(told) else None

        if await self._until(ready, within, doing, told):
            return
        try:
            await self._until(lambda: is_connected() or None, GRACE_S, doing, told)
        except NoGatewayAnswerError:
            raise RequestRefusedError(doing, self._errors_since(told)[-1]) from None

    def _errors_since(self, told: int) -> list[str]:
        return self._primary.said_since(told, Level.ERROR)

    def _refusal(self, told: int, *, own: int = 0) -> str:
        """Return what the server has complained of since then; empty: nothing, or nobody knows of
        which task.

        Args:
            told: Count of diagnostics then.
            own: Tasks that are open for this request. Lines of the programs of others are errors,
                too.
        """
        is_alone = len(self._links) <= own and self._beginning <= 1
        errors = self._errors_since(told) if is_alone else []
        return errors[-1] if errors else ""

    async def _ask_until(
        self, look: Callable[[], Awaitable[bool]], doing: str, expected: str, told: int
    ) -> None:
        """Look again and again until something is as expected.

        Raises:
            RequestRefusedError: The server complains.
            NoAnswerError: It is not so in time.
        """
        pause, left = 0.02, self.patience
        while not (is_so := await look()) and left > 0 and not self._refusal(told):
            await self._pause(pause)
            left -= pause
            pause = min(2 * pause, 0.5)
        if refusal := self._refusal(told):
            raise RequestRefusedError(doing, refusal)
        if not is_so:
            raise NoGatewayAnswerError(self.server, f"{doing}: {expected}", self.patience)

"""The client for asyncio: the verbs of all clients, on sockets of the running loop."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Self, TypeVar

from gateways.difx.client.errors import GatewayConnectionLostError, NoGatewayAnswerError
from gateways.difx.client.fileverbs import FileVerbs
from gateways.difx.client.jobverbs import JobVerbs
from gateways.difx.client.links import DataPath, Listener
from gateways.difx.client.protocol.primary import Diagnostic, Primary, TaskChannel
from gateways.difx.client.watchverbs import WatchVerbs
from gateways.difx.errors import FrameError
from gateways.difx.protocol.frames import pack_frame
from gateways.difx.protocol.packets import Packet, pack_chunk
from groundwork.beside import beside

__all__ = ["AsyncDifxClient", "reason_of"]

READ_BYTES = 1 << 18
BUFFER_BYTES = 1 << 20
MAX_WAITING_BYTES = 16 << 20
"""Of channels that nobody reads; while nobody waits for anything, no more is read of the connection."""

DATA = "its task connection"
CLOSED = "the server closed it"
T = TypeVar("T")

_Until = Callable[[Callable[[], bytes | None], float | None, str, int], Awaitable[bytes]]

log = logging.getLogger(__name__)


class AsyncDifxClient(FileVerbs, JobVerbs, WatchVerbs):
    """A connection to a guiServer, the original or this project's gateway, for programs that use
    asyncio.

        async with AsyncDifxClient("correlator") as client:
            await client.run("/data/scan1/job.input", on_event=print)

    Several tasks of the loop may use it at once. One that is cancelled leaves it usable: its own
    task connection is closed, and what the server does goes on.

    Args:
        host: Name or IPv4 address.
        port: Where the server listens.
        channels: Everything goes through this one connection, as through a tunnel. False: the server
            makes a connection to here for each command, which is faster for large files.
        timeout: s; for connecting, and for each answer.
        patience: s; for operations on files that have no answer, until a listing shows them.
        on_diagnostic: Called with each text that the server has for a log window.
    """

    _writer: asyncio.StreamWriter | None = None
    _reading: asyncio.Task[None] | None = None
    _lost = ""  # why the connection is of no use any more
    _waiters = 0

    @functools.cached_property
    def _news(self) -> asyncio.Event:
        return asyncio.Event()

    async def close(self) -> None:
        """End the connection; may be called twice."""
        self._lose("it was closed")
        for link in list(self._links):
            await link.close()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(self.timeout):
                reader, self._writer = await asyncio.open_connection(
                    self.host, self.port, family=socket.AF_INET, limit=BUFFER_BYTES
                )
        except TimeoutError:
            reason = f"no answer within {self.timeout:g} s"
            raise GatewayConnectionLostError(self.server, "connecting", reason) from None
        except (OSError, UnicodeError) as error:
            raise GatewayConnectionLostError(self.server, "connecting", reason_of(error)) from error
        _prepare(self._writer)
        self._reading = asyncio.create_task(
            self._read(reader), name=f"DiFX client of {self.server}"
        )
        if self.channels:
            await self._send(pack_frame(Packet.CHANNEL_ALL_DATA_ON))
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    # --- the connection

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while data := await reader.read(READ_BYTES):
                for diagnostic in self._primary.receive(data):
                    self._tell_of(diagnostic)
                self._tell()
                while self._primary.waiting > MAX_WAITING_BYTES and not self._waiters:
                    await self._news.wait()
            self._lose("it was closed by the server")
        except OSError as error:
            self._lose(reason_of(error))
        except FrameError as error:
            self._lose(str(error))

    def _tell_of(self, diagnostic: Diagnostic) -> None:
        if self._on_diagnostic is not None:
            try:
                self._on_diagnostic(diagnostic)
            except Exception:
                log.exception("%s: on_diagnostic failed", self.server)

    def _tell(self) -> None:
        """Wake all that wait, for anything."""
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _lose(self, reason: str) -> None:
        self._lost = self._lost or reason
        self._tell()

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        """Count a waiter, for whom the connection is read, however much waits already."""
        self._waiters += 1
        self._tell()
        try:
            yield
        finally:
            self._waiters -= 1

    async def _send(self, data: bytes) -> None:
        if self._writer is None or self._lost:
            raise GatewayConnectionLostError(
                self.server, "sending", self._lost or "it is not made yet"
            )
        self._writer.write(data)
        with self._waiting():
            try:
                await self._writer.drain()
            except OSError as error:
                self._lose(reason_of(error))
                raise GatewayConnectionLostError(self.server, "sending", self._lost) from error

    async def _until(
        self, ready: Callable[[], T | None], timeout: float | None, doing: str, told: int
    ) -> T:
        with self._waiting():
            try:
                async with asyncio.timeout(timeout):
                    while (found := ready()) is None:
                        if self._lost:
                            raise GatewayConnectionLostError(self.server, doing, self._lost)
                        await self._news.wait()
            except TimeoutError:
                said = "; ".join(self._primary.said_since(told)[-3:])
                raise NoGatewayAnswerError(self.server, doing, timeout or 0.0, said) from None
        return found

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _beside(self, work: Callable[[], T]) -> T:
        return await beside(work)

    # --- task connections

    def _own_address(self) -> str:
        return str(self._writer.get_extra_info("sockname")[0]) if self._writer is not None else ""

    async def _listen(self) -> Listener:
        if self._writer is None:
            raise GatewayConnectionLostError(self.server, "listening", "it is not made yet")
        allowed = self._writer.get_extra_info("peername")[0]
        strangers: list[str] = []

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            peer = writer.get_extra_info("peername")[0]
            if peer != allowed or listener.link is not None:
                strangers.append(peer)
                writer.close()
                return
            _prepare(writer)
            listener.link = _TcpLink(self.server, reader, writer)
            self._tell()

        address = self._own_address()
        server = await asyncio.start_server(
            accept, address, 0, family=socket.AF_INET, limit=BUFFER_BYTES
        )
        port = server.sockets[0].getsockname()[1]
        listener = Listener(address=address, port=port, strangers=strangers, close=server.close)
        return listener

    def _channel_link(self, channel: TaskChannel, doing: str) -> DataPath:
        return _ChannelLink(self._primary, channel, self._send, self._until, doing)


class _ChannelLink(DataPath):
    """A channel of the client's connection."""

    def __init__(
        self,
        primary: Primary,
        channel: TaskChannel,
        send: Callable[[bytes], Awaitable[None]],
        until: _Until,
        doing: str,
    ) -> None:
        super().__init__()
        self._primary, self._channel = primary, channel
        self._send, self._until, self._doing = send, until, doing
        self._told = primary.told

    async def send(self, *items: bytes) -> None:
        number = self._channel.number
        await self._send(b"".join(pack_chunk(number, item) for item in items if item))

    async def read_some(self, least: int, most: int, within: float | None) -> bytes:
        return await self._until(
            lambda: self._channel.take_between(least, most), within, self._doing, self._told
        )

    async def _end(self) -> None:
        self._primary.close_channel(self._channel)


class _TcpLink(DataPath):
    """A connection that the server made."""

    def __init__(
        self, server: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        super().__init__()
        self._server, self._reader, self._writer = server, reader, writer

    async def send(self, *items: bytes) -> None:
        try:
            self._writer.write(b"".join(items))
            await self._writer.drain()
        except OSError as error:
            raise self._lost(reason_of(error)) from error

    async def read_some(self, least: int, most: int, within: float | None) -> bytes:
        try:
            async with asyncio.timeout(within):
                if least == most:
                    return await self._reader.readexactly(least)
                data = await self._reader.read(most)
        except TimeoutError:
            raise NoGatewayAnswerError(self._server, DATA, within or 0.0) from None
        except asyncio.IncompleteReadError:
            raise self._lost(CLOSED) from None
        except OSError as error:
            raise self._lost(reason_of(error)) from error
        if not data:
            raise self._lost(CLOSED)
        if len(data) < least:
            data += await self.read_some(least - len(data), most - len(data), within)
        return data

    def _lost(self, reason: str) -> GatewayConnectionLostError:
        return GatewayConnectionLostError(self._server, DATA, reason)

    async def _end(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


def reason_of(error: Exception) -> str:
    """Return the words of the system, which asyncio's for connections do not have."""
    number = getattr(error, "errno", None)
    if isinstance(error, socket.gaierror) or not number:
        return getattr(error, "strerror", None) or str(error)
    return os.strerror(number)


def _prepare(writer: asyncio.StreamWriter) -> None:
    """Set a socket's options: no delay, and an end for peers that are gone."""
    with contextlib.suppress(OSError):  # gone already, as the first request will tell
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

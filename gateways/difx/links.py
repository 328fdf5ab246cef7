"""Task connections: the data of one command, over TCP or as a channel of the client's connection.

A task is written once for both. What it sends is a row of items (`protocol.items`): one chunk each
in a channel, one write together over TCP.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

from gateways.difx.errors import LinkError
from gateways.difx.outbox import Outbox, Tap
from gateways.difx.protocol.channels import ClientChannels
from gateways.difx.protocol.packets import pack_chunk, pack_connection
from gateways.difx.share import Share

__all__ = ["ChannelLink", "TaskLink", "TcpLink", "connect_back"]

CHUNK_BYTES = 1024
"""Of a file in a channel: the GUI client reads in units of it."""
CHUNKS_AT_ONCE = 60
"""Chunks that are written together: less than a segment of the loopback device, so that no client
sees a part of a header."""
BLOCK_BYTES = CHUNKS_AT_ONCE * CHUNK_BYTES
READ_BLOCKS = 16
"""Blocks of a file that are read together."""
SLICE_BYTES = 8 << 20
"""A thread moves so much at most before it gives its place to another transfer."""
BUFFER_BYTES = 512 * 1024
"""Between the socket and the file of an upload over TCP."""
CHANNEL_HIGH_BYTES = 1 << 20
"""Of a channel whose task reads: while more waits, the client's connection is not read."""

Take = Callable[[memoryview], object]
"""Is given bytes that came."""


class TaskLink(ABC):
    """Data path of one task. Errors of all methods but `close`: LinkError, it has gone.

    Attributes:
        port: The client's port, or number of the channel.
    """

    port: int

    @abstractmethod
    async def send(self, *items: bytes) -> None:
        """Send items, and wait until the client takes them."""

    @abstractmethod
    async def read(self, count: int, *, within: float | None = None) -> bytes:
        """Read exactly so many bytes.

        Args:
            count: Bytes.
            within: Silence of so many s ends the link, too; None: it does not.
        """

    @abstractmethod
    async def send_file(self, file: int, count: int) -> None:
        """Send the first bytes of a file.

        Args:
            file: Its descriptor; its position is not used.
            count: Bytes; LinkError if it has fewer by now.
        """

    @abstractmethod
    async def receive(self, take: Take | None, count: int) -> None:
        """Read so many bytes in pieces.

        Args:
            take: Called with each piece, in a thread; what it raises is raised here. None: they are
                dropped.
            count: Bytes.
        """

    @abstractmethod
    async def close(self) -> None:
        """End it; may be called twice."""


@contextlib.contextmanager
def _told_as_gone(port: int, silence: float | None) -> Iterator[None]:
    """Make errors of a socket, and time-outs, errors of the link."""
    try:
        yield
    except TimeoutError as error:
        text = f"port {port}: the client does nothing for {silence or 0:g} s (takes_nothing)"
        raise LinkError(text) from error
    except OSError as error:
        raise LinkError(f"port {port}: the task connection has gone: {error}") from error


async def connect_back(address: str, port: int, within: float) -> socket.socket:
    """Connect to a port of a client, once.

    Args:
        address: Where the client's own connection came from.
        port: On which it listens.
        within: s.

    Raises:
        LinkError: It does not take the connection.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        keep_alive(made)
        async with asyncio.timeout(within):
            await asyncio.get_running_loop().sock_connect(made, (address, port))
    except BaseException as error:
        made.close()
        if isinstance(error, TimeoutError):
            reason = f"it does not answer within {within:g} s (connect_timeout)"
        elif isinstance(error, OSError):
            reason = os.strerror(error.errno) if error.errno else str(error)
        else:
            raise
        raise LinkError(f"no task connection to {address} port {port}: {reason}") from error
    return made


def keep_alive(connection: socket.socket) -> None:
    """Have the system find out that the host of a peer is gone, within a minute or two."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 6)


class TcpLink(TaskLink):
    """A TCP connection to a port of the client.

    Args:
        connection: As `connect_back` returns it.
        port: Of the client.
        share: Threads for files.
        patience: A client that takes nothing for so long has gone, s.
        tap_in: Told of what is read; with one, files go through it, too.
        tap_out: Of what is written.
    """

    def __init__(
        self,
        connection: socket.socket,
        port: int,
        share: Share,
        patience: float,
        tap_in: Tap | None = None,
        tap_out: Tap | None = None,
    ) -> None:
        self.port = port
        self._socket, self._share, self._patience = connection, share, patience
        self._tap_in, self._tap_out = tap_in, tap_out
        self._loop = asyncio.get_running_loop()

    async def send(self, *items: bytes) -> None:
        await self._send(b"".join(items))

    async def _send(self, data: bytes | memoryview) -> None:
        if self._tap_out is not None:
            self._tap_out(bytes(data))
        with _told_as_gone(self.port, self._patience):
            async with asyncio.timeout(self._patience):
                await self._loop.sock_sendall(self._socket, data)

    async def read(self, count: int, *, within: float | None = None) -> bytes:
        data = bytearray()
        while len(data) < count:
            data += await self._read_some(count - len(data), within)
        return bytes(data)

    async def _read_some(self, most: int, within: float | None) -> bytes:
        with _told_as_gone(self.port, within):
            async with asyncio.timeout(within):
                data = await self._loop.sock_recv(self._socket, min(most, BUFFER_BYTES))
        if not data:
            raise LinkError(f"port {self.port}: the client has closed the task connection")
        if self._tap_in is not None:
            self._tap_in(data)
        return data

    async def send_file(self, file: int, count: int) -> None:
        offset = 0
        while offset < count:
            if self._tap_out is not None:
                block = await self._share.call(os.pread, file, BLOCK_BYTES, offset)
                block = block[: count - offset]
                await self._send(block)
                sent = len(block)
            else:
                await self._wait_for(self._loop.add_writer, self._loop.remove_writer)
                with _told_as_gone(self.port, self._patience):
                    sent = await self._share.call(
                        _send_slice, self._socket, file, offset, count - offset
                    )
            if sent == 0:
                raise _file_is_shorter(offset, count)
            offset += sent

    async def receive(self, take: Take | None, count: int) -> None:
        buffer = memoryview(bytearray(min(BUFFER_BYTES, count)))
        left = count
        while left:
            if self._tap_in is not None:
                data = await self._read_some(left, self._patience)
                if take is not None:
                    await self._share.call(take, memoryview(data))
                left -= len(data)
                continue
            await self._wait_for(self._loop.add_reader, self._loop.remove_reader)
            left -= await self._share.call(_receive_slice, self._socket, take, left, buffer)

    async def _wait_for(self, add: Callable[..., object], remove: Callable[[int], object]) -> None:
        """Wait until the socket takes bytes, or has some."""
        number = self._socket.fileno()
        ready = asyncio.Event()
        add(number, ready.set)
        try:
            with _told_as_gone(self.port, self._patience):
                async with asyncio.timeout(self._patience):
                    await ready.wait()
        finally:
            remove(number)

    async def close(self) -> None:
        if self._socket.fileno() < 0:
            return
        with contextlib.suppress(OSError):  # else what the client does not read yet may be lost
            self._socket.shutdown(socket.SHUT_WR)
            while self._socket.recv(BUFFER_BYTES):
                pass
        self._socket.close()


def _send_slice(connection: socket.socket, file: int, offset: int, most: int) -> int:
    """Send as much of a file as a socket takes now; how much. In a thread."""
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while sent < min(most, SLICE_BYTES):
            count = os.sendfile(connection.fileno(), file, offset + sent, most - sent)
            if count == 0:
                break
            sent += count
    return sent


def _receive_slice(
    connection: socket.socket, take: Take | None, most: int, buffer: memoryview
) -> int:
    """Take as much as a socket has now; how much. In a thread."""
    received = 0
    while received < min(most, SLICE_BYTES):
        try:
            count = connection.recv_into(buffer[: most - received])
        except BlockingIOError:
            break
        except OSError as error:
            raise LinkError(f"the task connection has gone: {error}") from error
        if count == 0:
            raise LinkError(
                f"the client has ended the task connection, and {most - received} bytes are missing"
            )
        if take is not None:
            take(buffer[:count])
        received += count
    return received


def _file_is_shorter(size: int, announced: int) -> LinkError:
    return LinkError(f"the file has {size} bytes by now, and {announced} were announced")


class ChannelLink(TaskLink):
    """A channel of the client's own connection. It is announced when it is made.

    Args:
        channels: Of the client.
        number: Of the channel; LinkError: another task has it.
        outbox: Of the client.
        share: Threads for files.
        patience: A client that sends nothing of what was announced for so long has gone, s.
    """

    def __init__(
        self, channels: ClientChannels, number: int, outbox: Outbox, share: Share, patience: float
    ) -> None:
        self.port = number
        self._channels, self._outbox, self._share = channels, outbox, share
        self._patience = patience
        self._channel = channels.open(number)
        self._came, self._room = asyncio.Event(), asyncio.Event()
        self._is_reading = self._is_over = self._is_closed = False
        outbox.put(pack_connection(number))

    async def send(self, *items: bytes) -> None:
        await self._outbox.send(b"".join(pack_chunk(self.port, item) for item in items if item))

    async def read(self, count: int, *, within: float | None = None) -> bytes:
        self._is_reading = True
        while (data := self._channel.take(count)) is None:
            await self._wait(within)
        self._room.set()
        return data

    async def _wait(self, within: float | None) -> None:
        """Wait for the next chunk."""
        if self._is_over:
            raise LinkError(f"channel {self.port}: the client sends no more")
        self._came.clear()
        self._room.set()
        with _told_as_gone(self.port, within):
            async with asyncio.timeout(within):
                await self._came.wait()

    async def send_file(self, file: int, count: int) -> None:
        prefix = pack_chunk(self.port, bytes(CHUNK_BYTES))[:-CHUNK_BYTES]
        offset = 0
        while offset < count:
            piece = await self._share.call(os.pread, file, READ_BLOCKS * BLOCK_BYTES, offset)
            piece = piece[: count - offset]
            is_last = offset + len(piece) == count
            if not piece or (len(piece) % CHUNK_BYTES and not is_last):
                raise _file_is_shorter(offset + len(piece), count)
            view = memoryview(piece)
            for first in range(0, len(piece), BLOCK_BYTES):
                await self._send_block(prefix, view[first : first + BLOCK_BYTES])
            offset += len(piece)

    async def _send_block(self, prefix: bytes, block: memoryview) -> None:
        """Send a part of a file as chunks, all full but the last one of the file."""
        whole = len(block) - len(block) % CHUNK_BYTES
        chunks = [block[first : first + CHUNK_BYTES] for first in range(0, whole, CHUNK_BYTES)]
        packets = prefix.join((b"", *chunks))
        if whole < len(block):
            packets += pack_chunk(self.port, bytes(block[whole:]))
        await self._outbox.send(packets)

    async def receive(self, take: Take | None, count: int) -> None:
        self._is_reading, left = True, count
        while left:
            data = self._channel.take_some(min(left, CHANNEL_HIGH_BYTES))
            if not data:
                await self._wait(self._patience)
                continue
            self._room.set()
            if take is not None:
                await self._share.call(take, memoryview(data))
            left -= len(data)

    # for the reader of the client's connection

    async def on_chunk(self) -> None:
        """Tell the task that a chunk has come; waits while it does not keep up."""
        self._came.set()
        while self._is_reading and not self._is_over and len(self._channel) > CHANNEL_HIGH_BYTES:
            self._room.clear()
            await self._room.wait()

    def end(self) -> None:
        """Tell the task that no chunk comes any more."""
        self._is_over = True
        self._came.set()
        self._room.set()

    async def close(self) -> None:
        if not self._is_closed:  # else the channel may have its next task by now
            self._is_closed = True
            self.end()
            self._channels.close(self.port)

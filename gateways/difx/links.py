"""Task connections: the data of one command, over TCP or as a channel of the client's connection.

A task is written once for both. What it sends is a row of items (`protocol.items`): one chunk each
in a channel, one write together over TCP.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from abc import ABC, abstractmethod
from collections.abc import Iterator

from gateways.difx.errors import LinkError
from gateways.difx.outbox import Outbox, Tap
from gateways.difx.protocol.channels import Channel
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
            count: Bytes, which it has; LinkError if it has fewer now.
        """

    @abstractmethod
    async def receive_file(self, file: int | None, count: int) -> None:
        """Append so many bytes to a file.

        Args:
            file: Its descriptor; None: what comes is dropped.
            count: Bytes.

        Raises:
            OSError: They cannot be written.
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
            reason = error.strerror or str(error)
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
                block = await self._share.call(os.pread, file, min(BLOCK_BYTES, count), offset)
                await self._send(block[: count - offset])
                sent = len(block)
            else:
                with _told_as_gone(self.port, self._patience):
                    await self._wait_for(self._loop.add_writer, self._loop.remove_writer)
                    sent = await self._share.call(
                        _send_slice, self._socket, file, offset, count - offset
                    )
            if sent == 0:
                raise LinkError(f"the file has {offset} bytes by now, and {count} were announced")
            offset += sent

    async def receive_file(self, file: int | None, count: int) -> None:
        buffer = bytearray(min(BUFFER_BYTES, count)) if file is not None else bytearray()
        left = count
        while left:
            if self._tap_in is not None or file is None:
                data = await self._read_some(left, self._patience)
                if file is not None:
                    await self._share.call(_write_all, file, memoryview(data))
                left -= len(data)
                continue
            with _told_as_gone(self.port, self._patience):
                await self._wait_for(self._loop.add_reader, self._loop.remove_reader)
            received = await self._share.call(_receive_slice, self._socket, file, left, buffer)
            if received == 0:
                raise LinkError(
                    f"port {self.port}: the task connection ended, and {left} of {count} bytes are missing"
                )
            left -= received

    async def _wait_for(self, add: _Adds, remove: _Removes) -> None:
        """Wait until the socket can be used in one direction."""
        ready: asyncio.Future[None] = self._loop.create_future()
        add(self._socket.fileno(), _set_done, ready)
        try:
            async with asyncio.timeout(self._patience):
                await ready
        finally:
            remove(self._socket.fileno())

    async def close(self) -> None:
        self._socket.close()

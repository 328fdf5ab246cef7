"""Clients of a guiServer as its two families behave, on raw sockets; nothing of the gateway's own
protocol modules is used."""

from __future__ import annotations

import socket
import struct
from collections import deque

from groundwork.closing import Closing

__all__ = ["GuiClient", "ScriptClient", "document", "packet", "read_exactly"]

HANG_S = 60.0
RELAY, COMMAND, INFORMATION, WARNING, ERROR = 1, 3, 4, 5, 6
VERSION, LAST_OF_HANDSHAKE, CHANNELS_ON = 8, 18, 19
CHANNEL_CONNECTION, CHANNEL_DATA = 21, 22


def packet(number: int, payload: bytes = b"") -> bytes:
    """Bytes of a packet."""
    return struct.pack(">ii", number, len(payload)) + payload


def document(kind: str, body: str, wrapper: str = "") -> bytes:
    """A command document: wrapped as the GUI client writes it, else flat as the script does."""
    if wrapper:
        head = "<from>doi</from>\n    <to>127.0.0.1</to>\n    <mpiProcessId>-1</mpiProcessId>\n    "
        head += "<identifier>doi</identifier>\n    "
        body = f"<{wrapper}>\n      {body}\n    </{wrapper}>"
    else:
        head = ""
    text = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<difxMessage>\n'
        f"  <header>\n    {head}<type>{kind}</type>\n  </header>\n"
        f"  <body>\n    {body}\n  </body>\n</difxMessage>\n"
    )
    return text.encode()


def read_exactly(connection: socket.socket, count: int) -> bytes:
    """Read so many bytes; EOFError: there are no more."""
    data = bytearray()
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise EOFError(f"the end after {len(data)} of {count} bytes")
        data += piece
    return bytes(data)


def is_at_end(connection: socket.socket) -> bool:
    """Wait for more; tell whether there is none."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


class GuiClient(Closing):
    """The desktop program: connects from one socket, listens on others for task connections.

    Attributes:
        said: Diagnostics so far, as (id, text).
        relayed: Messages.
    """

    def __init__(self, port: int, *, host: str = "127.0.0.1", receive_bytes: int = 0) -> None:
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(HANG_S)
        self.socket.connect((host, port))
        self.said: list[tuple[int, str]] = []
        self.relayed: list[bytes] = []
        self.announced: list[int] = []
        self.chunks: dict[int, deque[bytes]] = {}

    def send(self, number: int, payload: bytes = b"") -> None:
        """Send a packet."""
        self.socket.sendall(packet(number, payload))

    def command(self, kind: str, body: str, *, wrapped: bool = True) -> None:
        """Send a command document."""
        wrapper = kind[0].lower() + kind[1:] if wrapped else ""
        self.send(COMMAND, document(kind, body, wrapper))

    def read(self) -> tuple[int, bytes]:
        """Read the next packet, and file it."""
        number, length = struct.unpack(">ii", read_exactly(self.socket, 8))
        assert 0 <= length <= 10_485_760, "the GUI client loses its framing"
        payload = read_exactly(self.socket, length)
        if number in (INFORMATION, WARNING, ERROR):
            self.said.append((number, payload.decode()))
        elif number == RELAY:
            self.relayed.append(payload)
        elif number == CHANNEL_CONNECTION:
            (channel,) = struct.unpack(">i", payload)
            self.announced.append(channel)
            self.chunks.setdefault(channel, deque())
        elif number == CHANNEL_DATA:
            (channel,) = struct.unpack(">i", payload[:4])
            assert len(payload) > 4, "an empty chunk ends the receiver of the GUI client"
            assert channel in self.announced, "a chunk of a channel that was not announced"
            self.chunks[channel].append(payload[4:])
        return number, payload

    def wait_for(self, *numbers: int) -> tuple[int, bytes]:
        """Read up to a packet with one of these ids."""
        while True:
            found = self.read()
            if found[0] in numbers:
                return found

    def handshake(self) -> list[tuple[int, bytes]]:
        """Ask for the series, and read it."""
        self.send(VERSION)
        series = [self.read()]
        while series[-1][0] != LAST_OF_HANDSHAKE:
            series.append(self.read())
        return series

    def settle(self) -> list[tuple[int, str]]:
        """Have all before answered: the diagnostics until then. For what has no task."""
        self.handshake()
        return self.said

    def errors(self) -> list[str]:
        """ERROR packets so far."""
        return [text for number, text in self.said if number == ERROR]

    def wait_for_errors(self, count: int = 1) -> list[str]:
        """Read until there are so many."""
        while len(self.errors()) < count:
            self.read()
        return self.errors()

    def listen(self) -> socket.socket:
        """Listen for a task connection."""
        made = socket.create_server(("127.0.0.1", 0))
        made.settimeout(HANG_S)
        return made

    def task(self, kind: str, body: str, *, wrapped: bool = True) -> socket.socket:
        """Send a command, and take its task connection. The body has `{there}` for address and port."""
        with self.listen() as listening:
            port = listening.getsockname()[1]
            there = f"<address>127.0.0.1</address><port>{port}</port>"
            self.command(kind, body.replace("{there}", there), wrapped=wrapped)
            connection, _ = listening.accept()
        connection.settimeout(HANG_S)
        return connection

    def close(self) -> None:
        self.socket.close()


class ScriptClient(GuiClient):
    """The Python library: channels from the first packet on, chunk by chunk."""

    def __init__(self, port: int, *, host: str = "127.0.0.1") -> None:
        super().__init__(port, host=host)
        self.send(CHANNELS_ON)
        self._next = 12345

    def task_channel(self, kind: str, body: str, *early: bytes) -> int:
        """Send a command with a new channel, and data right behind it; the number of the channel."""
        self._next += 1
        body = body.replace("{there}", f"<port>{self._next}</port>")
        self.command(kind, body, wrapped=False)
        for data in early:
            self.chunk(self._next, data)
        return self._next

    def chunk(self, channel: int, data: bytes) -> None:
        """Send a chunk."""
        self.send(CHANNEL_DATA, struct.pack(">i", channel) + data)

    def next_chunk(self, channel: int) -> bytes:
        """Wait for the next chunk of a channel."""
        while not self.chunks.get(channel):
            self.read()
        return self.chunks[channel].popleft()

    def integer(self, channel: int) -> int:
        """Take a chunk that is an integer alone."""
        (number,) = struct.unpack(">i", self.next_chunk(channel))
        return int(number)

    def lines(self, channel: int) -> list[bytes]:
        """Take chunks alternately as size and text, up to size 0."""
        lines: list[bytes] = []
        while size := self.integer(channel):
            lines.append(self.next_chunk(channel))
            assert len(lines[-1]) == size
        return lines

    def sub_packet(self, channel: int) -> tuple[int, bytes]:
        """Take a chunk as id, one as length, then chunks until the length is reached."""
        number, length = self.integer(channel), self.integer(channel)
        data = b""
        while len(data) < length:
            data += self.next_chunk(channel)
        return number, data

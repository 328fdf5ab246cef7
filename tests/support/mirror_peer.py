"""A client of a mirror server that knows the reference alone."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

from groundwork.closing import Closing

WITHIN_S = 60.0
FULL, PARTIAL = 3, 4


@dataclass(frozen=True)
class Update:
    """An answer: its type, and what follows the 8 bytes."""

    kind: int
    body: bytes


class MirrorPeer(Closing):
    """A connection."""

    def __init__(self, port: int, host: str = "127.0.0.1", receive_buffer: int = 0) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(WITHIN_S)
        self.socket.connect((host, port))

    def send(self, kind: int, body: bytes = b"") -> None:
        """Send a message."""
        self.socket.sendall(struct.pack("=II", 8 + len(body), kind) + body)

    def ask(self) -> None:
        """Ask for an update."""
        self.send(2)

    def receive(self) -> Update:
        """Receive one update."""
        size, kind = struct.unpack("=II", self._exactly(8))
        return Update(kind, self._exactly(size - 8))

    def update(self) -> Update:
        """Ask for one, and receive it."""
        self.ask()
        return self.receive()

    def _exactly(self, size: int) -> bytes:
        found = bytearray()
        while len(found) < size:
            piece = self.socket.recv(size - len(found))
            if not piece:
                raise EOFError(f"closed after {len(found)} of {size} bytes")
            found += piece
        return bytes(found)

    def is_closed(self) -> bool:
        """Wait until the server closes the connection; what still comes is thrown away."""
        try:
            while self.socket.recv(1 << 20):
                pass
        except ConnectionError:
            pass
        return True

    def close(self) -> None:
        """Close it."""
        self.socket.close()

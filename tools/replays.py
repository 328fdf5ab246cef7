"""Replays: what one client sends to a Player is recorded on the line, byte by byte, and sent again by
others."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

from groundwork.closing import Closing

__all__ = ["Tap", "replay"]

READ_BYTES = 1 << 16
GREETED_WITHIN_S, ANSWERED_WITHIN_S = 10.0, 0.2
GREETING_BYTES = 64
"""Of ZMTP 3."""


class Tap(Closing):
    """A line to a port of this host that keeps what its first client sends.

    Args:
        port: Where the Player serves.

    Attributes:
        url: Where the client connects instead.
        sent: By the client, so far.
    """

    def __init__(self, port: int) -> None:
        self.sent = bytearray()
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self._ends: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def _serve(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:
            return  # closed, and nobody came
        server = socket.create_connection(("127.0.0.1", self._port))
        self._ends += [client, server]
        back = threading.Thread(
            target=_pump, args=(server, client, lambda _data: None), daemon=True
        )
        self._threads.append(back)
        back.start()
        _pump(client, server, self.sent.extend)

    def close(self) -> None:
        """Cut the line."""
        for end in (self._listener, *self._ends):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the other side was faster
            end.close()
        for thread in self._threads:
            thread.join(10)


def _pump(source: socket.socket, target: socket.socket, note: Callable[[bytes], object]) -> None:
    try:
        while data := source.recv(READ_BYTES):
            note(data)
            target.sendall(data)
    except OSError:
        pass  # the line was cut


def replay(port: int, recorded: bytes) -> bool:
    """Send recorded bytes over a new connection, as a peer of ZeroMQ would: its greeting, and the rest
    when it was greeted; False: nothing came back after that."""
    with socket.create_connection(("127.0.0.1", port), GREETED_WITHIN_S) as sock:
        greeting = answer = b""
        try:
            sock.sendall(recorded[:GREETING_BYTES])
            while len(greeting) < GREETING_BYTES and (more := sock.recv(READ_BYTES)):
                greeting += more
            sock.sendall(recorded[GREETING_BYTES:])
            sock.settimeout(ANSWERED_WITHIN_S)
            answer = greeting[GREETING_BYTES:]
            while more := sock.recv(READ_BYTES):
                answer += more
        except OSError:
            pass  # it says no more, or has ended the connection
        return len(answer) > 0

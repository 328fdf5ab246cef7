"""Client-tracking router: a ROUTER socket that tells which of its clients have gone. Knows no dialect.

ZeroMQ drops a client without a word to the program; a proxy has to end what it holds for that
client.
"""

from __future__ import annotations

import secrets
import struct
from typing import Any

import zmq

__all__ = ["ClientTrackingRouter", "bound_url"]


def bound_url(socket: zmq.Socket[bytes], url: str) -> str:
    """Bind a socket; the URL that came of it, as `*` is any free port. zmq.ZMQError."""
    socket.set(zmq.IPV6, "[" in url)
    socket.bind(url)
    return socket.get_string(zmq.LAST_ENDPOINT).rstrip("\0")


class ClientTrackingRouter:
    """The ROUTER socket that clients connect to, which knows when one of them has gone.

    ZeroMQ tells a ROUTER nothing of that; but messages say which file descriptor they came from,
    and so does the event that one was closed.

    Args:
        context: ZeroMQ context.
        url: Where to bind; see `url` for what became of it.

    Raises:
        zmq.ZMQError: The address cannot be bound.
    """

    def __init__(self, context: zmq.Context[Any], url: str) -> None:
        self.socket: zmq.Socket[bytes] = context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.sndhwm = self.socket.rcvhwm = 0
        self._there: set[int] = set()
        address = f"inproc://zmqjsonproxy-front-{secrets.token_hex(8)}"
        self.monitor: zmq.Socket[bytes] = self.socket.get_monitor_socket(
            int(zmq.Event.ACCEPTED) | int(zmq.Event.DISCONNECTED), address
        )
        try:
            self.url = bound_url(self.socket, url)
        except BaseException:
            self.close()
            raise

    def gone(self) -> list[int]:
        """Return the file descriptors of connections that have ended since the last call."""
        gone: list[int] = []
        while int(self.monitor.get(zmq.EVENTS)) & zmq.POLLIN:
            event, fd = struct.unpack_from("=Hi", self.monitor.recv_multipart(zmq.NOBLOCK)[0])
            if event == zmq.Event.ACCEPTED:
                self._there.add(fd)
            else:
                self._there.discard(fd)
                gone.append(fd)
        return gone

    def has(self, fd: int) -> bool:
        """Tell whether a connection with this file descriptor is there, as of the last `gone`."""
        return fd in self._there

    def receive(self) -> tuple[bytes, int, list[bytes]]:
        """Receive: routing id, file descriptor, frames; zmq.Again: none is there."""
        first, *rest = self.socket.recv_multipart(zmq.NOBLOCK, copy=False)
        try:
            fd = int(first.get(zmq.MessageOption.SRCFD))
        except (zmq.ZMQError, TypeError, ValueError):  # not every transport has one
            fd = -1
        return first.bytes, fd, [frame.bytes for frame in rest]

    def close(self) -> None:
        """Close the socket, and with it all connections to it."""
        self.socket.disable_monitor()
        self.monitor.close(linger=0)
        self.socket.close(linger=0)

"""A connection to a server of the original's generation: a DEALER socket of its own. Decides
nothing.

Such a server is a REP socket. ZeroMQ lets REP talk to REQ and DEALER only and ends the connection
of the hub's ROUTER in the handshake, which is how the hub learns that it needs this.
"""

from __future__ import annotations

from typing import Any

import zmq

from zmqjsonproxy.protocol.transitions import PeerEvent
from zmqjsonproxy.sockmon import SocketMonitor

__all__ = ["Bridge"]


class Bridge:
    """One socket to one server; what was not delivered is dropped with it.

    Args:
        context: ZeroMQ context.
        url: Server.
        options: Socket options, as the hub's own.
    """

    def __init__(self, context: zmq.Context[Any], url: str, options: dict[int, int]) -> None:
        self.socket: zmq.Socket[bytes] = context.socket(zmq.DEALER)
        self.socket.linger = 0
        for option, value in options.items():
            self.socket.set(option, value)
        # libzmq below 4.2, of the original's time, answers no heartbeats and would be given up in
        # each longer call.
        self.socket.set(zmq.HEARTBEAT_IVL, 0)
        self.socket.set(zmq.TCP_KEEPALIVE, 1)
        self.socket.set(zmq.TCP_KEEPALIVE_IDLE, 1)
        self.socket.set(zmq.TCP_KEEPALIVE_INTVL, 1)
        self.socket.set(zmq.TCP_KEEPALIVE_CNT, 3)
        self._monitor = SocketMonitor(self.socket)
        self.socket.connect(url)

    def send(self, body: bytes) -> None:
        """Send a message in the envelope of a REQ socket."""
        self.socket.send_multipart([b"", body], zmq.NOBLOCK)

    def receive(self) -> bytes | None:
        """Return the body of the next message, None if there is none; does not wait."""
        try:
            return self.socket.recv_multipart(zmq.NOBLOCK)[-1]
        except zmq.Again:
            return None

    def events(self) -> list[PeerEvent]:
        """Return what has happened to the connection since the last call."""
        return self._monitor.read()

    def close(self) -> None:
        """Close the connection."""
        self._monitor.close()
        self.socket.close(linger=0)

"""Monitor of a socket: ZeroMQ's events as transitions of connections, by which one that is made,
refused or lost is noticed. Silence of a peer is `zmqjsonproxy.rpc.silence`'s."""

from __future__ import annotations

import secrets
import struct
from collections import Counter
from typing import Any

import zmq

from zmqjsonproxy.protocol.transitions import PeerEvent, Transition

__all__ = ["PeerEvent", "SocketMonitor", "Transition"]


_EVENTS: dict[int, Transition] = {
    int(zmq.Event.HANDSHAKE_SUCCEEDED): Transition.CONNECTED,
    int(zmq.Event.CLOSED): Transition.REFUSED,
    int(zmq.Event.CONNECT_RETRIED): Transition.REFUSED,
    int(zmq.Event.DISCONNECTED): Transition.LOST,
    int(zmq.Event.HANDSHAKE_FAILED_NO_DETAIL): Transition.HANDSHAKE_FAILED,
    int(zmq.Event.HANDSHAKE_FAILED_PROTOCOL): Transition.HANDSHAKE_FAILED,
    int(zmq.Event.HANDSHAKE_FAILED_AUTH): Transition.KEY_UNCHECKED,
}
_MEANT: dict[tuple[int, int], Transition] = {
    (int(zmq.Event.HANDSHAKE_FAILED_AUTH), 400): Transition.KEY_UNKNOWN,
    (int(zmq.Event.HANDSHAKE_FAILED_PROTOCOL), 0x11000002): Transition.OTHER_MECHANISM,
}
"""Meaning of events with a value: the status of the peer's authenticator, and
ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH."""


class SocketMonitor:
    """Reads the events of one socket; to be used by the thread that owns the socket.

    Attributes:
        descriptors: Of connections that were made, as far as was read, by endpoint. They are
            ZeroMQ's.
    """

    def __init__(self, socket: zmq.Socket[Any]) -> None:
        self._watched = socket
        self.descriptors: dict[str, int] = {}
        self._begun: set[str] = set()  # of which nothing was read yet
        self._given_up: Counter[str] = Counter()  # whose ends are still to come
        mask = sum(_EVENTS) | int(zmq.Event.CONNECTED)
        # A name of our own: pyzmq makes one of the file descriptor, which may be that of a socket
        # closed just now.
        address = f"inproc://zmqjsonproxy-monitor-{secrets.token_hex(8)}"
        self.socket: zmq.Socket[bytes] = socket.get_monitor_socket(mask, address)
        """The socket to wait on; it is readable when there is something to `read`."""

    def begin(self, endpoint: str) -> None:
        """Note that the socket is being connected."""
        self.descriptors.pop(endpoint, None)
        self._begun.add(endpoint)

    def end(self, endpoint: str) -> None:
        """Note that the socket was disconnected. If it was not connected yet, ZeroMQ tells of the end
        later, perhaps behind the next `begin`, whose end that is not."""
        self.descriptors.pop(endpoint, None)
        if endpoint in self._begun:
            self._begun.remove(endpoint)
            self._given_up[endpoint] += 1

    def read(self) -> list[PeerEvent]:
        """Return what has happened since the last call; does not wait."""
        events: list[PeerEvent] = []
        while int(self.socket.get(zmq.EVENTS)) & zmq.POLLIN:
            frames = self.socket.recv_multipart(zmq.NOBLOCK)
            code, value = struct.unpack_from("=Hi", frames[0])
            if len(frames) < 2:
                continue
            endpoint = frames[1].rstrip(b"\0").decode("utf-8", "replace")
            transition = _MEANT.get((code, value)) or _EVENTS.get(code)
            if transition is Transition.REFUSED and self._given_up[endpoint]:
                self._given_up[endpoint] -= 1
                continue
            self._begun.discard(endpoint)
            del self._given_up[endpoint]  # what comes is in order: of earlier ones nothing is left
            if transition is not None:
                events.append(PeerEvent(endpoint, transition))
            if code == zmq.Event.CONNECTED:
                self.descriptors[endpoint] = value
            elif transition is not Transition.CONNECTED:
                self.descriptors.pop(endpoint, None)
        return events

    def close(self) -> None:
        """Stop watching."""
        self._watched.disable_monitor()
        self.socket.close(linger=0)  # disabling forgets it, and no more

"""Probe: asks a peer for its greeting, which tells the mechanism that it demands. Waits for
nothing."""

from __future__ import annotations

from typing import Any

import zmq

from zmqjsonproxy.rpc.protocol.handshakes import OPENING, Mechanism, read_greeting

__all__ = ["Probe"]

_WITHIN_S = 0.3


class Probe:
    """One question to one address.

    Args:
        context: ZeroMQ context.
        address: Of the peer.
        now: s, monotonic.
        by_ipv6: Its name may stand for such an address.
    """

    def __init__(
        self, context: zmq.Context[Any], address: str, now: float, *, by_ipv6: bool
    ) -> None:
        self._end, self._heard = now + _WITHIN_S, b""
        self._stream: zmq.Socket[bytes] = context.socket(zmq.STREAM)
        self._stream.linger = 0
        self._stream.set(zmq.IPV6, by_ipv6)
        self._stream.set(zmq.RECONNECT_IVL, -1)
        self._stream.connect(address)

    def look(self, now: float) -> Mechanism | None:
        """Return what the peer demands; None: it is not known yet."""
        try:
            while True:
                peer, data = self._stream.recv_multipart(zmq.NOBLOCK)
                if data:
                    self._heard += data
                elif self._heard:  # it hung up
                    return read_greeting(self._heard) or Mechanism.UNKNOWN
                else:  # the connection is made
                    self._stream.send_multipart([peer, OPENING], zmq.NOBLOCK)
        except zmq.ZMQError:  # nothing more is there, or the peer is not
            pass
        found = read_greeting(self._heard)
        return Mechanism.UNKNOWN if found is None and now >= self._end else found

    def close(self) -> None:
        """Hang up."""
        self._stream.close()

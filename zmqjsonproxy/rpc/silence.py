"""Silence of TCP connections, byte by byte, as Linux counts it: it tells of a peer that is gone
without a word.

ZeroMQ's own heartbeats count whole frames: one that takes longer than their time-out on a slow line
would end its connection, again and again.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Mapping

__all__ = ["Silence"]

_LAST_RECEIVED = 52  # tcpi_last_data_recv in struct tcp_info, ms
_SIZE = _LAST_RECEIVED + 4
_LOOKED_AWAY_S = 0.25


class Silence:
    """Watch over connections whose peer sends something all the time.

    Args:
        timeout: Silence that is too long, s.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._looked_at = self._since = 0.0

    @staticmethod
    def is_measured() -> bool:
        """Tell whether this system counts it."""
        return sys.platform == "linux"

    def look(self, descriptors: Mapping[str, int], now: float) -> dict[str, int]:
        """Return those of some connections that are silent for too long; to be called every
        0.1 s or so. What was not looked at for longer, by a process that was frozen, has the whole
        time again.

        Args:
            descriptors: Endpoint -> descriptor of the socket.
            now: s, monotonic.
        """
        if now - self._looked_at > _LOOKED_AWAY_S:
            self._since = now
        self._looked_at = now
        if now - self._since <= self._timeout:
            return {}
        return {
            endpoint: descriptor
            for endpoint, descriptor in descriptors.items()
            if _quiet_for(descriptor) > self._timeout
        }


def _quiet_for(descriptor: int) -> float:
    """Return the time since something was received, s; 0: the descriptor is of no connection."""
    try:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, fileno=descriptor)
    except OSError:
        return 0.0
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _SIZE)
    except OSError:
        return 0.0
    finally:
        sock.detach()  # it is ZeroMQ's
    if len(info) < _SIZE:
        return 0.0
    (quiet_ms,) = struct.unpack_from("=I", info, _LAST_RECEIVED)
    return float(quiet_ms) / 1000

"""Sockets that listen for connections over TCP."""

from __future__ import annotations

import socket

__all__ = ["listen"]

_BACKLOG = 1024


def listen(address: str, port: int) -> socket.socket:
    """Listen at an address; dead peers are noticed.

    Args:
        address: Its number.
        port: 0: any free one.

    Raises:
        OSError: It cannot be had.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.create_server(
        (address, port), family=family, backlog=_BACKLOG, dualstack_ipv6=address == "::"
    )
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made

"""Connections to a port manager as both clients make them: options, and what may be wrong with one.
Asks nothing."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterator

__all__ = ["acknowledge_at_once", "check", "looking_up"]

_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # of Linux


@contextlib.contextmanager
def looking_up(host: str) -> Iterator[None]:
    """Turn the error of a text that nobody could look up into that of names that are not found."""
    try:
        yield
    except UnicodeError as error:
        text = f"{host!r} is no name of a computer: {error}"
        raise socket.gaierror(socket.EAI_NONAME, text) from error


def check(sock: socket.socket, host: str, port: int) -> None:
    """Refuse a connection both ends of which are one: nobody listens, and the system gave it that
    very port, one of those that it gives to clients (`ip_local_port_range`).

    Raises:
        ConnectionRefusedError: It is such a one.
    """
    met_itself = False
    with contextlib.suppress(OSError):  # gone already, which the first request will tell
        met_itself = sock.getsockname() == sock.getpeername()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if met_itself:
        raise ConnectionRefusedError(errno.ECONNREFUSED, f"nobody listens at {host} port {port}")


def acknowledge_at_once(sock: socket.socket) -> None:
    """Have what arrives next acknowledged without delay; for each reply anew.

    The original servers write a reply in two pieces, and the second one waits for the
    acknowledgement of the first: 40 ms, on a connection that is kept.
    """
    if _QUICKACK is not None:
        with contextlib.suppress(OSError):  # it is gone, as the next step will say
            sock.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

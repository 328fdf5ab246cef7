"""Addresses of Players: URLs from host and port and back, and free ports."""

from __future__ import annotations

import ipaddress
import re
import socket

__all__ = ["free_ports", "is_loopback", "local_url", "port_of", "split_url", "tcp_url"]

_URL = re.compile(r"tcp://(?:\[(?P<six>[^\]\s]+)\]|(?P<host>[^:/\[\]\s]+)):(?P<port>\d+|\*)\Z")


def tcp_url(host: str, port: int) -> str:
    """Return `tcp://host:port`; an IPv6 address gets its brackets."""
    return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"


def split_url(url: str) -> tuple[str, int]:
    """Return (host, port) of a `tcp://` URL; port 0 for `*`.

    Raises:
        ValueError: Not `tcp://host:port`, or the port is above 65535.
    """
    match = _URL.match(url)
    if match is None:
        raise ValueError(f"{url!r} is not tcp://HOST:PORT")
    port = 0 if match["port"] == "*" else int(match["port"])
    if port > 65535:
        raise ValueError(f"{url!r}: a port is at most 65535")
    return match["six"] or match["host"], port


def port_of(url: str) -> int:
    """Return the port of a `tcp://` URL, 0 for `*`."""
    return split_url(url)[1]


def is_loopback(url: str) -> bool:
    """Tell whether only programs of this host can reach the address. Names are not resolved."""
    host = split_url(url)[0]
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def local_url(url: str) -> str:
    """Return the URL by which this host reaches a server that was bound to `url`."""
    host, port = split_url(url)
    if host in ("0.0.0.0", "*"):
        return tcp_url("127.0.0.1", port)
    if host == "::":
        return tcp_url("::1", port)
    return url


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Return ports that nobody serves on now; all different. Another program may take one later."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for sock in sockets:
            sock.bind((host, 0))
        return [int(sock.getsockname()[1]) for sock in sockets]
    finally:
        for sock in sockets:
            sock.close()

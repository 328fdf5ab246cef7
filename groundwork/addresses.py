"""Addresses as texts: hosts, `tcp://HOST:PORT` and back. Looks nothing up."""

from __future__ import annotations

import ipaddress
import re

__all__ = [
    "bind_address",
    "checked_host",
    "checked_network",
    "is_by_name",
    "is_every_address",
    "is_ip",
    "is_loopback_host",
    "is_of_others",
    "split_url",
    "tcp_url",
]

LOOPBACK = {"localhost": "127.0.0.1", "lo": "127.0.0.1"}
"""Names that one may serve on, and what they stand for."""
_URL = re.compile(r"tcp://(?:\[(?P<six>[^\]\s]+)\]|(?P<host>[^:/\[\]\s]+)):(?P<port>\d+|\*)\Z")
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9_.])?\Z")
_PORT_BEHIND = re.compile(r"(?P<host>[^:]+|\[[^\]]*\]):\d+\Z")


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


def checked_host(text: str) -> str:
    """Return a host, a name or an address without brackets.

    Raises:
        ValueError: It is none, with what to write instead.
    """
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if is_ip(bare):
        return bare
    if "://" in text:
        raise ValueError(f"{text!r} is a URL; write the host alone, as hpc1")
    if behind := _PORT_BEHIND.match(text):
        raise ValueError(
            f"{text!r} has a port; write the host alone, as {behind['host']}: a port has a key of its own"
        )
    if not text.isascii():
        raise ValueError(
            f"{text!r} is not ASCII; write the host as name services have it{_in_ascii(text)}"
        )
    if not _HOST.match(text):
        raise ValueError(
            f"{text!r} is no host; write a name as hpc1, or an address as 10.0.0.1 or fd00::1"
        )
    return text


def _in_ascii(text: str) -> str:
    try:
        return f", as {text.encode('idna').decode()}"
    except UnicodeError:
        return ""


def bind_address(text: str) -> str:
    """Return an address to serve on as a number where a name stands for one; `lo` and `localhost`
    are 127.0.0.1."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    return LOOPBACK.get(bare, bare)


def is_ip(host: str) -> bool:
    """Tell whether a host is an address, of either kind."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_by_name(url: str) -> bool:
    """Tell whether a URL has a name in the place of an address, which may stand for several."""
    try:
        return not is_ip(split_url(url)[0])
    except ValueError:  # of another transport
        return False


def is_every_address(host: str) -> bool:
    """Tell whether to serve on it is to serve on all addresses of the host."""
    return host in ("", "*", "0.0.0.0", "::")


def is_loopback_host(host: str) -> bool:
    """Tell whether only programs of the same host reach it. Names are not resolved, but `localhost`
    and `lo`."""
    host = bind_address(host)
    return is_ip(host) and ipaddress.ip_address(host).is_loopback


def is_of_others(host: str) -> bool:
    """Tell whether an address is a number, and not of this host alone."""
    return is_ip(host) and not is_loopback_host(host)


def checked_network(text: str) -> str:
    """Return a network, or an address, as text.

    Raises:
        ValueError: It is none, with what to write instead.
    """
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(
            f"{text!r} is no network: {error}; write one as 192.168.1.0/24, or an address"
        ) from None
    return text

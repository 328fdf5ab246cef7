"""Addresses of Players as this host sees them."""

from __future__ import annotations

from groundwork.addresses import is_loopback_host, split_url, tcp_url

__all__ = ["is_loopback", "local_url", "port_of", "split_url", "tcp_url"]


def port_of(url: str) -> int:
    """Return the port of a `tcp://` URL, 0 for `*`."""
    return split_url(url)[1]


def is_loopback(url: str) -> bool:
    """Tell whether only programs of this host can reach the address. Names are not resolved."""
    return is_loopback_host(split_url(url)[0])


def local_url(url: str) -> str:
    """Return the URL by which this host reaches a server that was bound to `url`."""
    host, port = split_url(url)
    if host in ("0.0.0.0", "*"):
        return tcp_url("127.0.0.1", port)
    if host == "::":
        return tcp_url("::1", port)
    return url

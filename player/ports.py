"""Addresses of Players as this host sees them."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import TypeVar

from groundwork.addresses import is_ip, is_loopback_host, split_url, tcp_url
from groundwork.peers import Peers, no_peers
from player.errors import PortTakenError
from zmqjsonproxy.errors import RefusedError

__all__ = [
    "address_for_peers",
    "address_of_device",
    "first_free",
    "is_loopback",
    "local_url",
    "port_of",
    "split_url",
    "tcp_url",
]

T = TypeVar("T")


def first_free(ports: range, at: Callable[[int], T]) -> T:
    """Serve at the first port of a range that is free; what `at` returns.

    Args:
        ports: Are tried in their order.
        at: Serves at a port; PortTakenError if it is taken.

    Raises:
        PortTakenError: All are taken.
    """
    for port in ports[:-1]:
        try:
            return at(port)
        except PortTakenError:
            continue
    try:
        return at(ports[-1])
    except PortTakenError as error:
        raise PortTakenError(error.url, ports) from error


def address_of_device(bind: str) -> str:
    """Return the address of a network device, `eth0`, IPv4 before IPv6; an address as it is, and
    `*` as all of IPv4.

    Raises:
        OSError: There is no such device, or it has no address.
    """
    if is_ip(bind) or bind == "*":
        return bind.replace("*", "0.0.0.0")
    import psutil  # late: few need it

    cards = psutil.net_if_addrs()
    for family in (socket.AF_INET, socket.AF_INET6):
        for each in cards.get(bind, ()):
            if each.family == family:
                return str(each.address)
    raise OSError(
        errno.EADDRNOTAVAIL,
        f"{bind} is neither an address nor a network device with one; devices: {', '.join(cards)}",
    )


def address_for_peers(bind: str, peers: Peers, *, is_own: bool) -> str:
    """Return the address at which an endpoint of a foreign protocol serves: the loopback one, if
    nobody elsewhere is a peer.

    Args:
        bind: The one that the file says.
        peers: Of the endpoint.
        is_own: It stands in the endpoint's table; that of the Bank is meant for calls.

    Raises:
        RefusedError: It is one of its own, which others reach, and there are no peers there.
    """
    if peers.has_others or is_loopback_host(bind):
        return bind
    if is_own:
        raise RefusedError(no_peers(bind))
    return "127.0.0.1"


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

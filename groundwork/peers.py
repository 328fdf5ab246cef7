"""Peers of protocols that carry no keys: networks whose hosts may connect, and the role of each, as
`192.168.1.0/24=operate`. Looks nothing up.

Of several networks that an address is in, the smallest counts. This host may all, unless a network
that is named is as small as the loopback network: `127.0.0.0/8=observe`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from groundwork.addresses import checked_network, is_of_others
from groundwork.roles import Role, read_role

__all__ = [
    "PeerNetwork",
    "Peers",
    "checked_peer",
    "checked_peers_of",
    "no_peers",
    "observing",
    "plain_address",
    "read_peer",
]

_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
_LOOPBACK = ("127.0.0.0/8", "::1/128")


@dataclass(frozen=True, slots=True)
class PeerNetwork:
    """Hosts of a network, and their role."""

    network: _Network
    role: Role = Role.OBSERVE

    def __str__(self) -> str:
        return f"{self.network}={self.role}"


def read_peer(text: str) -> PeerNetwork:
    """Read `NETWORK` or `NETWORK=ROLE`; without a role it is `observe`.

    Raises:
        ValueError: It is neither, with what to write instead.
    """
    network, equals, role = text.partition("=")
    return PeerNetwork(
        ipaddress.ip_network(checked_network(network)), read_role(role) if equals else Role.OBSERVE
    )


def checked_peer(text: str) -> str:
    """Return the text of a peer; errors as of `read_peer`."""
    read_peer(text)
    return text


def checked_peers_of(bind: str | None, peers: Iterable[str]) -> None:
    """Refuse an address that other hosts reach, if none of them may connect.

    Args:
        bind: Address to serve on; None: not known here.
        peers: As `read_peer` reads them.

    Raises:
        ValueError: With what to write instead.
    """
    if bind is not None and is_of_others(bind) and not Peers(peers).has_others:
        raise ValueError(no_peers(bind))


def no_peers(bind: str) -> str:
    """Return the sentence on an address that other hosts reach in vain."""
    return (
        f"bind: other hosts reach {bind}, and none of them may connect: name those that may, and their "
        'role, `peers = ["192.168.1.0/24=observe"]` in the table of this endpoint, or --peers'
    )


@lru_cache(1000)  # each connection asks for one of the same few
def plain_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return an address without the zone of an IPv6 one, and an IPv4 one in IPv6 as such;
    ValueError: it is none."""
    address = ipaddress.ip_address(text.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address


def observing(peers: Iterable[str]) -> list[str]:
    """Return the same peers, none of which may change anything, this host neither."""
    networks = *(str(read_peer(text).network) for text in peers), *_LOOPBACK
    return [str(PeerNetwork(ipaddress.ip_network(network))) for network in networks]


class Peers:
    """Peers of an endpoint.

    Args:
        peers: As `read_peer` reads them.

    Raises:
        ValueError: One of them is none.
    """

    def __init__(self, peers: Iterable[str] = ()) -> None:
        named = [read_peer(text) for text in peers]
        own = [PeerNetwork(ipaddress.ip_network(network), Role.ADMIN) for network in _LOOPBACK]
        # a stable order: of two equal networks the one that is named later counts, and any before ours
        self._peers = sorted((*reversed(named), *own), key=lambda peer: -peer.network.prefixlen)
        self.has_others = any(not peer.network.is_loopback for peer in named)

    def role(self, address: str) -> Role | None:
        """Return the role of a host; None: it may not connect.

        Args:
            address: Its number, of IPv4 or IPv6.
        """
        try:
            found = plain_address(address)
        except ValueError:
            return None
        return next((peer.role for peer in self._peers if found in peer.network), None)

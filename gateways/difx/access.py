"""Rights of clients by the address they come from."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from enum import StrEnum

__all__ = ["Access", "Role"]


class Role(StrEnum):
    """Rights of a client: an observer reads, an operator changes things, too."""

    OBSERVER = "observer"
    OPERATOR = "operator"


class Access:
    """Networks whose hosts may connect, and those whose hosts may change things.

    Args:
        peers: Networks, as 192.168.1.0/24.
        operators: Those of operators.
    """

    def __init__(self, peers: Iterable[str], operators: Iterable[str]) -> None:
        self._peers = [ipaddress.ip_network(text) for text in peers]
        self._operators = [ipaddress.ip_network(text) for text in operators]

    def role(self, address: str) -> Role | None:
        """Return the role of a client; None: it may not connect.

        Args:
            address: Number of its host, of IPv4 or IPv6.
        """
        found = ipaddress.ip_address(address.partition("%")[0])
        found = getattr(found, "ipv4_mapped", None) or found
        if not any(found in network for network in self._peers):
            return None
        is_operator = any(found in network for network in self._operators)
        return Role.OPERATOR if is_operator else Role.OBSERVER

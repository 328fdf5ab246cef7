"""Host and Origin of a request: against names that were rebound to this address, and pages of other
origins; peers that may ask. Looks nothing up.

Sources: RFC 9110 section 7.2, RFC 6454, Fetch Metadata Request Headers (W3C).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import TypeAlias

__all__ = ["Network", "is_admitted", "refusal"]

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_HOST = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::\d{1,5})?\Z")
_SHOWN = 80


def refusal(
    headers: Mapping[str, str],
    *,
    is_websocket: bool,
    local: str,
    names: Collection[str],
    links: bool = True,
) -> str:
    """Return why a request is not answered; empty: it is.

    Args:
        headers: By lower-case name; a name that came twice has both values, joined by a comma.
        is_websocket: It asks for a WebSocket, which browsers let any page do.
        local: Address that the connection came to.
        names: By which the host may be called, in lower case, besides this address.
        links: Pages of other origins may have links to it: to follow one changes nothing.
    """
    host = headers.get("host", "")
    if not _is_ours(host, local, names):
        return (
            f"the header Host names {host[:_SHOWN]!r}, which this Player is not called; open it by its "
            "address, or add the name to `hosts` in the table of this endpoint"
        )
    origin = headers.get("origin")
    if origin is None:
        if is_websocket:
            return (
                "a WebSocket needs the header Origin, equal to the address of this Player, "
                f"as http://{host}"
            )
    elif origin.lower() not in (f"http://{host}".lower(), f"https://{host}".lower()):
        return f"a page of {origin[:_SHOWN]!r} may not read from http://{host}: open it from there"
    site, mode = headers.get("sec-fetch-site", "none"), headers.get("sec-fetch-mode", "")
    is_link = links and not is_websocket and mode == "navigate"
    if site not in ("same-origin", "none") and not is_link:
        return f"a page of another origin may not read from http://{host}: open it from there"
    return ""


def _is_ours(host: str, local: str, names: Collection[str]) -> bool:
    match = _HOST.match(host)
    if match is None:
        return False
    named = (match["six"] or match["name"]).lower().rstrip(".")
    if named in names:
        return True
    try:
        address, own = _address(named), _address(local)
    except ValueError:
        return False
    return address == own or (address.is_loopback and own.is_loopback)


@lru_cache(1000)  # each request asks for the same few
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    address = ipaddress.ip_address(text)
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped


def is_admitted(peer: str, networks: Iterable[Network]) -> bool:
    """Tell whether a peer, an address, may ask: those of the same host may, and of networks."""
    try:
        address = _address(peer)
    except ValueError:
        return False
    return address.is_loopback or any(address in network for network in networks)

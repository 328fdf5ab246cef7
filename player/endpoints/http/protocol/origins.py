"""Host and Origin of a request: against names that were rebound to this address, and pages of other
origins. Looks nothing up.

Sources: RFC 9110 section 7.2, RFC 6454, Fetch Metadata Request Headers (W3C).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from groundwork.peers import plain_address
from player.endpoints.http.protocol.credentials import has_bearer

__all__ = ["OURS", "change_refusal", "refusal"]

OURS = "x-dealer-player"
"""Header of requests that change something: no form and no link of another page can send it."""
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
            f"the header Host names {host[:_SHOWN]!r}, which this server is not called; open it by its "
            "address, or add the name to `hosts` in its table of the configuration"
        )
    origin = headers.get("origin")
    if origin is None:
        if is_websocket and not has_bearer(headers):
            return (
                "a WebSocket needs the header Origin, equal to the address of this server, "
                f"as http://{host}"
            )
    elif origin.lower() not in (f"http://{host}".lower(), f"https://{host}".lower()):
        return f"a page of {origin[:_SHOWN]!r} may not read from http://{host}: open it from there"
    site, mode = headers.get("sec-fetch-site", "none"), headers.get("sec-fetch-mode", "")
    is_link = links and not is_websocket and mode == "navigate"
    if site not in ("same-origin", "none") and not is_link:
        return f"a page of another origin may not read from http://{host}: open it from there"
    return ""


def change_refusal(headers: Mapping[str, str], *, scheme: str) -> str:
    """Return why a request that `refusal` lets through may not change anything; empty: it may.

    Args:
        headers: By lower-case name.
        scheme: Of this server, http or https.
    """
    own = f"{scheme}://{headers.get('host', '')}"
    if headers.get(OURS) != "1":
        return "what changes something needs the header X-Dealer-Player: 1"
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and headers.get("content-length", "0") != "0":
        return "what changes something has a body of JSON: Content-Type: application/json"
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return f"a page of another origin may change nothing at {own}"
    origin = headers.get("origin")
    if origin is None:
        if not has_bearer(headers):
            return f"what changes something needs the header Origin: {own}, or a bearer token"
    elif origin.lower() != own.lower():
        return f"a page of {origin[:_SHOWN]!r} may change nothing at {own}"
    return ""


def _is_ours(host: str, local: str, names: Collection[str]) -> bool:
    match = _HOST.match(host)
    if match is None:
        return False
    named = (match["six"] or match["name"]).lower().rstrip(".")
    if named in names:
        return True
    try:
        address, own = plain_address(named), plain_address(local)
    except ValueError:
        return False
    return address == own or (address.is_loopback and own.is_loopback)

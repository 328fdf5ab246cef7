"""Advice below an error that says that no Player answers. Looks names of hosts up."""

from __future__ import annotations

import socket
from collections.abc import Iterable

from dealer.errors import PlayersError
from portmanager.protocol.urls import ServiceAddress, is_service
from zmqjsonproxy import portsearch
from zmqjsonproxy.errors import PeerLostError

__all__ = ["ADVICE", "advice_for", "unknown_host"]

ADVICE = "`dealer doctor` says what puts it right"
LOOKED_UP = 4
"""Hosts of one error; a lookup may take seconds."""


def unknown_host(url: str) -> tuple[str, str] | None:
    """Return the host of a Player's address and why its name stands for nothing here; None: it
    stands for something."""
    if is_service(url):
        host = ServiceAddress.read(url).manager.host
    else:
        transport, _, address = url.partition("://")
        if transport not in ("tcp", portsearch.SCHEME):
            return None
        host = address.rpartition(":")[0].strip("[]")
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError) as error:
        return host, getattr(error, "strerror", None) or str(error)
    return None


def advice_for(*errors: BaseException | None) -> list[str]:
    """Return what to say below errors; nothing if none of them is about a Player that does not
    answer."""
    lost = [error for error in _each(errors) if isinstance(error, PeerLostError)]
    found = [
        unknown_host(url) for url in list(dict.fromkeys(error.peer for error in lost))[:LOOKED_UP]
    ]
    unknown = dict(each for each in found if each is not None)
    if not unknown:
        return [ADVICE] if lost else []
    hosts, why = ", ".join(unknown), " / ".join(dict.fromkeys(unknown.values()))
    text = f"unknown here: host {hosts} ({why}); correct the name, or add it to the name service or /etc/hosts"
    return [text, ADVICE]


def _each(errors: Iterable[BaseException | None]) -> Iterable[BaseException | None]:
    for error in errors:
        yield error
        if isinstance(error, PlayersError):
            yield from (outcome.error for outcome in error.failed.values())

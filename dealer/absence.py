"""Players that cannot be asked: keys, connections, names of hosts; what it means, and what puts it right.
Looks names of hosts up, and tries connections."""

from __future__ import annotations

import socket
from contextlib import suppress

from commandline import Finding
from dealer.advice import unknown_host
from zmqjsonproxy import CallTimeoutError, PeerLostError
from zmqjsonproxy.errors import (
    AccessError,
    KeysNeededError,
    NoKeysThereError,
    RevokedKeyError,
    UnknownKeyError,
    WrongServerKeyError,
)
from zmqjsonproxy.sockmon import Transition

__all__ = ["absence_finding", "host_finding", "unreachable_host"]

CONNECT_WITHIN_S = 1.0


def host_finding(bank: str, url: str) -> Finding | None:
    """Return what to say of a host whose name stands for nothing here; None: it stands for
    something."""
    if (unknown := unknown_host(url)) is None:
        return None
    host, why = unknown
    remedy = f"add it to the name service or /etc/hosts, or correct banks.{bank}.hpc_host"
    return Finding("host", f"its host {host} is unknown here ({why})", remedy, bank)


def absence_finding(bank: str, url: str, error: Exception) -> Finding:
    """Return what it means that a Player could not be asked what it offers.

    Args:
        bank: Its Bank.
        url: Where it was asked.
        error: What came of that.
    """
    if isinstance(error, AccessError):
        return _of_refusal(bank, url, error)
    if not isinstance(error, PeerLostError | CallTimeoutError):
        text = f"what answers at {url} is no Player with a Bank ({error})"
        return Finding(
            "player", text, f"end that, or give banks.{bank}.player_port another port", bank
        )
    if _is_listening(url):
        text = f"something listens at {url}, but does not answer as a Player does"
        remedy = f"restart its Player there if it hangs, or end what has the port; `player doctor {bank}` tells which"
        return Finding("player", text, remedy, bank)
    reason = error.reason if isinstance(error, PeerLostError) else "nothing came back"
    remedy = f"start it on its host (player {bank}, or the supervisor), and look there with `player doctor {bank}`"
    if reason != Transition.REFUSED.value:
        remedy += "; if it runs, a firewall between the hosts, or the host itself, does not let this through"
    return Finding("player", f"no Player answers at {url} ({reason})", remedy, bank)


_REFUSED = {
    UnknownKeyError: (
        "does not know the key of this client",
        "have its administrator make one (`player keys new NAME` there), then dealer keys import BUNDLE",
    ),
    RevokedKeyError: (
        "has the key of this client revoked",
        "have its administrator make a new one (`player keys new NAME` there)",
    ),
    KeysNeededError: (
        "demands keys, and this client has none for it",
        "dealer keys trust HOST, and dealer keys import BUNDLE",
    ),
    WrongServerKeyError: (
        "has another key than the one that is trusted",
        "ask its administrator whether it was made anew; then dealer keys trust HOST --replace",
    ),
    NoKeysThereError: (
        "serves without keys, though one is trusted",
        "have it serve with keys, or dealer keys trust HOST:PORT --plain --replace",
    ),
}
"""Faults between a Player and the keys of this client, each with its remedy."""


def _of_refusal(bank: str, url: str, error: AccessError) -> Finding:
    text, remedy = _REFUSED.get(type(error), (f"refuses this client: {error.text}", "see there"))
    return Finding("keys", f"its Player at {url} {text}", remedy, bank)


def _is_listening(url: str) -> bool:
    """Tell whether a TCP connection can be made there, within 1 s."""
    transport, _, address = url.partition("://")
    host, _, port = address.rpartition(":")
    if transport != "tcp":
        return False
    with suppress(OSError):
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_WITHIN_S).close()
        return True
    return False


def unreachable_host(url: str) -> str:
    """Return why no connection gets to the host of an address, within 1 s, whatever is at the port;
    empty: it is reached, or the address is not of TCP."""
    transport, _, address = url.partition("://")
    host, _, port = address.rpartition(":")
    if transport != "tcp":
        return ""
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_WITHIN_S).close()
    except ConnectionError:
        return ""
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error) or "timed out"
    return ""

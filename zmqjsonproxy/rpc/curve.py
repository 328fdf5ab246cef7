"""CURVE on ZeroMQ sockets: options for the next bind or connect. Options hold at that moment, so
that one socket may have connections with keys and without."""

from __future__ import annotations

from typing import Any

import zmq

from groundwork.addresses import is_loopback_host, split_url
from zmqjsonproxy.rights import KeyPair, ServerKeys

__all__ = [
    "LIBZMQ_LEAST",
    "connect_plain",
    "connect_with_keys",
    "needs_keys",
    "serve_plain",
    "serve_with_keys",
    "why_no_keys",
]

LIBZMQ_LEAST = (4, 3, 3)
"""Below, malformed handshakes overrun memory (libzmq#3558), and one client that is not admitted
keeps all others from connecting (CVE-2020-15166)."""


def why_no_keys(version: tuple[int, ...], has_curve: bool) -> str:
    """Return why a ZeroMQ is not fit for keys, and the remedy; empty: it is."""
    remedy = "; install pyzmq from its wheels, which bring a libzmq that is"
    if version < LIBZMQ_LEAST:
        told, least = ".".join(map(str, version)), ".".join(map(str, LIBZMQ_LEAST))
        return f"libzmq {told} is not safe with keys, which need {least} or newer{remedy}"
    return "" if has_curve else f"this libzmq has no CURVE, which keys need{remedy}"


def needs_keys(url: str, keys: ServerKeys) -> bool:
    """Tell whether clients need keys at an address where a server with keys is bound."""
    if not url.startswith("tcp://"):  # within the host
        return False
    return keys.on_loopback or not is_loopback_host(split_url(url)[0])


def _check() -> None:
    if why := why_no_keys(zmq.zmq_version_info(), zmq.has("curve")):
        raise RuntimeError(why)


def serve_with_keys(socket: zmq.Socket[Any], keys: ServerKeys, domain: bytes) -> None:
    """Let the next bind of a socket demand keys, which its authenticator knows as `domain`.

    Raises:
        RuntimeError: This ZeroMQ is not fit for keys.
    """
    _check()
    socket.set(zmq.CURVE_SERVER, 1)
    socket.set(zmq.CURVE_SECRETKEY, keys.secret.encode())
    _ask_authenticator(socket, domain)


def serve_plain(socket: zmq.Socket[Any], domain: bytes) -> None:
    """Let the next bind of a socket take clients without keys; its authenticator is asked, too, for
    a peer that nobody was asked about could say itself whose key it has."""
    socket.set(zmq.CURVE_SERVER, 0)
    _ask_authenticator(socket, domain)


def _ask_authenticator(socket: zmq.Socket[Any], domain: bytes) -> None:
    socket.set(zmq.ZAP_DOMAIN, domain)
    socket.set(zmq.ZAP_ENFORCE_DOMAIN, 1)  # where there is no authenticator, nobody comes in


def connect_with_keys(socket: zmq.Socket[Any], pair: KeyPair, server: str) -> None:
    """Let the next connect of a socket use keys.

    Args:
        socket: What connects.
        pair: Its own keys.
        server: Public key of the server.

    Raises:
        RuntimeError: This ZeroMQ is not fit for keys.
        zmq.ZMQError: One of these is no key.
    """
    _check()
    socket.set(zmq.CURVE_SERVERKEY, server.encode())
    socket.set(zmq.CURVE_PUBLICKEY, pair.public.encode())
    socket.set(zmq.CURVE_SECRETKEY, pair.secret.encode())


def connect_plain(socket: zmq.Socket[Any]) -> None:
    """Let the next connect of a socket use no keys; of need only behind one that did."""
    socket.set(zmq.CURVE_SERVER, 0)

"""Transitions of connections as values: connected, refused, lost. No sockets: `zmqjsonproxy.sockmon`
notices them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["PeerEvent", "Transition"]


class Transition(Enum):
    """Change of a connection."""

    CONNECTED = "connected"
    REFUSED = "connection refused"
    LOST = "connection lost"
    HANDSHAKE_FAILED = "the peer speaks no ZeroMQ, or another security mechanism"
    OTHER_MECHANISM = "the peer wants another security mechanism"
    KEY_UNKNOWN = "the peer does not know the key"
    KEY_UNCHECKED = "the peer could not look the key up; its log tells more"


@dataclass(frozen=True, slots=True)
class PeerEvent:
    """One transition of the connection to `endpoint`."""

    endpoint: str
    transition: Transition

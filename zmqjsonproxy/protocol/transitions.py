"""Socket events as facts about peers: connected, refused, lost. No sockets."""

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


@dataclass(frozen=True, slots=True)
class PeerEvent:
    """One transition of the connection to `endpoint`."""

    endpoint: str
    transition: Transition

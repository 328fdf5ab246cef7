"""Settings of a connection for subscriptions, and of a subscription. Nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["LinkSettings", "QueuePolicy"]

_MAX_NAME = 120
"""Characters of a name that a Player keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """Watch that is kept on a Player by its subscriber, seconds. Defaults: RMIF /TIMEPING,
    /TIMEOUT, /TIMEDROP; a display takes `ping_every=1, timeout=3`.

    A Player that closes its connection, or whose host answers no more, is noticed by ZeroMQ within
    a second; these find the one that is connected and does not answer.

    Attributes:
        ping_every: Time between two heartbeats; at most 120.
        timeout: Without an answer for so long the connection is given up, and made anew.
        drop_after: Without a connection for so long no other one is tried, until `reconnect`.
        name: Name of the subscriber, by which a Bank sends messages to it; empty: `user@host:pid`.
    """

    ping_every: float = 4.0
    timeout: float = 15.0
    drop_after: float = 600.0
    name: str = ""

    def __post_init__(self) -> None:
        for name in ("ping_every", "timeout", "drop_after"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: {getattr(self, name)!r} is no time above 0, s")
        if self.ping_every > 120:
            raise ValueError(f"ping_every: {self.ping_every:g} s is above 120 s")
        if not self.name.isprintable() or len(self.name) > _MAX_NAME:
            text = f"printable characters, at most {_MAX_NAME}, are needed"
            raise ValueError(f"name: {self.name[:40]!r}: {text}")


class QueuePolicy(StrEnum):
    """Fate of updates that their reader does not take in time."""

    DROP_OLDEST = "drop_oldest"
    LATEST = "latest"
    DISCONNECT = "disconnect"

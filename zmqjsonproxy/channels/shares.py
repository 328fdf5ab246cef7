"""Shares of clients in the different limits of a property, each of which makes a stream of it."""

from __future__ import annotations

from zmqjsonproxy.channels.properties import Property
from zmqjsonproxy.channels.streams import Client, streams_of

__all__ = ["TooManyError", "check_share"]

LIMITS_OF_CLIENT_MOST = 100
"""Different limits of one property that a client may have."""
LIMITS_MOST = 1000
"""Of all clients; beyond it a client gets no more than its first LIMITS_ASSURED."""
LIMITS_ASSURED = 4


class TooManyError(ValueError):
    """There are too many of something."""


def check_share(client: Client, one: Property, is_new: bool) -> None:
    """Raise TooManyError if a client has its share of the different limits of a property; what is
    new counts for all clients."""
    streams = streams_of(one)
    mine, name = sum(client in each.clients for each in streams), one.declared.name
    remedy = "end some of these subscriptions, or take limits that one of them has"
    if mine >= LIMITS_OF_CLIENT_MOST:
        text = (
            f"{name}: a client has at most {LIMITS_OF_CLIENT_MOST} different limits of a property"
        )
        raise TooManyError(f"{text}; {remedy}")
    if is_new and mine >= LIMITS_ASSURED and sum(bool(s.clients) for s in streams) >= LIMITS_MOST:
        text = f"{name}: all clients together have {LIMITS_MOST} different limits of it"
        raise TooManyError(f"{text}, of which this one has {mine}; {remedy}")

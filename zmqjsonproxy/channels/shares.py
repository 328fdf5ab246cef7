"""Shares of clients in the different limits of a property, each of which makes a stream of it."""

from __future__ import annotations

from zmqjsonproxy.channels.properties import Property
from zmqjsonproxy.channels.streams import SubscribedClient, streams_of

__all__ = ["TooManyError", "check_share"]

MAX_CLIENT_LIMITS = 100
"""Different limits of one property that a client may have."""
MAX_LIMITS = 1000
"""Of all clients; beyond it a client gets no more than its first LIMITS_ASSURED."""
LIMITS_ASSURED = 4


class TooManyError(ValueError):
    """There are too many of something."""


def check_share(client: SubscribedClient, one: Property, is_new: bool) -> None:
    """Raise TooManyError if a client has its share of the different limits of a property; what is
    new counts for all clients."""
    streams = streams_of(one)
    mine, name = sum(client in each.clients for each in streams), one.declared.name
    remedy = "end some of these subscriptions, or take limits that one of them has"
    if mine >= MAX_CLIENT_LIMITS:
        text = f"{name}: a client has at most {MAX_CLIENT_LIMITS} different limits of a property"
        raise TooManyError(f"{text}; {remedy}")
    if is_new and mine >= LIMITS_ASSURED and sum(bool(s.clients) for s in streams) >= MAX_LIMITS:
        text = f"{name}: all clients together have {MAX_LIMITS} different limits of it"
        raise TooManyError(f"{text}, of which this one has {mine}; {remedy}")

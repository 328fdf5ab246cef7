"""Live channels: what an object publishes, and subscriptions to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundwork.lazyimports import lazy_names

if TYPE_CHECKING:
    from zmqjsonproxy.channels.properties import computed, message, pipe, published
    from zmqjsonproxy.channels.settings import LinkSettings, QueuePolicy
    from zmqjsonproxy.channels.subscription import Subscription, SubscriptionEndedError
    from zmqjsonproxy.channels.updates import Event, EventKind, Update

# A client does not pay for what only a server needs, nor a caller for subscriptions.
_LATE = {
    "Event": "zmqjsonproxy.channels.updates",
    "EventKind": "zmqjsonproxy.channels.updates",
    "LinkSettings": "zmqjsonproxy.channels.settings",
    "QueuePolicy": "zmqjsonproxy.channels.settings",
    "Subscription": "zmqjsonproxy.channels.subscription",
    "SubscriptionEndedError": "zmqjsonproxy.channels.subscription",
    "Update": "zmqjsonproxy.channels.updates",
    "computed": "zmqjsonproxy.channels.properties",
    "message": "zmqjsonproxy.channels.properties",
    "pipe": "zmqjsonproxy.channels.properties",
    "published": "zmqjsonproxy.channels.properties",
}

__all__ = [
    "Event",
    "EventKind",
    "LinkSettings",
    "QueuePolicy",
    "Subscription",
    "SubscriptionEndedError",
    "Update",
    "computed",
    "message",
    "pipe",
    "published",
]

__getattr__ = lazy_names(__name__, _LATE)

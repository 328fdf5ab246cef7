"""Subscriptions as tests read them: events awaited, counts compared."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Self

from dealer import Dealer
from groundwork.closing import Closing
from zmqjsonproxy.channels.protocol.limits import NO_LIMITS, Limits
from zmqjsonproxy.channels.settings import LinkSettings
from zmqjsonproxy.channels.subscription import Subscription
from zmqjsonproxy.channels.updates import Event, EventKind, Update
from zmqjsonproxy.subscriber import Subscriber, Target

WITHIN_S = 60.0
IMPATIENT = LinkSettings(ping_every=0.2, timeout=1.0)
PATIENT = LinkSettings(ping_every=0.2, timeout=WITHIN_S)
"""For whoever misses nothing, also where a busy machine leaves a heartbeat unanswered."""


@contextmanager
def called(url: str) -> Iterator[Any]:
    """Yield a proxy of a publishing Bank, which flows no more at the end."""
    with Dealer({"BANKA": url}, timeout=WITHIN_S) as d:
        yield d["BANKA"]
        d["BANKA"].flow(0)


class Watcher(Closing):
    """A subscriber, and its events.

    Args:
        settings: Of its links.
    """

    def __init__(self, settings: LinkSettings = IMPATIENT) -> None:
        self.subscriber = Subscriber(settings)
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def subscribe(
        self,
        url: str,
        *patterns: str,
        source: str = "BANKA",
        limits: Limits = NO_LIMITS,
        most: int = 10**7,
        **options: Any,
    ) -> Subscription:
        """Subscribe to properties of the object `bank`."""
        targets = [Target(url, source, tuple(("bank", each, limits) for each in patterns))]
        return self.subscriber.subscribe(
            targets, "test", most=most, on_event=self._events.put, **options
        )

    def wait_for(self, kind: EventKind) -> Event:
        """Wait for an event of a kind; those before it are dropped."""
        while True:
            event = self._events.get(timeout=WITHIN_S)
            if event.kind is kind:
                return event

    def close(self) -> None:
        """End all."""
        assert self.subscriber.close(WITHIN_S)

    def __enter__(self) -> Self:
        return self


def value_is(value: object) -> Callable[[Update], bool]:
    """Return a function that tells whether an update has a value."""
    return lambda update: update.value == value


def until(subscription: Subscription, value: object, within: float = WITHIN_S) -> list[Update]:
    """Return updates up to the one with a value."""
    end, taken = time.monotonic() + within, list[Update]()
    while not taken or taken[-1].value != value:
        taken.append(subscription.next(end - time.monotonic()))
    return taken


def assert_counted(updates: list[Update]) -> int:
    """Check, for one property within one life of its Player, that each number arrived once or was
    counted as lost; how many were lost."""
    for before, update in pairwise(updates):
        assert update.number == before.number + 1 + update.lost
    return sum(update.lost for update in updates[1:])

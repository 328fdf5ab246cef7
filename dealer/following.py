"""Following a subscription until it is enough: the loop of `dealer watch` and `dealer pipe`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from dealer.services import Services
from groundwork.printable import printable
from zmqjsonproxy.keys import KeyRing

if TYPE_CHECKING:
    from zmqjsonproxy.channels.subscription import Subscription
    from zmqjsonproxy.channels.updates import Event, Update

__all__ = ["End", "SubscriptionFollower", "UpdateSink", "subscribed"]

LOOK_S = 0.25
"""So often a sink may draw anew, s."""
PING_EVERY_S, SILENT_S = 1.0, 3.0
"""Settings of a display: a Player that says nothing for so long is stale, s."""


class UpdateSink(Protocol):
    """Receiver of what comes."""

    def take(self, update: Update) -> None: ...
    def note(self, event: Event) -> None: ...
    def look(self) -> None: ...


class End(Enum):
    """Reason for which nothing is taken any more."""

    INTERRUPTED = "Ctrl-C"
    ENOUGH = "as many as were wanted"
    TIME = "as long as was wanted"
    GIVEN_UP = "nothing will come"


@contextmanager
def subscribed(
    players: Mapping[str, str], patterns: Mapping[str, Sequence[str]], **options: Any
) -> Iterator[Subscription]:
    """Subscribe to properties of Banks, as a display does.

    Args:
        players: Bank -> URL.
        patterns: Bank -> names and patterns.
        **options: As of `Subscriptions.begin`.
    """
    from zmqjsonproxy.channels.settings import LinkSettings  # not for other commands
    from zmqjsonproxy.subscriptions import Subscriptions

    settings, keys = LinkSettings(ping_every=PING_EVERY_S, timeout=SILENT_S), KeyRing.load()
    with closing(Subscriptions(Services(keys).resolvers, settings, keys)) as subscriptions:
        with subscriptions.begin(players, "bank", patterns, **options) as subscription:
            yield subscription


@dataclass(slots=True, kw_only=True)
class SubscriptionFollower:
    """Course of one subscription.

    Attributes:
        wanted: Bank -> names and patterns that are subscribed to.
        most: Updates that are wanted; None: all.
        seconds: How long they are; None: until Ctrl-C.
        taken: Updates that came.
        there: Banks whose Players were there.
        given_up: Bank -> why nothing will come of it.
    """

    wanted: Mapping[str, Sequence[str]]
    most: int | None = None
    seconds: float | None = None
    taken: int = 0
    there: set[str] = field(default_factory=set)
    given_up: dict[str, str] = field(default_factory=dict)
    _refused: dict[str, set[str]] = field(default_factory=dict)

    def follow(self, subscription: Subscription, sink: UpdateSink) -> End:
        """Hand what comes to a sink, events before the updates that they are about; why it ended.

        Ctrl-C ends it at any moment.
        """
        try:
            return self._follow(subscription, sink)
        except KeyboardInterrupt:
            return End.INTERRUPTED

    def _follow(self, subscription: Subscription, sink: UpdateSink) -> End:
        from zmqjsonproxy.channels.subscription import SubscriptionEndedError

        sink.look()
        now = time.monotonic()
        end, look_at = None if self.seconds is None else now + self.seconds, now + LOOK_S
        while True:
            until = look_at if end is None else min(look_at, end)
            try:
                update = subscription.next(max(until - now, 0.0))
            except TimeoutError:
                update = None
            except SubscriptionEndedError:
                return End.GIVEN_UP
            for event in subscription.take_events():
                self._note(event, sink)
            if update is not None:
                sink.take(update)
                self.taken += 1
                if self.taken == self.most:
                    return End.ENOUGH
            elif len(self.given_up) == len(self.wanted):
                return End.GIVEN_UP
            now = time.monotonic()
            if now >= look_at:
                sink.look()
                look_at = now + LOOK_S
            if end is not None and now >= end:
                return End.TIME

    def _note(self, event: Event, sink: UpdateSink) -> None:
        from zmqjsonproxy.channels.updates import EventKind

        if event.kind in (EventKind.OPENED, EventKind.REOPENED):
            self.there.add(event.source)
        elif event.kind is EventKind.STALE:  # what comes back may be another Player
            self.given_up.pop(event.source, None)
            self._refused.pop(event.source, None)
        elif event.kind is EventKind.ENDED:
            self.given_up[event.source] = event.text
        elif event.kind is EventKind.REFUSED:
            refused = self._refused.setdefault(event.source, set())
            refused.add(event.text)  # which names the pattern
            if len(refused) >= len(self.wanted[event.source]):
                self.given_up[event.source] = event.text
        sink.note(event)

    def complaint(self, end: End) -> str:
        """Return a sentence on what was wanted and did not come; empty: all is well."""
        if end in (End.INTERRUPTED, End.ENOUGH):
            return ""
        if end is End.GIVEN_UP:
            told = "; ".join(f"{bank}: {text}" for bank, text in self.given_up.items())
            return printable(f"nothing will come: {told}")
        if away := [bank for bank in self.wanted if bank not in self.there]:
            return f"{', '.join(away)}: no Player answered; `dealer doctor` says what puts it right"
        if self.most is not None:
            return f"{self.taken} of {self.most} updates came within {self.seconds:g} s"
        return ""

"""Subscriptions of a plan: to what the models of the Banks publish, in virtual time.

Present values come first, as ever, then what the models publish when they are asked something, and
while a reader waits. What a model does not publish is a doubt of the plan.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Unpack

from dealer.modelhub import AsyncModelHub, ModelHub
from dealer.plankeeper import Everywhere, Keeper
from dealer.virtualtime import LONGEST_S
from zmqjsonproxy.channels.declarations import PropertyKind
from zmqjsonproxy.channels.properties import (
    Property,
    PropertyTable,
    PublishedUpdate,
    has_properties,
    table_of,
)
from zmqjsonproxy.channels.protocol.limits import Limits
from zmqjsonproxy.channels.protocol.patterns import matches
from zmqjsonproxy.channels.subscription import (
    ReaderOptions,
    Subscription,
    SubscriptionEndedError,
)
from zmqjsonproxy.channels.updates import Event, EventKind, Update
from zmqjsonproxy.files.fetch import Fetched
from zmqjsonproxy.subscriber import Target

__all__ = ["PlannedSubscriber", "planned_fetch"]

LOOK_S = 0.1
"""Between two looks of a reader that waits, of virtual time."""


class PlannedSubscriber:
    """In the place of `zmqjsonproxy.subscriber.Subscriber`, with what Subscriptions use of it.

    Args:
        keeper: Of the plan.
    """

    def __init__(self, keeper: Keeper) -> None:
        self._keeper, self._players = keeper, Everywhere(keeper)
        self._hub = ModelHub(self._players, keeper.clock, keeper.keep)
        self._async_hub = AsyncModelHub(self._players, keeper.clock, keeper.keep)
        self._targets: dict[Subscription, Sequence[Target]] = {}

    def subscribe(
        self, targets: Sequence[Target], label: str, **reader: Unpack[ReaderOptions]
    ) -> Subscription:
        """Subscribe to what models publish."""
        made = PlannedSubscription(self, label, **reader)
        self._targets[made] = targets
        for target in targets:
            self._hear(made, target)
        return made

    def _hear(self, sub: Subscription, target: Target) -> None:
        try:
            objects = self._players[target.url].model.objects()
        except KeyError:
            text = "the configuration of this plan has no Player there"
            sub.note(Event(EventKind.STALE, target.source, text))
            return
        sub.note(Event(EventKind.OPENED, target.source))
        for object_name, pattern, _ in target.wishes:
            thing = objects.get(object_name)
            table = table_of(thing) if has_properties(thing) else PropertyTable(())
            table.on_new[sub, target.source, pattern] = partial(
                self._hear_of_new, sub, target.source, pattern
            )
            names = table.names(pattern)
            for name in names:
                table.sample(name)
                self._hear_of(sub, target.source, table.properties[name])
            if not names:
                text = f"{target.source} has no property {pattern} in a plan"
                sub.note(Event(EventKind.ABSENT, target.source, text))
                self._keeper.doubt(f"subscribe({pattern!r})", f"not rehearsed: {text}")

    def _hear_of_new(self, sub: Subscription, source: str, pattern: str, one: Property) -> None:
        if matches(pattern, one.declared.name):
            self._hear_of(sub, source, one)

    def _hear_of(self, sub: Subscription, source: str, one: Property) -> None:
        tell = partial(_tell, sub, source, one)
        is_new = (sub, source) not in one.listeners
        one.listeners[sub, source] = tell
        if is_new and one.newest is not None and one.declared.kind is not PropertyKind.MESSAGE:
            tell(one.newest)

    def pause(self, longest: float | None) -> None:
        """Wait until something may have changed, `longest` at most, s; for ever, if nothing will,
        and no other thread changes anything."""
        left = self._hub.until_change()
        most = 2 * LONGEST_S if left is None else max(left, LOOK_S)
        most = most if longest is None else min(most, longest)
        self._keeper.clock.pause(min(LOOK_S, most), most)
        self._hub.catch_up()

    async def pause_in_task(self) -> None:
        """Do the same in a task."""
        await self._async_hub.pause(LOOK_S)
        self._async_hub.catch_up()

    def end(self, subscription: Subscription) -> None:
        """End a subscription, which takes nothing more."""
        self._targets.pop(subscription, None)
        subscription.end("")

    def reconnect(self, subscription: Subscription) -> None:
        """Do nothing: models do not get lost."""

    def modify(
        self, subscription: Subscription, patterns: Sequence[str], limits: Limits | None
    ) -> None:
        """Subscribe to other properties, too; what was subscribed to still comes."""
        for target in self._targets.get(subscription, ()) if patterns else ():
            object_name, _, known = target.wishes[0]
            wishes = tuple((object_name, pattern, limits or known) for pattern in patterns)
            self._hear(subscription, Target(target.url, target.source, wishes))

    def close(self) -> None:
        """End all subscriptions."""
        for subscription in list(self._targets):
            self.end(subscription)


def _tell(sub: Subscription, source: str, one: Property, update: PublishedUpdate) -> None:
    declared, value = one.declared, update.encoded.value()
    time_s, kind = update.time_us / 1e6, declared.kind.value
    sub.take([Update(source, declared.name, value, update.number, time_s, 0, kind)])


class PlannedSubscription(Subscription):
    """A subscription whose readers let virtual time pass."""

    def __init__(
        self, owner: PlannedSubscriber, label: str, **reader: Unpack[ReaderOptions]
    ) -> None:
        super().__init__(owner, label, **reader)
        self._subscriber = owner

    def _next(self, end: float | None) -> Update | None:
        while (update := super()._next(0.0)) is None:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return None
            self._subscriber.pause(left)
        return update

    async def __aiter__(self) -> AsyncIterator[Update]:
        """Yield updates, in a task, until the subscription is closed."""
        while True:
            try:
                update = super()._next(0.0)
            except SubscriptionEndedError:
                return
            if update is None:
                await self._subscriber.pause_in_task()
            else:
                yield update


async def planned_fetch(
    keeper: Keeper, _hub: object, _url: str, name: str, to: Path, **_options: Any
) -> Fetched:
    """Fetch nothing, and say so: in the place of `zmqjsonproxy.files.fetch.fetch`."""
    keeper.doubt(f"fetch({name!r})", "not rehearsed: no data are taken, and nothing is written")
    path = to / Path(name).name if to.is_dir() else to
    nothing = hashlib.sha256().hexdigest()
    return Fetched(name=name, path=path, size=0, sha256=nothing, is_growing=False, resumed_at=0)

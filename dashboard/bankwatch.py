"""Watch over one Bank: its subscriptions, and the questions that are asked for all viewers. For one
event loop.

A Player that publishes is subscribed to once. One of the original is asked for its status once a
second, whatever the number of viewers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.bankstate import BANK, ORIGINAL_SUMMARY, WatchedBank, key_of, wanted_patterns
from groundwork.errors import text_of
from zmqjsonproxy import (
    AsyncHub,
    InterfaceDescription,
    ProxyError,
    RefusedError,
    RemoteError,
)
from zmqjsonproxy.channels import LinkSettings, Subscription
from zmqjsonproxy.errors import AccessError
from zmqjsonproxy.subscriptions import Subscriptions

__all__ = ["LINK", "BankWatch"]

log = logging.getLogger(__name__)

LINK = LinkSettings(ping_every=1.0, timeout=3.0, drop_after=math.inf, name="dashboard")
RATE = 4.0
"""Updates of each property per second at most."""
EVERY_S = 1.0
WITHIN_S = 2.0
FINDINGS_EVERY, MODE_EVERY, INTERFACE_EVERY = 5, 5, 15
"""Looks between two questions for them."""
JOURNAL = "journal"
_NATIVE, _ORIGINAL = "native", "original"
_OFFSET_STEP_S = 0.005


@dataclass(slots=True)
class _Feed:
    """Updates of one object.

    Attributes:
        subscription: Brings them.
        patterns: Of names.
        task: Takes them.
    """

    subscription: Subscription
    patterns: list[str]
    task: asyncio.Task[None]


class BankWatch:
    """Watches one Bank, until it is closed.

    Args:
        state: Takes what it tells.
        hub: Makes the calls.
        subscriptions: To be closed by whoever made them.
        clock: s, never set.
        wall: UTC, unix seconds.
    """

    def __init__(
        self,
        state: WatchedBank,
        hub: AsyncHub,
        subscriptions: Subscriptions,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.state, self._hub, self._subscriptions = state, hub, subscriptions
        self._clock, self._wall, self._said = clock, wall, ""
        self._generation, self._looks = -1, 0
        self._description: InterfaceDescription | None = None
        self._feeds: dict[str, _Feed] = {}
        self._is_outdated = self._is_another = True
        self._reopened = 0
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Look once a second, until it is cancelled; not at the same moment as others."""
        due = self._loop.time() - random.uniform(0.0, EVERY_S)
        while True:
            try:
                await self.look()
            except ProxyError as error:
                self._note(error)
            except Exception as error:  # what a Player answers is anybody's
                self._say(f"what it answers cannot be read: {text_of(error)}")
            due = max(due + EVERY_S, self._loop.time())
            await asyncio.sleep(due - self._loop.time())

    def _note(self, error: ProxyError) -> None:
        if isinstance(error, AccessError):
            self.state.liveness.refuse(error.text)
        elif isinstance(error, RemoteError | RefusedError):
            self.state.liveness.hear(self._clock())
        else:
            self.state.liveness.miss(str(error))

    def _say(self, text: str) -> None:
        """Log an exception, once of several that are the same."""
        self.state.liveness.miss(text)
        if text != self._said:
            self._said = text
            log.exception("%s: %s", self.state.bank, text)

    def tick(self) -> None:
        """Look what follows from the time, and show it."""
        now = self._clock()
        self._look_at_subscriptions()
        self.state.liveness.tick(now, self._wall())
        self.state.forget_operations(now)
        self.state.show()

    async def look(self) -> None:
        """Ask what is due."""
        description = await self._described()
        if description.native:
            self.state.dialect = _NATIVE
            await self._look_at_native(description)
        else:
            self.state.dialect = _ORIGINAL
            await self._look_at_original(description)

    async def _described(self) -> InterfaceDescription:
        """Return what the Player offers; asked once of each of its processes."""
        url = self.state.url
        generation = self._hub.generation(url)
        if self._description is None or generation != self._generation:
            described: InterfaceDescription = await self._hub.describe(url, BANK, WITHIN_S)
            self._description, self._generation = described, self._hub.generation(url)
            self._is_outdated = self._is_another = True
            self.state.liveness.hear(self._clock())
        return self._description

    async def _ask(self, object_name: str, method: str, **kwargs: Any) -> Any:
        value = await self._hub.call(
            self.state.url, object_name, method, (), kwargs, timeout=WITHIN_S
        )
        self.state.liveness.hear(self._clock())
        return value

    async def _try(self, object_name: str, method: str, default: Any, **kwargs: Any) -> Any:
        """Ask something that is anybody's code, or refused, for all we know; then `default`."""
        try:
            return await self._ask(object_name, method, **kwargs)
        except (RemoteError, RefusedError):
            self.state.liveness.hear(self._clock())
            return default

    async def _look_at_native(self, description: InterfaceDescription) -> None:
        state, methods = self.state, description.methods
        if "get_overview" in methods:
            told = await self._try(BANK, "get_overview", {})
            state.take_overview(told if isinstance(told, dict) else {"overview": told})
        else:
            await self._ask("rpc", "ping")
        if self._is_another and "get_kind" in methods:
            state.kind = str(await self._try(BANK, "get_kind", ""))
        if self._is_outdated or self._looks % FINDINGS_EVERY == 0:
            await self._look_at_clock()
            if "get_findings" in methods:
                state.take_findings(await self._try(BANK, "get_findings", []))
        if self._is_outdated or self._looks % INTERFACE_EVERY == 0:
            self._is_outdated = False  # what changes meanwhile is looked at again
            try:
                await self._look_at_interface(description)
            except ProxyError:
                self._is_outdated = True
                raise
            running = await self._try("rpc", "operations", [], active=True)
            state.take_running(running, self._clock())
        self._is_another = False
        self._looks += 1

    async def _look_at_clock(self) -> None:
        asked = self._wall()
        told = await self._ask("rpc", "ping")
        answered = self._wall()
        self.state.instance = str(told.get("instance", ""))
        offset = float(told["time"]) - (asked + answered) / 2
        before = self.state.offset
        if before is None or abs(offset - before) > _OFFSET_STEP_S + (answered - asked) / 2:
            self.state.offset = round(offset, 4)

    async def _look_at_interface(self, description: InterfaceDescription) -> None:
        """Ask what is published, and subscribe to what is new."""
        before = set(self.state.values)
        objects = await self._objects(description)
        asked = [name for name, each in objects.items() if "list_properties" in each.methods]
        told = {name: await self._try(name, "list_properties", None) for name in asked}
        properties = {name: some for name, some in told.items() if some is not None}
        self.state.interface.take(objects, properties)
        if self._is_another:  # what it has not published yet was told by a process before it
            before_it = {
                key_of(name, str(one["name"]))
                for name, some in properties.items()
                for one in some
                if "number" not in one
            }
            self.state.drop_values(before & before_it)
        if len(properties) == len(told):
            self.state.forget_values(before)
        for name, some in properties.items():
            self._subscribe(name, wanted_patterns(some))
        for name in self._feeds.keys() - objects.keys():
            self._end(name)
        if self._is_another and JOURNAL in objects:
            newest = await self._try(JOURNAL, "read", {}, most=1, newest=True)
            self.state.journal_simulated = newest.get("simulated")

    async def _objects(self, description: InterfaceDescription) -> dict[str, InterfaceDescription]:
        """Return all objects of the Player, but those that are gone meanwhile."""
        objects = {BANK: description}
        for name in description.objects:
            if name not in objects:
                with contextlib.suppress(RemoteError):
                    objects[name] = await self._hub.describe(self.state.url, name, WITHIN_S)
        return objects

    async def _look_at_original(self, description: InterfaceDescription) -> None:
        state = self.state
        for name in list(self._feeds):
            self._end(name)
        if self._is_outdated:
            state.interface.take({BANK: description}, {})
            state.liveness.opened(self._clock())
            self._is_outdated = False
        if "get_mode" in description.methods and self._looks % MODE_EVERY == 0:
            mode = await self._ask(BANK, "get_mode")
            told = mode[1] if isinstance(mode, list) and len(mode) == 2 else mode
            state.overview = {"mode": told} | state.overview | {"mode": told}
        if "get_status" in description.methods:
            values = await self._ask(BANK, "get_status")
            if isinstance(values, Mapping):
                state.take_status(values, self._wall())
                state.overview |= {key: values.get(key) for key in ORIGINAL_SUMMARY}
        else:
            await self._hub.describe(state.url, BANK, WITHIN_S)
            state.liveness.hear(self._clock())
        self._looks += 1

    # subscriptions

    def _subscribe(self, object_name: str, patterns: list[str]) -> None:
        known = self._feeds.get(object_name)
        if known is not None:
            if patterns and patterns != known.patterns:
                known.subscription.modify(*patterns, rate=RATE)
                known.patterns = patterns
            return
        if not patterns:
            return
        subscription = self._subscriptions.begin(
            {self.state.bank: self.state.url},
            object_name,
            patterns,
            rate=RATE,
        )
        task = self._loop.create_task(self._take_all(object_name, subscription))
        self._feeds[object_name] = _Feed(subscription, patterns, task)

    async def _take_all(self, object_name: str, subscription: Subscription) -> None:
        async for update in subscription:
            try:
                self.state.take(object_name, update, self._clock())
            except Exception:  # what a Player publishes is anybody's
                log.exception("%s: %s cannot be taken", self.state.bank, update.name)

    def _look_at_subscriptions(self) -> None:
        """Take note of subscriptions that do not come, or come again."""
        broken, reopened, missed = "", 0, 0
        for feed in self._feeds.values():
            subscription = feed.subscription
            broken = broken or "; ".join(subscription.stale.values())
            reopened += subscription.reopened
            missed += subscription.lost + subscription.dropped
        if reopened > self._reopened:
            self._is_outdated = True
        self._reopened, self.state.missed = reopened, missed
        self.state.liveness.broken = broken

    def _end(self, object_name: str) -> None:
        feed = self._feeds.pop(object_name)
        feed.subscription.close()
        feed.task.cancel()

    def close(self) -> None:
        """End its subscriptions."""
        for name in list(self._feeds):
            self._end(name)

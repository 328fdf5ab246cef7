"""Viewers of live streams: those who want the same share one subscription, and each has a bounded
queue of its own. For one event loop; knows no connection."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from fastapi.sse import format_sse_event

from groundwork.values import JsonObject
from player.endpoints.http.protocol.messages import write_frame, write_update
from player.endpoints.http.protocol.sessions import Person
from player.endpoints.http.streamreader import StreamReader
from zmqjsonproxy.channels import EventKind, Subscription, Update
from zmqjsonproxy.subscriptions import Subscriptions

__all__ = ["TooManyViewersError", "Viewer", "Viewers", "Wanted"]

MAX_WAITING = 1000
"""Updates that wait for one viewer."""
MAX_WAITING_BYTES = 8 * 2**20
_TURN_EVERY = 100
"""Updates of one subscription between which others have their turn."""


class TooManyViewersError(Exception):
    """Error: as many look as may."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Updates that a viewer wants; equal ones share a subscription.

    Attributes:
        object_name: Exposed object.
        patterns: Of names of its properties; sorted, and none twice.
        limits: As of `subscribe`: name and value of each that is set, sorted.
    """

    object_name: str
    patterns: tuple[str, ...]
    limits: tuple[tuple[str, object], ...] = ()

    @property
    def is_paced(self) -> bool:
        """Tell whether the newest value is enough; without a rate each one is wanted."""
        return any(name == "rate" for name, _ in self.limits)


class EncodedUpdate:
    """An update, encoded once for all viewers, when the first of them takes it.

    Args:
        update: The update.
        is_paced: It may be left out for a newer one of its property.

    Attributes:
        key: Of what it replaces, as long as that waits; every message has its own.
    """

    def __init__(self, update: Update, is_paced: bool) -> None:
        self.update = update
        is_replaced = is_paced and update.kind != "message"
        self.key = update.name, 0 if is_replaced else update.number

    @cached_property
    def size(self) -> int:
        """Bytes that it holds, about."""
        value = self.update.value
        values = value.values() if isinstance(value, dict) else (value,)
        sizes = (getattr(each, "nbytes", 0) for each in values)
        return 200 + sum(sizes) + (len(value) if isinstance(value, str | bytes | list) else 0)

    @cached_property
    def text(self) -> str:
        """The update as JSON."""
        return write_update(self.update)

    @cached_property
    def event(self) -> bytes:
        """The update as a server-sent event."""
        return format_sse_event(data_str=self.text, event="update")

    @cached_property
    def frame(self) -> bytes | None:
        """The frame of a pipe as bytes; None: it is none."""
        if self.update.kind != "pipe":
            return None
        try:
            return write_frame(self.update)
        except ValueError:
            return None


class Viewer(StreamReader):
    """One that looks: its queue, of which the newest updates stay.

    Args:
        who: Address, for people.
        way: Kind of its stream.
        wanted: Its updates.
        person: Who looks; None: nobody had to say so.

    Attributes:
        dropped: Updates that it did not take in time.
    """

    def __init__(self, who: str, way: str, wanted: Wanted, person: Person | None = None) -> None:
        super().__init__(who, way, person)
        self.wanted = wanted
        self.dropped = 0
        self._waiting: OrderedDict[object, EncodedUpdate] = OrderedDict()
        self._size = 0

    def put(self, update: EncodedUpdate) -> None:
        """Leave an update, in the place of an older one of its property."""
        before = self._waiting.pop(update.key, None)
        if before is not None:
            self._size -= before.size
            self.dropped += 1
        self._waiting[update.key] = update
        self._size += update.size
        while self._is_too_full():
            _, oldest = self._waiting.popitem(last=False)
            self._size -= oldest.size
            self.dropped += 1
        self._there.set()

    def _is_too_full(self) -> bool:
        waiting = len(self._waiting)
        return waiting > MAX_WAITING or (self._size > MAX_WAITING_BYTES and waiting > 1)

    async def take(self, within: float) -> list[EncodedUpdate] | None:
        """Take what waits.

        Args:
            within: Wait so long for something, s.

        Returns:
            Updates; none: none came. None: its stream ends.
        """
        if not self._waiting and not self.is_ended:
            self._there.clear()
            try:
                async with asyncio.timeout(within):
                    await self._there.wait()
            except TimeoutError:
                return []
        if self.is_ended:
            return None
        taken = list(self._waiting.values())
        self._waiting.clear()
        self._size = 0
        self.sent += len(taken)
        return taken

    def describe(self) -> JsonObject:
        """Return what the page of connections tells."""
        return {
            **super().describe(),
            "object": self.wanted.object_name,
            "patterns": list(self.wanted.patterns),
            "limits": {name: str(value) for name, value in self.wanted.limits},
            "waiting": len(self._waiting),
            "waiting_bytes": self._size,
            "dropped": self.dropped,
        }


@dataclass(slots=True, eq=False)
class _Feed:
    """A subscription, and who shares it.

    Attributes:
        subscription: The subscription.
        is_paced: Newer values may take the place of older ones.
        viewers: Who gets its updates.
        present: Name of a property -> its newest update, for viewers that come later.
        task: Takes the updates.
    """

    subscription: Subscription
    is_paced: bool
    viewers: dict[Viewer, None] = field(default_factory=dict)
    present: dict[str, EncodedUpdate] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Pass updates on to the viewers, whose streams end with it."""
        count = 0
        try:
            async for update in self.subscription:
                self._pass_on(EncodedUpdate(update, self.is_paced))
                count += 1
                if count % _TURN_EVERY == 0:
                    await asyncio.sleep(0)
        finally:
            for viewer in self.viewers:
                viewer.end()

    def _pass_on(self, encoded: EncodedUpdate) -> None:
        if encoded.update.kind != "message":
            self.present[encoded.update.name] = encoded
        for viewer in self.viewers:
            viewer.put(encoded)


class Viewers:
    """All viewers of one Player.

    Args:
        bank: Its name.
        url: Where it serves calls.
        subscriptions: To be closed by whoever made them.
        most: Viewers at the same time.
    """

    def __init__(self, bank: str, url: str, subscriptions: Subscriptions, most: int) -> None:
        self._players, self._subscriptions, self._most = {bank: url}, subscriptions, most
        self._feeds: dict[Wanted, _Feed] = {}
        self._is_ended = False
        self._past = Counter[str]()
        self.refused = 0

    def join(self, who: str, way: str, wanted: Wanted, person: Person | None = None) -> Viewer:
        """Let one more look, who gets the present values first.

        Args:
            who: Address, for people.
            way: Kind of its stream.
            wanted: Its updates.
            person: Who looks; None: nobody had to say so.

        Raises:
            TooManyViewersError: There are as many as may be.
            ValueError: It wants what cannot be.
        """
        if self._is_ended or len(self) >= self._most:
            self.refused += 1
            raise TooManyViewersError(
                f"{self._most} streams are open, and there are no more: close one, or raise `viewers` in "
                "the table of this http endpoint"
            )
        feed = self._feeds.get(wanted)
        if feed is None:
            limits: Mapping[str, object] = dict(wanted.limits)
            subscription = self._subscriptions.begin(
                self._players,
                wanted.object_name,
                wanted.patterns,
                most_bytes=MAX_WAITING_BYTES,
                **limits,  # type: ignore[arg-type]  # it checks them
            )
            feed = self._feeds[wanted] = _Feed(subscription, wanted.is_paced)
            feed.task = asyncio.get_running_loop().create_task(feed.run())
        viewer = Viewer(who, way, wanted, person)
        feed.viewers[viewer] = None
        for encoded in feed.present.values():
            viewer.put(encoded)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """Forget a viewer; may be called twice."""
        feed = self._feeds.get(viewer.wanted)
        if feed is None or viewer not in feed.viewers:
            return
        del feed.viewers[viewer]
        self._past.update(self._counts(viewer))
        if not feed.viewers:
            del self._feeds[viewer.wanted]
            feed.subscription.close()

    def end(self) -> None:
        """Have all streams end, and let nobody look any more."""
        self._is_ended = True
        for viewer in self._all():
            viewer.end()

    def end_of(self, person: Person, why: str) -> None:
        """Have the streams of a person end, and say why."""
        for viewer in self._all():
            if viewer.person is not None and viewer.person.place == person.place:
                viewer.end(why)

    def count_of(self, person: Person) -> int:
        """Return the number of streams of a person's session, or of a program with a key."""
        return sum(
            viewer.person is not None and viewer.person.place == person.place
            for viewer in self._all()
        )

    def state(self, viewer: Viewer) -> JsonObject:
        """Return what heartbeats tell of a stream: `lost` and `dropped` so far; `stale`, the reason
        why nothing is heard of the Player; `refused`, why something of what was wanted is not had."""
        feed = self._feeds.get(viewer.wanted)
        told: JsonObject = {"dropped": viewer.dropped}
        if feed is None:
            return told
        told["lost"] = feed.subscription.lost + feed.subscription.dropped
        for why in feed.subscription.stale.values():
            told["stale"] = why
        for event in feed.subscription.events:
            if event.kind is EventKind.REFUSED:
                told["refused"] = event.text
        return told

    def __len__(self) -> int:
        return sum(len(feed.viewers) for feed in self._feeds.values())

    def _all(self) -> list[Viewer]:
        return [viewer for feed in self._feeds.values() for viewer in feed.viewers]

    def describe(self) -> list[JsonObject]:
        """Return what the page of connections tells of each viewer."""
        return [viewer.describe() for viewer in self._all()]

    def counts(self) -> Counter[str]:
        """Return numbers since the start, by way: `events`, `websocket` (viewers now), and `sent
        WAY`, `dropped WAY`."""
        found = Counter(self._past)
        for viewer in self._all():
            found.update({viewer.way: 1, **self._counts(viewer)})
        return found

    @staticmethod
    def _counts(viewer: Viewer) -> dict[str, int]:
        return {f"sent {viewer.way}": viewer.sent, f"dropped {viewer.way}": viewer.dropped}

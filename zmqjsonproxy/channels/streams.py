"""Streams of properties at a server, and the clients that hear of them. No socket, no clock.

A stream is a property with the limits of a subscription, which counts what is sent of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from groundwork.values import JsonObject
from zmqjsonproxy.channels.declarations import PropertyKind
from zmqjsonproxy.channels.properties import Property, PublishedUpdate
from zmqjsonproxy.channels.protocol.limits import WHOLE, Limiter
from zmqjsonproxy.channels.protocol.notices import Encoded
from zmqjsonproxy.channels.protocol.wishes import Wish, WishIndex

__all__ = [
    "MAX_ADDRESSED",
    "Envelope",
    "Group",
    "PropertyStream",
    "SubscribedClient",
    "stream_key",
    "streams_of",
]

Envelope = Sequence[bytes]
MAX_ADDRESSED = 1000
"""Names of clients whose messages of their own are counted, of one stream."""


@dataclass(slots=True, eq=False)
class SubscribedClient:
    """A connection that has subscriptions.

    Attributes:
        envelope: Frames before each message.
        session: Number of it: of a client that was forgotten and comes again it is another one.
        arrays: What it takes as frames.
        name: As it calls itself, or as the server does.
        packs: It takes arrays of several updates as one frame.
        wishes: Its subscriptions, and the streams that each has joined.
        index: Of these.
        joined: Streams of all of them.
        told: Stream -> its count when the client was told last.
        has_missed: Something was not sent to it since its last heartbeat.
        lags_since: When it began to take nothing, s, monotonic; None: it takes what is sent.
        heard_at: When it asked for something last, s, monotonic.
        dropped: Updates that it did not get.
    """

    envelope: Envelope
    session: int
    arrays: bool | None
    name: str
    packs: bool = False
    wishes: dict[Wish, dict[PropertyStream, None]] = field(default_factory=dict)
    index: WishIndex = field(default_factory=WishIndex)
    joined: int = 0
    told: dict[PropertyStream, int] = field(default_factory=dict)
    has_missed: bool = False
    lags_since: float | None = None
    heard_at: float = 0.0
    dropped: int = 0

    def describe(self, now: float) -> JsonObject:
        """Return what `rpc.channels` tells of it."""
        return {
            "name": self.name,
            "patterns": len(self.wishes),
            "streams": len(self.told),
            "dropped": self.dropped,
            "lags": 0.0 if self.lags_since is None else round(now - self.lags_since, 3),
            "silent": round(now - self.heard_at, 3),
        }

    @property
    def load(self) -> int:
        """Memory that it takes, about, in patterns and streams."""
        return 1 + len(self.wishes) + self.joined


class Group(NamedTuple):
    """Clients to which an update is sent in the same bytes.

    Attributes:
        arrays: What they take as frames.
        ahead: Messages that were sent to them only, which their count has besides.
        packs: They take arrays of several updates as one frame.
        clients: The clients.
        envelopes: Theirs.
    """

    arrays: bool | None
    ahead: int
    packs: bool
    clients: Sequence[SubscribedClient]
    envelopes: Sequence[Envelope]


class PropertyStream:
    """A property with limits, and who hears of it.

    Attributes:
        number: Name of the stream on its way.
        key: Object, property, limits.
        one: The property.
        limiter: Chooses what is sent; None: all.
        clients: Who hears of it, by how many of its subscriptions.
        newest: What was sent last.
        is_pipe: It is of frames.
        reduces: These are reduced.
        reduced: The newest as it was sent, of one that reduces; None: it was sent to nobody.
        count: Of what was sent.
        waits: A timer is set for what its limits hold back.
        is_blamed: It was said that something is not as its clients want it.
        addressed: Name of a client -> messages that were sent to clients of that name only; they
            count for these. Of those named last.
    """

    __slots__ = (
        "_groups",
        "_is_laborious",
        "addressed",
        "clients",
        "count",
        "is_blamed",
        "is_pipe",
        "key",
        "limiter",
        "newest",
        "number",
        "one",
        "reduced",
        "reduces",
        "waits",
    )

    def __init__(self, number: int, key: Wish, one: Property, now: float) -> None:
        self.number, self.key, self.one = number, key, one
        self.limiter: Limiter[PublishedUpdate] | None = None
        self.reduced: Encoded | None = None
        self.clients: dict[SubscribedClient, int] = {}
        self.addressed: dict[str, int] = {}
        self._groups: Sequence[Group] | None = ()
        self._is_laborious = False
        self.newest, self.count = one.newest, one.number
        self.waits = self.is_blamed = False
        self.is_pipe = one.declared.kind is PropertyKind.PIPE
        self.reduces = key[2].reduction != WHOLE
        if key[2].chooses:
            self.limiter, self.count = Limiter(key[2]), int(one.newest is not None)
            if one.newest is not None:
                self.limiter.note_sent(one.newest.value, now)

    @property
    def is_laborious(self) -> bool:
        """Tell whether it takes long to make of a frame what is sent of it; of a pipe only."""
        if self._groups is None:
            self._group()
        return self._is_laborious

    def add(self, client: SubscribedClient) -> bool:
        """Add a subscription of a client; whether it is the first of it."""
        self.clients[client] = known = self.clients.get(client, 0) + 1
        if known == 1:
            self._groups = None
        return known == 1

    def remove(self, client: SubscribedClient) -> bool:
        """Remove one; whether it was the last of the client."""
        left = self.clients.pop(client, 1) - 1
        if left:
            self.clients[client] = left
        else:
            self._groups = None
        return not left

    @property
    def groups(self) -> Sequence[Group]:
        """Clients to which an update is sent in the same bytes."""
        return self._group() if self._groups is None else self._groups

    def _group(self) -> Sequence[Group]:
        self._groups = groups = self.grouped(self.clients)
        self._is_laborious = (self.reduces and bool(groups)) or any(
            group.arrays is not True for group in groups
        )
        return groups

    def count_for(self, client: SubscribedClient) -> int:
        """Return the count of what was sent, as a client counts."""
        return self.count + self.addressed.get(client.name, 0)

    def address(self, name: str) -> Sequence[Group]:
        """Count a message to the clients of one name; these clients, none if there are none."""
        meant = [client for client in self.clients if client.name == name]
        if meant:
            self.addressed[name] = self.addressed.pop(name, 0) + 1
            if len(self.addressed) > MAX_ADDRESSED:  # who is not there counts anew if he comes
                there = {client.name for client in self.clients}
                gone = (each for each in self.addressed if each not in there)
                del self.addressed[next(gone, next(iter(self.addressed)))]
            self._groups = None
        return self.grouped(meant)

    def grouped(self, clients: Iterable[SubscribedClient]) -> Sequence[Group]:
        """Return clients, which the stream need not have yet, by what is sent to them."""
        groups: dict[tuple[bool | None, int, bool], list[SubscribedClient]] = {}
        for client in clients:
            ahead = self.addressed.get(client.name, 0)
            groups.setdefault((client.arrays, ahead, client.packs), []).append(client)
        return tuple(
            Group(*key, tuple(each), tuple(client.envelope for client in each))
            for key, each in groups.items()
        )


def stream_key(wish: Wish, one: Property) -> Wish:
    """Return what names the stream of a property that a subscription means."""
    return wish[0], one.declared.name, wish[2].for_kind(one.declared.kind)


def streams_of(one: Property) -> list[PropertyStream]:
    """Return the streams of a property."""
    return [each for each in one.listeners if isinstance(each, PropertyStream)]

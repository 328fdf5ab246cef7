"""Publisher: which clients hear of which properties of a server's objects. Knows no socket.

A property with the limits of a subscription is a stream, which counts what is sent of it; all
subscriptions of a property with equal limits share one. Without limits the count is the number of
the property itself. Whatever a client does not get is missing in the counts that it sees.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from groundwork.values import JsonObject, JsonValue
from zmqjsonproxy.channels.frames import reduced_frame
from zmqjsonproxy.channels.properties import (
    Property,
    PropertyKind,
    PropertyTable,
    PublishedUpdate,
    publishing,
)
from zmqjsonproxy.channels.protocol.limits import WHOLE, Limiter, Limits, read_limits
from zmqjsonproxy.channels.protocol.notices import (
    Encoded,
    Part,
    write_newest,
    write_opened,
    write_update,
)
from zmqjsonproxy.channels.protocol.patterns import LONGEST_PATTERN, is_wild, matches
from zmqjsonproxy.channels.timers import Timers
from zmqjsonproxy.waiting import WouldWaitError

__all__ = ["Publisher"]

log = logging.getLogger(__name__)

PATTERNS_MOST = 10_000
"""Patterns of one client."""
_IDLE_MOST = 1000
"""Streams that go on to count without subscribers, who may come back."""
_LAG_MOST_S = 10.0
"""A client that takes nothing for so long is subscribed no more, s."""
SILENT_MOST_S = 300.0
"""A client that sends no heartbeat for so long is gone, s."""
_NEWEST_AT_ONCE = 2000
_SHOWN = 20
_CLIENTS_SHOWN = 100
_NOTHING_NEW = write_newest(()).body
Envelope = Sequence[bytes]
Missed = Callable[[bytes, bool], None]
Post = Callable[[Sequence[Envelope], Part, Missed], object]
Wish = tuple[str, str, Limits]
"""Object, pattern, limits."""


def _read_wish(said: JsonValue) -> Wish:
    """Read `[object, pattern, limits]`; ValueError: it is none."""
    if not isinstance(said, list) or len(said) != 3:
        raise ValueError(f"a subscription is [object, pattern, limits], not {str(said)[:80]}")
    object_name, pattern, limits = said
    if not isinstance(object_name, str) or not isinstance(pattern, str) or not pattern:
        raise ValueError(f"object and pattern are texts, not {str(said)[:80]}")
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"a pattern has at most {LONGEST_PATTERN} characters, not {len(pattern)}")
    return object_name, pattern, read_limits(limits)


@dataclass(slots=True, eq=False)
class _Client:
    """A connection that has subscriptions.

    Attributes:
        envelope: Frames before each message.
        arrays: What it takes as frames.
        name: As it calls itself.
        wishes: Its subscriptions, and the streams that each has joined.
        told: Stream -> its count when the client was told last.
        lags_since: When it began to take nothing, s, monotonic; None: it takes what is sent.
        heard_at: When it asked for something last, s, monotonic.
        dropped: Updates that it did not get.
    """

    envelope: Envelope
    arrays: bool | None
    name: str
    wishes: dict[Wish, dict[_Stream, None]] = field(default_factory=dict)
    told: dict[_Stream, int] = field(default_factory=dict)
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


class _Stream:
    """A property with limits, and who hears of it.

    Attributes:
        number: Name of the stream on its way.
        key: Object, property, limits.
        one: The property.
        limiter: Chooses what is sent; None: all.
        clients: Who hears of it, by how many of its subscriptions.
        groups: Their envelopes, by what they take as frames.
        newest: What was sent last.
        count: Of what was sent.
    """

    __slots__ = ("clients", "count", "groups", "key", "limiter", "newest", "number", "one")

    def __init__(self, number: int, key: Wish, one: Property) -> None:
        self.number, self.key, self.one = number, key, one
        self.limiter: Limiter[PublishedUpdate] | None = None
        self.clients: dict[_Client, int] = {}
        self.groups: Sequence[tuple[bool | None, Sequence[Envelope]]] = ()
        self.newest, self.count = one.newest, one.number
        if key[2].rate or key[2].dead_band:
            self.limiter, self.count = Limiter(key[2]), int(one.newest is not None)
            if one.newest is not None:
                self.limiter.note_sent(one.newest.encoded.value(), time.monotonic())

    def encoded(self, update: PublishedUpdate) -> Encoded:
        """Return the value of an update as this stream sends it."""
        reduction = self.key[2].reduction
        return update.encoded if reduction == WHOLE else reduced_frame(update.encoded, reduction)

    def regroup(self) -> None:
        """Note the envelopes of the clients."""
        kinds = dict.fromkeys(client.arrays for client in self.clients)
        self.groups = tuple(
            (kind, tuple(client.envelope for client in self.clients if client.arrays is kind))
            for kind in kinds
        )


class Publisher:
    """Streams of the properties of a server's objects.

    `add`, `close`, and what properties publish, are for any thread; all else is for the socket's.

    Args:
        post: Sends a message to clients, from any thread; a `Missed` is told in the socket's thread
            who did not get it, and whether that one is gone. False: nobody gets it.
        instance: Identity of the server's process.
        waiting: Sends a client a message, in the socket's thread, and tells how many bytes wait for
            it; None: it is gone.
    """

    def __init__(
        self,
        post: Post,
        instance: str,
        waiting: Callable[[Envelope, bytes], int | None] = lambda _envelope, _body: 0,
    ) -> None:
        self._post, self._instance, self._waiting = post, instance, waiting
        self._dropped, self._dropped_at = 0, 0.0
        self._tables: dict[str, PropertyTable] = {}
        self._clients: dict[bytes, _Client] = {}
        self._streams: dict[Wish, _Stream] = {}
        self._idle: dict[_Stream, None] = {}
        self._numbers = count(1)
        self._timers = Timers()

    def close(self) -> None:
        """End what works beside the socket's thread, and hear of no property any more."""
        self._timers.close()
        with publishing:
            for stream in list(self._streams.values()):
                self._end(stream)
            for table in self._tables.values():
                table.on_new.pop(self, None)
            self._clients.clear()

    def add(self, object_name: str, table: PropertyTable) -> None:
        """Offer the properties of an object, in the place of another one of its name."""
        with publishing:
            before = self._tables.get(object_name)
            if before is table:
                return
            if before is not None:
                before.on_new.pop(self, None)
            self._tables[object_name] = table
            table.on_new[self] = partial(self._open, object_name)
            for one in table.properties.values():
                self._open(object_name, one)

    @property
    def clients(self) -> int:
        """How many clients have subscriptions."""
        return len(self._clients)

    def describe(self) -> JsonObject:
        """Return who has subscriptions, and what did not reach them.

        Returns:
            `connections` and `streams`, how many there are; `dropped`, updates that a client did
            not get, of all clients that there were, and `dropped_ago`, s since the last of them,
            None: there was none; `clients`, those that have missed most and for which most waits,
            at most 100: `name`, `patterns`, `streams`, `waiting` (bytes), `dropped` since it
            connected, `lags` (s since it began to take nothing, 0: it does not), `silent` (s since
            its last heartbeat).
        """
        now = time.monotonic()
        known: list[tuple[_Client, int]] = []
        for client in list(self._clients.values()):
            waiting = self._waiting(client.envelope, _NOTHING_NEW)
            if waiting is None:
                self.forget(client.envelope[0])
            else:
                known.append((client, waiting))
        known.sort(key=lambda one: (one[0].dropped, one[1]), reverse=True)
        return {
            "connections": len(known),
            "streams": len(self._streams) - len(self._idle),
            "dropped": self._dropped,
            "dropped_ago": round(now - self._dropped_at, 3) if self._dropped else None,
            "clients": [
                client.describe(now) | {"waiting": waiting}
                for client, waiting in known[:_CLIENTS_SHOWN]
            ],
        }

    # what clients ask

    def subscribe(
        self, client: bytes, arrays: bool | None, wishes: Iterable[JsonValue], name: str = ""
    ) -> list[JsonObject]:
        """Subscribe a client.

        Args:
            client: Its connection.
            arrays: What it takes as frames.
            wishes: `[object, pattern, limits]` each.
            name: As it calls itself.

        Returns:
            For each: `streams`, a list of stream, name, kind, count and, where there is one, time
            and present value; or `error`.
        """
        now = time.monotonic()
        known = self._clients.get(client) or _Client((client,), arrays, name)
        self._clients[client], known.heard_at = known, now
        for silent in [
            each for each in self._clients.values() if now - each.heard_at > SILENT_MOST_S
        ]:
            self.forget(silent.envelope[0])
        return [self._subscribe(known, wish) for wish in wishes]

    def _subscribe(self, client: _Client, said: JsonValue) -> JsonObject:
        try:
            wish = _read_wish(said)
        except ValueError as error:
            return {"error": str(error)}
        object_name, pattern, _ = wish
        table = self._tables.get(object_name)
        if table is None:
            there = ", ".join(self._tables) or "none"
            return {"error": f"{object_name[:80]!r} publishes nothing here; there are: {there}"}
        if len(client.wishes) >= PATTERNS_MOST and wish not in client.wishes:
            return {"error": f"a client has at most {PATTERNS_MOST} patterns"}
        for name in table.names(partial(matches, pattern)) if is_wild(pattern) else (pattern,):
            _sample(table, name)  # anybody's code: with no lock of ours
        with publishing:
            client.wishes.setdefault(wish, {})
            found = table.properties
            names = filter(partial(matches, pattern), found) if is_wild(pattern) else [pattern]
            streams = [self._join(client, wish, found[name]) for name in names if name in found]
        told: JsonObject = {"streams": streams}
        if not streams:
            told["known"] = sorted(table.properties)[:_SHOWN]
        return told

    def _join(self, client: _Client, wish: Wish, one: Property) -> list[JsonValue]:
        stream = self._stream(wish, one)
        self._idle.pop(stream, None)
        if stream not in client.wishes[wish]:
            client.wishes[wish][stream] = None
            stream.clients[client] = stream.clients.get(client, 0) + 1
            stream.regroup()
        client.told[stream] = stream.count
        kind = one.declared.kind
        told: list[JsonValue] = [stream.number, one.declared.name, kind.value, stream.count]
        if stream.newest is not None and kind is not PropertyKind.MESSAGE:
            told += [stream.newest.time_us, stream.encoded(stream.newest).value()]
        return told

    def _stream(self, wish: Wish, one: Property) -> _Stream:
        object_name, _, limits = wish
        key = object_name, one.declared.name, limits.for_kind(one.declared.kind)
        stream = self._streams.get(key)
        if stream is not None and stream.one is one:
            return stream
        if stream is not None:
            self._end(stream)
        stream = self._streams[key] = _Stream(next(self._numbers), key, one)
        hear = self._send if stream.limiter is None else self._offer
        one.listeners[stream] = partial(hear, stream)
        if one.declared.read is not None:
            again = partial(self._sample, stream, self._tables[object_name])
            self._timers.call_every(one.declared.every, again)
        return stream

    def unsubscribe(self, client: bytes, wishes: Iterable[JsonValue]) -> int:
        """End subscriptions of a client; how many it had of them."""
        known, ended = self._clients.get(client), 0
        if known is None:
            return 0
        for said in wishes:
            try:
                streams = known.wishes.pop(_read_wish(said))
            except (ValueError, KeyError):
                continue
            ended += 1
            with publishing:
                for stream in streams:
                    self._leave(known, stream)
        if not known.wishes:
            self._clients.pop(client, None)
        return ended

    def beat(self, client: bytes) -> JsonObject:
        """Answer that the server is there, and whether it knows the client.

        The newest counts that the client was not told of yet are posted, behind all that is on its
        way.
        """
        known = self._clients.get(client)
        if known is not None:
            known.lags_since, known.heard_at = None, time.monotonic()
            with publishing:
                changed = [(s, s.count) for s, told in known.told.items() if s.count != told]
                known.told.update(changed)
                for first in range(0, len(changed), _NEWEST_AT_ONCE):
                    part = changed[first : first + _NEWEST_AT_ONCE]
                    self._tell(known, write_newest((s.number, number) for s, number in part))
        return {"instance": self._instance, "subscribed": known is not None}

    def forget(self, client: bytes) -> None:
        """End all subscriptions of a client."""
        known = self._clients.pop(client, None)
        if known is not None:
            with publishing:
                for streams in known.wishes.values():
                    for stream in streams:
                        self._leave(known, stream)

    # streams

    def _leave(self, client: _Client, stream: _Stream) -> None:
        """Note that one subscription of a client has a stream no more."""
        left = stream.clients.pop(client, 1) - 1
        if left:
            stream.clients[client] = left
            return
        client.told.pop(stream, None)
        stream.regroup()
        if not stream.clients:
            self._idle[stream] = None
            if len(self._idle) > _IDLE_MOST:
                self._end(next(iter(self._idle)))

    def _end(self, stream: _Stream) -> None:
        self._idle.pop(stream, None)
        self._streams.pop(stream.key, None)
        stream.one.listeners.pop(stream, None)
        for client in stream.clients:
            client.told.pop(stream, None)
        stream.clients.clear()

    def _open(self, object_name: str, one: Property) -> None:
        """Tell of a new property those who wait for it."""
        name, kind = one.declared.name, one.declared.kind.value
        for client in list(self._clients.values()):
            for wish in list(client.wishes):
                if wish[0] == object_name and matches(wish[1], name):
                    stream = self._stream(wish, one)
                    self._join(client, wish, one)
                    limits = wish[2].describe()
                    opened = write_opened(object_name, stream.number, name, kind, limits)
                    self._tell(client, opened)

    def _tell(self, client: _Client, body: Part) -> None:
        self._post((client.envelope,), body, self._missed)

    def _note_dropped(self, clients: Collection[_Client]) -> None:
        """Count an update that clients do not get; within `publishing`."""
        self._dropped += len(clients)
        self._dropped_at = time.monotonic()
        for client in clients:
            client.dropped += 1

    def _send(self, stream: _Stream, update: PublishedUpdate) -> None:
        stream.count = update.number if stream.limiter is None else stream.count + 1
        stream.newest = update
        whole = stream.encoded(update) if stream.groups else update.encoded
        for arrays, envelopes in stream.groups:
            encoded = whole if arrays else whole.for_peer(arrays)
            part = write_update(stream.number, stream.count, update.time_us, encoded)
            if self._post(envelopes, part, self._missed) is False:
                self._note_dropped([each for each in stream.clients if each.arrays is arrays])

    def _offer(self, stream: _Stream, update: PublishedUpdate) -> None:
        limiter = stream.limiter
        if limiter is None:
            return
        waited = limiter.due is not None
        chosen = limiter.offer(update, update.encoded.value(), time.monotonic())
        if chosen is not None:
            self._send(stream, chosen)
        elif limiter.due is not None and not waited:
            self._timers.call_at(limiter.due, partial(self._take, stream))

    def _take(self, stream: _Stream) -> None:
        with publishing:
            limiter = stream.limiter
            if limiter is None:
                return
            chosen = limiter.take(time.monotonic())
            if chosen is not None:
                self._send(stream, chosen)
            if limiter.due is not None:
                self._timers.call_at(limiter.due, partial(self._take, stream))

    def _sample(self, stream: _Stream, table: PropertyTable) -> bool:
        """Read a computed property, if somebody hears of it; whether its stream goes on."""
        if stream.clients:
            _sample(table, stream.one.declared.name)
        return self._streams.get(stream.key) is stream

    def _missed(self, client: bytes, gone: bool) -> None:
        known, now = self._clients.get(client), time.monotonic()
        if known is None:
            return
        if known.lags_since is None:
            known.lags_since = now
        if not gone:
            with publishing:
                self._note_dropped((known,))
        if gone or now - known.lags_since > _LAG_MOST_S:
            self.forget(client)


def _sample(table: PropertyTable, name: str) -> None:
    try:
        table.sample(name)
    except WouldWaitError:  # it is read beside this thread soon
        pass
    except Exception:  # of anybody's code
        log.exception("%s could not be read", name)

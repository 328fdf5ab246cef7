"""Publisher: which clients hear of which properties of a server's objects. Knows no socket.

A property with the limits of a subscription is a stream, which counts what is sent of it; all
subscriptions of a property with equal limits share one. What a client does not get is missing in its counts.
A client that is too slow misses updates while too much waits for it; if no heartbeat of it comes
meanwhile for `_MAX_LAG_S`, it is dropped with its subscriptions.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from itertools import count

from groundwork.errors import did_you_mean
from groundwork.values import JsonObject, JsonValue
from zmqjsonproxy.caller import UNNAMED
from zmqjsonproxy.channels.declarations import PropertyKind
from zmqjsonproxy.channels.framequeue import WaitingFrame
from zmqjsonproxy.channels.preparation import FramePreparation, Prepared
from zmqjsonproxy.channels.properties import (
    Listener,
    Property,
    PropertyTable,
    PublishedUpdate,
    publishing,
)
from zmqjsonproxy.channels.protocol.limits import NO_LIMITS, Limiter
from zmqjsonproxy.channels.protocol.notices import (
    Encoded,
    MessagePart,
    UpdatePart,
    write_newest,
    write_opened,
    write_update,
)
from zmqjsonproxy.channels.protocol.wishes import Wish, read_wish
from zmqjsonproxy.channels.shares import TooManyError, check_share
from zmqjsonproxy.channels.streams import (
    Envelope,
    Group,
    PropertyStream,
    SubscribedClient,
    stream_key,
    streams_of,
)
from zmqjsonproxy.channels.timers import Timers
from zmqjsonproxy.controllog import control

__all__ = ["Publisher"]

log = logging.getLogger(__name__)

MAX_PATTERNS = 10_000
"""Patterns of one client."""
MAX_STREAMS = 50_000
"""Streams of one client; one of two of its patterns counts twice."""
MAX_LOAD = 500_000
"""Patterns and streams of all clients; then the one that is silent for the longest time goes."""
MAX_CLIENTS = 10_000
WISHES_AT_ONCE = 1000
"""Patterns in one question."""
MAX_IDLE, MAX_IDLE_OF_ONE = 1000, 100
"""Streams with limits that go on to count without subscribers, who may come back; of one property."""
_MAX_LAG_S = 10.0
"""A client that takes nothing for so long is subscribed no more, s."""
MAX_SILENT_S = 300.0
"""A client that sends no heartbeat for so long is gone, s."""
_NEWEST_AT_ONCE, _CLIENTS_SHOWN, _SHOWN = 2000, 100, 20
_NOTHING_NEW = write_newest(()).body
Missed = Callable[[bytes, bool], None]
Post = Callable[[Sequence[Envelope], UpdatePart, Missed], bool]


class Publisher:
    """Streams of the properties of a server's objects.

    `add`, `close`, and what properties publish, are for any thread; all else is for the socket's.

    Args:
        post: Sends a message to clients, from any thread; False: to none of them. A `Missed` is
            told in the socket's thread who did not get it, and whether that one is gone.
        instance: Identity of the server's process.
        clock: s, monotonic.
        make_timers: Makes what calls functions at times of that clock.
        waiting: Sends a client a message, in the socket's thread, and tells how many bytes wait for
            it; None: it is gone.
    """

    def __init__(
        self,
        post: Post,
        instance: str,
        clock: Callable[[], float] = time.monotonic,
        make_timers: Callable[[], Timers] = Timers,
        waiting: Callable[[Envelope, bytes], int | None] = lambda _envelope, _body: 0,
    ) -> None:
        self._post, self._instance = post, instance
        self._clock, self._waiting = clock, waiting
        self._dropped, self._dropped_at, self._load = 0, 0.0, 0
        self._tables: dict[str, PropertyTable] = {}
        self._clients: dict[bytes, SubscribedClient] = {}  # who was heard of last is the last
        self._streams: dict[Wish, PropertyStream] = {}
        self._idle: dict[PropertyStream, None] = {}
        self._numbers, self._sessions = count(1), count(1)
        self._make_timers = make_timers
        self._timers, self._preparation = self._make_helpers()
        self._read_now: set[tuple[str, str]] = set()  # object and property, those that are computed

    def _make_helpers(self) -> tuple[Timers, FramePreparation]:
        """Make what works beside the socket's thread."""
        return self._make_timers(), FramePreparation(
            self._make_timers(), self._clock, self._send_prepared, self._complain
        )

    def close(self) -> None:
        """End what works beside the socket's thread, and hear of no property any more."""
        self._timers.close()
        self._preparation.close()
        with publishing:
            for stream in list(self._streams.values()):
                self._end(stream)
            for object_name, table in self._tables.items():
                self._leave_table(object_name, table)
            self._clients.clear()

    def leave_to_parent(self) -> None:
        """Leave all to the parent, in a child made by `fork`, where what is published goes to
        nobody of the parent's clients."""
        self._post = lambda _envelopes, _part, _missed: True
        self._timers, self._preparation = self._make_helpers()  # with free locks
        self.close()

    def add(self, object_name: str, table: PropertyTable) -> None:
        """Offer the properties of an object, in the place of another one of its name."""
        with publishing:
            before = self._tables.get(object_name)
            if before is table:
                return
            self._tables[object_name] = table
            table.on_new[self, object_name] = partial(self._open, object_name)
            table.senders[self, object_name] = partial(self._send_to, object_name)
            known: dict[str, Property] = {}
            if before is not None:
                self._leave_table(object_name, before)
                known = before.properties
                for stream in [s for s in self._streams.values() if s.key[0] == object_name]:
                    self._replace(stream, table.properties.get(stream.key[1]))
            for name, one in table.properties.items():
                if name not in known or not known[name].is_like(one):
                    self._open(object_name, one)

    def _leave_table(self, object_name: str, table: PropertyTable) -> None:
        table.on_new.pop((self, object_name), None)
        table.senders.pop((self, object_name), None)

    @property
    def clients(self) -> int:
        """Number of clients that have subscriptions."""
        return len(self._clients)

    def connections(self) -> list[bytes]:
        """Return the connections of clients that have subscriptions."""
        return [client.envelope[0] for client in list(self._clients.values())]

    def describe(self) -> JsonObject:
        """Return who has subscriptions, and what did not reach them.

        Returns:
            `connections` and `streams` that they hear of, how many there are; `dropped`, updates that a client did
            not get, of all clients that there were, and `dropped_ago`, s since the last of them,
            None: there was none; `clients`, those that have missed most and for which most waits,
            at most 100: `name`, `patterns`, `streams`, `waiting` (bytes), `dropped` since it
            connected, `lags` (s since it began to take nothing, 0: it does not), `silent` (s since
            its last heartbeat).
        """
        now = self._clock()
        known: list[tuple[SubscribedClient, int]] = []
        for client in list(self._clients.values()):
            waiting = self._waiting(client.envelope, _NOTHING_NEW)
            if waiting is None:
                self.forget(client.envelope[0], "its connection is gone")
            else:
                known.append((client, waiting))
        known.sort(key=lambda one: (one[0].dropped, one[1]), reverse=True)
        with publishing:
            streams = sum(bool(stream.clients) for stream in self._streams.values())
        return {
            "connections": len(known),
            "streams": streams,
            "dropped": self._dropped,
            "dropped_ago": round(now - self._dropped_at, 3) if self._dropped else None,
            "clients": [
                client.describe(now) | {"waiting": waiting}
                for client, waiting in known[:_CLIENTS_SHOWN]
            ],
        }

    # what clients ask

    def subscribe(
        self,
        client: bytes,
        arrays: bool | None,
        wishes: Sequence[JsonValue],
        name: str = "",
        packs: bool = False,
    ) -> JsonObject:
        """Subscribe a client.

        Args:
            client: Its connection.
            arrays: What it takes as frames.
            wishes: `[object, pattern, limits]` each.
            name: As it calls itself; one without a name is given one.
            packs: It takes arrays of several updates as one frame.

        Returns:
            As `beat`, its `name`, and `answers`; for each wish: `streams`, a list of stream, name,
            kind, count and, where there is one, time and present value; or `error`.
        """
        with publishing:
            known = self._clients.get(client)
            if known is None:
                session = next(self._sessions)
                name = f"client-{session}" if name in ("", UNNAMED) else name
                made = SubscribedClient((client,), session, arrays, name, packs)
                known = self._clients[client] = made
                self._load += known.load
                self._note("%s is a subscriber from now on", name)
            self._hear(known, client)
        told = [self._subscribe(known, wish) for wish in wishes[:WISHES_AT_ONCE]]
        too_many: JsonObject = {"error": f"at most {WISHES_AT_ONCE} subscriptions at once"}
        while self._load > MAX_LOAD or len(self._clients) > MAX_CLIENTS:
            oldest = next(iter(self._clients))
            if oldest == client:
                break
            self.forget(oldest, "there are too many clients")
        told += [too_many] * (len(wishes) - len(told))
        return self._who(known) | {"name": known.name, "answers": told}

    def _who(self, client: SubscribedClient | None) -> JsonObject:
        return {"instance": self._instance, "session": 0 if client is None else client.session}

    def _hear(self, client: SubscribedClient, connection: bytes) -> None:
        """Note that something was heard of a client, over a connection that may be another one than
        before; those of whom nothing was for long are forgotten."""
        now = self._clock()
        del self._clients[connection]  # the key of a dict is not replaced by one that is equal
        client.heard_at, client.envelope = now, (connection,)
        self._clients[connection] = client
        while (oldest := next(iter(self._clients.values()))).heard_at < now - MAX_SILENT_S:
            self.forget(oldest.envelope[0], f"no heartbeat for {MAX_SILENT_S:g} s")

    def _subscribe(self, client: SubscribedClient, said: JsonValue) -> JsonObject:
        try:
            wish = read_wish(said)
        except ValueError as error:
            return {"error": str(error)}
        object_name, pattern, _ = wish
        table = self._tables.get(object_name)
        if table is None:
            there = ", ".join(self._tables) or "none"
            return {"error": f"{object_name[:80]!r} publishes nothing here; there are: {there}"}
        if len(client.wishes) >= MAX_PATTERNS and wish not in client.wishes:
            return {"error": f"a client has at most {MAX_PATTERNS} patterns"}
        with publishing:
            if wish not in client.wishes:
                client.wishes[wish] = {}
                client.index.add(wish)
                self._load += 1
            try:
                streams = [
                    self._join(client, wish, table.properties[name])
                    for name in table.names(pattern)
                ]
            except TooManyError as error:
                self._drop(client, wish)
                return {"error": str(error)}
            told: JsonObject = {"streams": streams}
            if not streams:
                told["known"] = table.names()[:_SHOWN]
                told["hint"] = did_you_mean(pattern, table.names())
        return told

    def _join(self, client: SubscribedClient, wish: Wish, one: Property) -> list[JsonValue]:
        """Have a client hear of a property; what it is told of the stream."""
        key = stream_key(wish, one)
        stream, joined = self._streams.get(key), client.wishes[wish]
        if client.joined >= MAX_STREAMS and (stream is None or stream not in joined):
            raise TooManyError(f"{wish[1]}: a client has at most {MAX_STREAMS} streams")
        if stream is None or client not in stream.clients:
            check_share(client, one, is_new=stream is None)
        if stream is None:
            stream = self._streams[key] = PropertyStream(
                next(self._numbers), key, one, self._clock()
            )
            one.listeners[stream] = self._listener(stream)
        if stream.reduces and stream.reduced is None and stream.newest is not None:
            self._prepare_newest(stream, stream.newest)
        if stream not in joined:
            self._idle.pop(stream, None)
            joined[stream] = None
            client.joined += 1
            self._load += 1
            if stream.add(client):
                client.told[stream] = stream.count_for(client)
        kind, newest = one.declared.kind, stream.newest
        if one.declared.read is not None and self._begin_reading(stream):
            newest = None  # it may be old: it comes as soon as it is read
        told: list[JsonValue] = [stream.number, one.declared.name, kind.value]
        told.append(stream.count_for(client))
        if newest is not None and kind is not PropertyKind.MESSAGE:
            encoded = self._for_peer(stream, newest, client.arrays)
            if encoded is not None:
                told += [newest.time_us, encoded.value()]
        return told

    def _listener(self, stream: PropertyStream) -> Listener:
        return partial(self._send if stream.limiter is None else self._offer, stream)

    def unsubscribe(self, client: bytes, wishes: Iterable[JsonValue]) -> int:
        """End subscriptions of a client; how many it had of them."""
        known, ended = self._clients.get(client), 0
        if known is None:
            return 0
        for said in wishes:
            try:
                wish = read_wish(said)
            except ValueError:
                continue
            with publishing:
                ended += self._drop(known, wish)
        if not known.wishes:
            self.forget(client, "it has no subscription any more")
        return ended

    def beat(self, client: bytes) -> JsonObject:
        """Answer who the server is, and in which session it has the client; 0: it does not know it.

        The newest counts that the client was not told of yet are posted, behind all that is on its
        way; all of them, if it has missed something, which may have been such a notice.
        """
        known = self._clients.get(client)
        if known is not None:
            with publishing:
                self._hear(known, client)
                known.lags_since, all_of_them, known.has_missed = None, known.has_missed, False
                changed = [
                    (stream, count)
                    for stream, told in known.told.items()
                    if (count := stream.count_for(known)) != told or all_of_them
                ]
                for first in range(0, len(changed), _NEWEST_AT_ONCE):
                    part = changed[first : first + _NEWEST_AT_ONCE]
                    self._tell(known, write_newest((s.number, number) for s, number in part))
                known.told.update(changed)
        return self._who(known)

    def forget(self, client: bytes, why: str = "") -> None:
        """End all subscriptions of a client; the log of control activity gets the reason."""
        with publishing:
            known = self._clients.pop(client, None)
            if known is not None:
                for wish in list(known.wishes):
                    self._drop(known, wish)
                self._load -= known.load
                self._note("%s is subscribed no more: %s", known.name, why)

    # streams

    def _drop(self, client: SubscribedClient, wish: Wish) -> bool:
        """End a subscription of a client; whether it had it."""
        streams = client.wishes.pop(wish, None)
        if streams is None:
            return False
        client.index.discard(wish)
        self._load -= 1
        for stream in streams:
            self._leave(client, stream)
        return True

    def _leave(self, client: SubscribedClient, stream: PropertyStream) -> None:
        """Note that one subscription of a client has a stream no more."""
        client.joined -= 1
        self._load -= 1
        if stream.remove(client):
            client.told.pop(stream, None)
        if not stream.clients and stream.limiter is not None:  # others are as many as properties
            self._idle[stream] = None
            of_one = [each for each in streams_of(stream.one) if each in self._idle]
            if len(of_one) > MAX_IDLE_OF_ONE:
                self._end(of_one[0])
            elif len(self._idle) > MAX_IDLE:
                self._end(next(iter(self._idle)))

    def _end(self, stream: PropertyStream) -> None:
        object_name, name, _ = stream.key
        for client in list(stream.clients):
            for wish in client.index.find(object_name, name):
                if stream in client.wishes[wish]:
                    del client.wishes[wish][stream]
                    self._leave(client, stream)
        self._idle.pop(stream, None)
        self._preparation.forget(stream)
        del self._streams[stream.key]
        stream.one.listeners.pop(stream, None)

    def _replace(self, stream: PropertyStream, one: Property | None) -> None:
        """Go on with the property of another object, or end the stream."""
        if one is None or not stream.one.is_like(one):
            self._end(stream)
            return
        stream.one.listeners.pop(stream, None)
        stream.one = one
        hear = one.listeners[stream] = self._listener(stream)
        if one.newest is not None and one.declared.kind is not PropertyKind.MESSAGE:
            hear(one.newest)
        if one.declared.read is not None and stream.clients:
            self._begin_reading(stream)

    def _open(self, object_name: str, one: Property) -> None:
        """Tell of a new property those who wait for it, with its present value."""
        name, kind = one.declared.name, one.declared.kind
        for client in list(self._clients.values()):
            for wish in list(client.index.find(object_name, name)):
                try:
                    self._join(client, wish, one)
                except TooManyError as error:
                    self._warn("a client does not hear of a new property: %s", error)
                    continue
                stream, limits = self._streams[stream_key(wish, one)], wish[2].describe()
                self._tell(client, write_opened(object_name, stream.number, name, kind, limits))
                if stream.newest is not None and kind is not PropertyKind.MESSAGE:
                    self._post_to(stream.grouped((client,)), stream, stream.newest)

    def _tell(self, client: SubscribedClient, body: MessagePart) -> None:
        if not self._post((client.envelope,), body, self._missed):
            client.has_missed = True

    def _note_dropped(self, clients: Collection[SubscribedClient], updates: int = 1) -> None:
        """Count updates that clients do not get; within `publishing`."""
        self._dropped += len(clients) * updates
        self._dropped_at = self._clock()
        for client in clients:
            client.dropped += updates

    def _send(self, stream: PropertyStream, update: PublishedUpdate) -> None:
        if stream.is_pipe and (stream.is_laborious or self._preparation.is_busy(stream)):
            dropped = self._preparation.put(stream, update)
            if dropped:
                self._note_dropped(stream.clients, dropped)
            return
        stream.count += 1
        stream.newest, stream.reduced = update, None
        self._post_to(stream.groups, stream, update)

    def _send_to(
        self, object_name: str, one: Property, name: str, update: PublishedUpdate
    ) -> list[str]:
        """Send a message to the clients of one name; the names of all that hear of it."""
        stream = self._streams.get((object_name, one.declared.name, NO_LIMITS))
        if stream is None:
            return []
        self._post_to(stream.address(name), stream, update)
        return [client.name for client in stream.clients]

    def _send_prepared(self, frame: WaitingFrame, prepared: Prepared) -> None:
        stream, update, dropped = frame
        stream.count += 1 + dropped
        stream.newest, stream.reduced = update, prepared.get(True) if stream.reduces else None
        self._post_to(stream.groups, stream, update, prepared)

    def _prepare_newest(self, stream: PropertyStream, update: PublishedUpdate) -> None:
        """Have the newest frame of a stream sent to who joins it; nobody was sent it before."""
        if not self._preparation.is_busy(stream):
            stream.count -= 1
            stream.newest = None
            self._preparation.put(stream, update)

    def _post_to(
        self,
        groups: Sequence[Group],
        stream: PropertyStream,
        update: PublishedUpdate,
        prepared: Prepared | None = None,
    ) -> None:
        held = update.held
        post, missed, number, count = self._post, self._missed, stream.number, stream.count
        for arrays, ahead, packs, clients, envelopes in groups:
            if not isinstance(held, Encoded):
                if not post(envelopes, (number, count + ahead, update.time_us, held), missed):
                    self._note_dropped(clients)
                continue
            encoded: Encoded | None = held
            if prepared is not None:
                encoded = prepared[arrays]
            elif held.frames and not (arrays and stream.reduced is None):
                encoded = self._for_peer(stream, update, arrays)
            if encoded is None:
                continue
            part = write_update(number, count + ahead, update.time_us, encoded, packs)
            if not post(envelopes, part, missed):
                self._note_dropped(clients)

    def _for_peer(
        self, stream: PropertyStream, update: PublishedUpdate, arrays: bool | None
    ) -> Encoded | None:
        """Return the newest value of a stream as a client gets it; None: it cannot travel to it."""
        encoded = stream.reduced or update.encoded
        if arrays or not encoded.frames:
            return encoded
        try:
            return encoded.for_peer(arrays)
        except (TypeError, ValueError, RecursionError) as error:
            self._complain(stream, "does not go to some of its clients", error)
            return None

    def _complain(self, stream: PropertyStream, what: str, error: Exception) -> None:
        """Say once of a stream what is not as its clients want it."""
        if not stream.is_blamed:
            stream.is_blamed = True
            object_name, name, _ = stream.key
            self._warn("%s.%s %s: %s", object_name, name, what, error)

    def _warn(self, text: str, *args: object) -> None:
        """Log in another thread: a handler may publish what is logged, and have a lock of its
        own."""
        self._timers.call_at(self._clock(), partial(log.warning, text, *args))

    def _note(self, text: str, *args: object) -> None:
        """Add to the log of control activity, likewise."""
        if control.is_wanted:
            self._timers.call_at(self._clock(), partial(control.note, text, *args))

    def _offer(self, stream: PropertyStream, update: PublishedUpdate) -> None:
        limiter = stream.limiter
        if limiter is not None:
            value = update.value if limiter.compares else None
            chosen = limiter.offer(update, value, self._clock())
            if chosen is not None:
                self._send(stream, chosen)
            self._wait_for(stream, limiter)

    def _wait_for(self, stream: PropertyStream, limiter: Limiter[PublishedUpdate]) -> None:
        due = limiter.due
        if due is not None and not stream.waits:
            stream.waits = True
            self._timers.call_at(due, partial(self._take, stream, limiter))

    def _take(self, stream: PropertyStream, limiter: Limiter[PublishedUpdate]) -> None:
        with publishing:
            stream.waits = False
            chosen = limiter.take(self._clock())
            if chosen is not None:
                self._send(stream, chosen)
            self._wait_for(stream, limiter)

    # computed properties, which are read once for all who hear of them

    def _begin_reading(self, stream: PropertyStream) -> bool:
        """Have a property read from now on; whether its newest value may be old."""
        object_name, name, _ = stream.key
        if (object_name, name) in self._read_now:
            return False
        self._read_now.add((object_name, name))
        if stream.limiter is not None:
            stream.limiter.forget()
        self._timers.call_at(self._clock(), partial(self._read, object_name, name, True))
        return True

    def _read(self, object_name: str, name: str, always: bool = False) -> None:
        """Have a property read, and go on to, while somebody hears of it."""
        with publishing:
            table = self._tables[object_name]
            one = table.properties.get(name)
            is_heard = one is not None and any(
                stream.clients for stream in streams_of(one) if stream.key[0] == object_name
            )
            if one is None or one.declared.read is None or not is_heard:
                self._read_now.discard((object_name, name))
                return
            again = self._clock() + one.declared.every
        table.sample(name, always)
        self._timers.call_at(again, partial(self._read, object_name, name))

    def _missed(self, client: bytes, gone: bool) -> None:
        known, now = self._clients.get(client), self._clock()
        if known is None:
            return
        known.has_missed = True
        if known.lags_since is None:
            known.lags_since = now
        if not gone:
            with publishing:
                self._note_dropped((known,))
        if gone or now - known.lags_since > _MAX_LAG_S:
            self.forget(client, "gone" if gone else f"it took nothing for {_MAX_LAG_S:g} s")

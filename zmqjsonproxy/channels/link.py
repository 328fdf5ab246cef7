"""Link to one Player: its subscriptions, and what has arrived of them. No sockets, no clock.

Callers say what happens, with the time `now` (s, monotonic), and take what is to be asked from
`asks`. Each subscription counts by itself, so that each is told exactly what it has missed.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from groundwork.values import JsonObject, JsonValue
from zmqjsonproxy.channels.frames import restored_frame
from zmqjsonproxy.channels.protocol.limits import NO_LIMITS, Limits
from zmqjsonproxy.channels.protocol.patterns import is_wild, matches
from zmqjsonproxy.channels.settings import LinkSettings
from zmqjsonproxy.channels.updates import Event, EventKind, Update
from zmqjsonproxy.errors import BusyError, ProxyError, RemoteError

__all__ = ["Ask", "Link", "LinkState", "Sink", "Verb", "Wish"]

_WISHES_AT_ONCE = 500
_MESSAGE, _PIPE = "message", "pipe"
Wish = tuple[str, str, Limits]
"""Object, pattern, limits."""


class Sink(Protocol):
    """Receiver of what belongs to a subscription."""

    def take(self, updates: Sequence[Update]) -> None: ...
    def note(self, event: Event) -> None: ...


class LinkState(Enum):
    """Of a link."""

    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"
    ENDED = "ended"


class Verb(Enum):
    """Questions to a Player."""

    OPEN = "open"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    BEAT = "beat"


@dataclass(frozen=True, slots=True)
class Ask:
    """A question that is to be asked.

    Attributes:
        verb: Which.
        wishes: What it is about.
    """

    verb: Verb
    wishes: tuple[Wish, ...] = ()

    def params(self) -> list[JsonValue]:
        """Return its arguments as they travel."""
        if self.verb is Verb.BEAT:
            return []
        return [[[name, pattern, limits.describe()] for name, pattern, limits in self.wishes]]


@dataclass(slots=True, eq=False)
class _Replacement:
    """Subscriptions of a sink that end when others in their place have begun.

    Attributes:
        sink: Whose they are.
        gone: Those that end.
        awaited: Those in their place that the Player has not confirmed yet.
    """

    sink: Sink
    gone: set[Wish]
    awaited: set[Wish]


@dataclass(slots=True, eq=False)
class _Stream:
    """A property with limits, as far as it has arrived.

    Attributes:
        object_name: Whose property it is.
        name: Of the property.
        limits: Of the stream.
        kind: Of the property.
        number: That the Player gave the stream.
        is_joined: The Player sends its updates over this connection.
        behind: The newest count that the Player told of, if it did not arrive.
        last: Sink -> count of what it got last.
    """

    object_name: str
    name: str
    limits: Limits
    kind: str
    number: int
    is_joined: bool = False
    behind: int = 0
    last: dict[Sink, int] = field(default_factory=dict)

    def is_of(self, wish: Wish) -> bool:
        """Tell whether a subscription means it."""
        object_name, pattern, limits = wish
        has_limits = limits.for_kind(self.kind) == self.limits
        return object_name == self.object_name and has_limits and matches(pattern, self.name)


class Link:
    """Subscriptions at one Player.

    Args:
        source: What updates say of where they are from.
        settings: How it is watched.

    Attributes:
        state: Of the link.
        reason: Why it is not open.
        heard_at: When the Player was heard of last, s, monotonic.
        asks: What is to be asked, in this order.
    """

    def __init__(self, source: str, settings: LinkSettings) -> None:
        self.source, self.settings = source, settings
        self.state, self.reason, self.instance = LinkState.CLOSED, "not connected yet", ""
        self.heard_at = self.closed_at = -math.inf
        self.asks: deque[Ask] = deque()
        self.wishes: dict[Wish, dict[Sink, None]] = {}
        self._streams: dict[tuple[str, str, Limits], _Stream] = {}
        self._by_number: dict[int, _Stream] = {}
        self._given: dict[Sink, list[Update]] = {}
        self._replacements: list[_Replacement] = []
        self._beat_at = 0.0
        self._is_beating = self._was_open = False
        self._announced: EventKind | None = None

    # what its user wants

    def subscribe(self, wish: Wish, sink: Sink) -> None:
        """Begin a subscription."""
        self.wishes.setdefault(wish, {})[sink] = None
        if self.state is LinkState.OPEN:
            self._ask_for(wish)

    def _ask_for(self, *wishes: Wish) -> None:
        """Ask for subscriptions, along with those that are to be asked for next."""
        for wish in wishes:
            last = self.asks[-1] if self.asks else None
            if last and last.verb is Verb.SUBSCRIBE and len(last.wishes) < _WISHES_AT_ONCE:
                self.asks[-1] = Ask(Verb.SUBSCRIBE, (*last.wishes, wish))
            else:
                self.asks.append(Ask(Verb.SUBSCRIBE, (wish,)))

    def replace(self, before: Iterable[Wish], after: Iterable[Wish], sink: Sink) -> None:
        """Begin subscriptions of a sink in the place of others, which go on until the Player has
        confirmed the new ones."""
        wanted = dict.fromkeys(after)
        gone = set(before) - wanted.keys()
        for earlier in self._replacements:
            if earlier.sink is sink:
                earlier.gone -= wanted.keys()
        new = [wish for wish in wanted if sink not in self.wishes.get(wish, {})]
        for wish in new:
            self.subscribe(wish, sink)
        if self.state is LinkState.OPEN and new:
            self._replacements.append(_Replacement(sink, gone, set(new)))
        else:
            self.unsubscribe(gone, sink)

    def _end_replaced(self, confirmed: Iterable[Wish] | None = None) -> None:
        """End what others, which are confirmed now, were to replace; None: all that is to end."""
        waiting, self._replacements = self._replacements, []
        for each in waiting:
            each.awaited.difference_update(each.awaited if confirmed is None else confirmed)
            if each.awaited:
                self._replacements.append(each)
            else:
                self.unsubscribe(each.gone, each.sink)

    def unsubscribe(self, wishes: Iterable[Wish], sink: Sink) -> None:
        """End subscriptions of a sink, which gets nothing more of them."""
        for wish in wishes:
            sinks = self.wishes.get(wish, {})
            sinks.pop(sink, None)
            if sinks or self.wishes.pop(wish, None) is None:
                continue
            if self.state is LinkState.OPEN:
                self.asks.append(Ask(Verb.UNSUBSCRIBE, (wish,)))
        kept = {wish for wish, sinks in self.wishes.items() if sink in sinks}
        wild = [wish for wish in kept if is_wild(wish[1]) or wish[2] != NO_LIMITS]
        for key, stream in list(self._streams.items()):
            if key not in kept and not any(map(stream.is_of, wild)):
                stream.last.pop(sink, None)
            if not stream.last:
                del self._streams[key]
                self._by_number.pop(stream.number, None)

    def leave(self, sink: Sink) -> None:
        """End all subscriptions of a sink."""
        self._replacements = [each for each in self._replacements if each.sink is not sink]
        self.unsubscribe([w for w, sinks in self.wishes.items() if sink in sinks], sink)

    def reconnect(self, now: float) -> None:
        """Try again, if it was given up."""
        if self.state is LinkState.ENDED:
            self.state, self.closed_at = LinkState.CLOSED, now

    # what happens

    def tick(self, now: float, may_connect: bool) -> None:
        """Take note that time has passed; `may_connect`: nothing speaks against another attempt."""
        if self.state is LinkState.CLOSED and self.wishes:
            self.closed_at = now if self.closed_at == -math.inf else self.closed_at
            if now - self.closed_at > self.settings.drop_after:
                self.state = LinkState.ENDED
                text = f"not there for {self.settings.drop_after:g} s: {self.reason}; reconnect() tries again"
                self._note_all(EventKind.ENDED, text)
            elif may_connect:
                self.state = LinkState.OPENING
                self.asks.append(Ask(Verb.OPEN))
        is_due = now - self._beat_at >= self.settings.ping_every
        if self.state is LinkState.OPEN and is_due and not self._is_beating:
            self._is_beating, self._beat_at = True, now
            self.asks.append(Ask(Verb.BEAT))

    def lost(self, reason: str, now: float) -> None:
        """Take note that there is no connection any more."""
        if self.state is LinkState.ENDED:
            return
        was_open = self.state is LinkState.OPEN
        self.hand_over()
        self.state, self.reason, self._is_beating = LinkState.CLOSED, reason, False
        self._end_replaced()
        self.asks.clear()
        self._by_number.clear()
        for stream in self._streams.values():
            stream.is_joined = False
        if was_open:
            self.closed_at = now
            self._note_all(EventKind.STALE, reason)

    def answered(self, ask: Ask, value: JsonValue, error: ProxyError | None, now: float) -> bool:
        """Take the answer to a question; False: the connection is to be given up."""
        if self.state not in (LinkState.OPENING, LinkState.OPEN):
            return True
        if isinstance(error, RemoteError) and not isinstance(error, BusyError):
            self.refuse(str(error))
            return True
        if error is not None:
            self.lost(str(error), now)
            return False
        self.heard_at = now
        if ask.verb is Verb.BEAT:
            self._is_beating = False
            if isinstance(value, dict) and value.get("subscribed") is False and self.wishes:
                self._subscribe_all()  # it took the silence of this end for its death
        elif ask.verb is Verb.SUBSCRIBE and isinstance(value, list):
            for wish, answer in zip(ask.wishes, value, strict=False):
                self._subscribed(wish, answer if isinstance(answer, dict) else {})
            self._end_replaced(ask.wishes)
            if self._announced and not any(each.verb is Verb.SUBSCRIBE for each in self.asks):
                kind, self._announced = self._announced, None
                self._note_all(kind, "")  # now that the present values are there
        return True

    def refuse(self, why: str) -> None:
        """Take note that the Player has no subscriptions: nothing is tried any more."""
        self.state, self.reason = LinkState.ENDED, why
        self._note_all(EventKind.REFUSED, why)
        self._note_all(EventKind.ENDED, why)

    def opened(self, instance: str, now: float) -> None:
        """Take note that there is a connection to a Player of an identity."""
        self.state, self.heard_at, self._beat_at = LinkState.OPEN, now, now
        if instance != self.instance:
            self.instance = instance
            for stream in self._streams.values():
                stream.last = dict.fromkeys(stream.last, 0)
        self._announced = EventKind.REOPENED if self._was_open else EventKind.OPENED
        self._was_open = True
        self._subscribe_all()

    def _subscribe_all(self) -> None:
        for stream in self._streams.values():
            stream.is_joined = False
        wishes = list(self.wishes)
        for first in range(0, len(wishes), _WISHES_AT_ONCE):
            part = tuple(wishes[first : first + _WISHES_AT_ONCE])
            self.asks.append(Ask(Verb.SUBSCRIBE, part))

    def take(self, notice: JsonObject, now: float) -> None:
        """Take a notice of the Player; what cannot be read is left. Updates are kept until
        `hand_over`."""
        self.heard_at = now
        params = notice.get("params")
        if not isinstance(params, list):
            return
        method = notice.get("method")
        if method == "rpc.update":
            for first in range(0, len(params) - 3, 4):
                number, count, time_us, value = params[first : first + 4]
                stream = self._by_number.get(number)
                if stream is not None:
                    for sink in stream.last:
                        self._give(stream, sink, count, time_us, value)
        elif method == "rpc.newest":
            self._take_newest(params)
        elif method == "rpc.opened" and len(params) == 5:
            object_name, number, name, kind, limits = params
            for wish in self.wishes:
                is_meant = wish[0] == object_name and wish[2].describe() == limits
                if is_meant and matches(wish[1], str(name)):
                    self._join(wish, [number, name, kind, 0])

    def _take_newest(self, params: list[JsonValue]) -> None:
        """Compare the newest counts with what has arrived: they came behind it."""
        behind: list[_Stream] = []
        for number, count in zip(params[::2], params[1::2], strict=False):
            stream = self._by_number.get(number) if isinstance(number, int) else None
            if stream is None or not isinstance(count, int):
                continue
            if all(last >= count for last in stream.last.values()):
                continue
            if stream.kind == _MESSAGE:
                for sink, last in stream.last.items():
                    self._lose(stream, sink, count - last)
                    stream.last[sink] = max(last, count)
            else:  # the value that is missing is asked for
                stream.behind = count
                behind.append(stream)
        if behind:
            self._ask_for(*(w for w in self.wishes if any(each.is_of(w) for each in behind)))

    def _subscribed(self, wish: Wish, answer: JsonObject) -> None:
        streams = answer.get("streams")
        if not isinstance(streams, list):
            for sink in self.wishes.get(wish, {}):
                text = f"{wish[0]}: {wish[1]}: {answer.get('error', 'no answer')}"
                sink.note(Event(EventKind.REFUSED, self.source, text))
            return
        for told in streams:
            if isinstance(told, list) and len(told) in (4, 6):
                self._join(wish, told)

    def _join(self, wish: Wish, told: list[JsonValue]) -> None:
        """Take what a Player says of a stream that it sends from now on."""
        number, name, kind, count, *value = told
        limits = wish[2].for_kind(str(kind))
        key = wish[0], str(name), limits
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = _Stream(*key, str(kind), int(str(number)))
        joins = not stream.is_joined or stream.number != number
        if stream.number != number and (limits.rate or limits.dead_band):  # counts from 1 again
            stream.last = dict.fromkeys(stream.last, 0)
        stream.number, stream.is_joined = int(str(number)), True
        self._by_number[stream.number] = stream
        newest = int(str(count))
        for sink in self.wishes.get(wish, {}):
            if sink not in stream.last:  # begins here
                stream.last[sink] = newest - 1 if value else newest
            elif not joins and not 0 < stream.behind == newest:
                continue  # what it has not got is on its way
            if value:
                self._give(stream, sink, newest, int(str(value[0])), value[1])
            elif stream.last[sink] < newest:
                self._lose(stream, sink, newest - stream.last[sink])
                stream.last[sink] = newest
        if stream.behind == newest:
            stream.behind = 0
        self.hand_over()

    def _give(
        self, stream: _Stream, sink: Sink, count: int, time_us: int, value: JsonValue
    ) -> None:
        last = stream.last[sink]
        lost = count - last - 1
        if lost < 0:
            return
        stream.last[sink] = count
        if lost:
            self._lose(stream, sink, lost)
        if stream.kind == _PIPE:
            value = self._restored(stream, sink, value)
        update = Update(self.source, stream.name, value, count, time_us / 1e6, lost, stream.kind)
        given = self._given.get(sink)
        if given is None:
            self._given[sink] = [update]
        else:
            given.append(update)

    def _restored(self, stream: _Stream, sink: Sink, value: JsonValue) -> JsonValue:
        try:
            return restored_frame(value)
        except (ValueError, TypeError, LookupError) as error:
            text = f"{stream.name}: a frame cannot be read: {error}"
            sink.note(Event(EventKind.REFUSED, self.source, text))
            return None

    def hand_over(self) -> None:
        """Hand over to sinks what has come for them; to be called when no more is there."""
        given, self._given = self._given, {}
        for sink, updates in given.items():
            sink.take(updates)

    def _lose(self, stream: _Stream, sink: Sink, lost: int) -> None:
        if lost > 0:
            self.hand_over()
            sink.note(Event(EventKind.GAP, self.source, stream.name, lost))

    def _note_all(self, kind: EventKind, text: str) -> None:
        for sink in self._sinks():
            sink.note(Event(kind, self.source, text))

    def _sinks(self) -> Iterator[Sink]:
        return iter({sink: None for sinks in self.wishes.values() for sink in sinks})

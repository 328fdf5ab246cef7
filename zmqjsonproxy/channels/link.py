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

from groundwork.errors import text_of
from groundwork.truncation import cut
from groundwork.values import JsonObject, JsonValue
from zmqjsonproxy.channels.frames import restored_frame
from zmqjsonproxy.channels.protocol.notices import (
    Told,
    read_newest,
    read_opened,
    read_refused,
    read_told,
    read_updates,
)
from zmqjsonproxy.channels.protocol.wishes import Wish, WishIndex, write_wishes
from zmqjsonproxy.channels.settings import LinkSettings
from zmqjsonproxy.channels.updates import Event, EventKind, Update
from zmqjsonproxy.errors import AccessError, BusyError, DeadlineError, ProxyError, RemoteError

__all__ = ["Link", "LinkState", "SubscriptionRequest", "SubscriptionSink", "Verb", "Wish"]

_WISHES_AT_ONCE = 500
_MAX_IN_FLIGHT = 2
"""Questions about subscriptions that wait for their answers; the next ones are asked then, for each has
only so long, and thousands of subscriptions take a busy Player longer."""
_MAX_STREAMS = 50_000
"""Streams of a Player that are counted; of those that are not there any more it is forgotten first
what has arrived."""
_LONGEST_TEXT = 500
_MESSAGE, _PIPE = "message", "pipe"


class SubscriptionSink(Protocol):
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
class SubscriptionRequest:
    """A question that is to be asked.

    Attributes:
        verb: Which.
        wishes: What it is about.
        number: Counts the questions of a link.
    """

    verb: Verb
    wishes: tuple[Wish, ...] = ()
    number: int = 0

    def params(self) -> list[JsonValue]:
        """Return its arguments as they travel."""
        return [] if self.verb is Verb.BEAT else [write_wishes(self.wishes)]


@dataclass(slots=True, eq=False)
class _Replacement:
    """Subscriptions of a sink that end when others in their place have begun.

    Attributes:
        sink: Whose they are.
        gone: Those that end.
        awaited: Those in their place that the Player has not confirmed yet.
    """

    sink: SubscriptionSink
    gone: set[Wish]
    awaited: set[Wish]


@dataclass(slots=True, eq=False)
class _Stream:
    """A property with limits, as far as it has arrived.

    Attributes:
        key: Object, property, limits.
        kind: Of the property.
        number: That the Player gave the stream.
        is_joined: The Player sends its updates over this connection.
        behind: The newest count that the Player told of, if it did not arrive.
        last: Sink -> count of what it got last.
    """

    key: Wish
    kind: str
    number: int
    is_joined: bool = False
    behind: int = 0
    last: dict[SubscriptionSink, int] = field(default_factory=dict)

    def begin_anew(self) -> None:
        """Count from 0 on."""
        self.last = dict.fromkeys(self.last, 0)
        self.is_joined, self.behind = False, 0


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
        wishes: What is subscribed to, and by whom.
    """

    def __init__(self, source: str, settings: LinkSettings) -> None:
        self.source, self.settings = source, settings
        self.state, self.reason, self.instance = LinkState.CLOSED, "not connected yet", ""
        self.heard_at = self.closed_at = -math.inf
        self.asks: deque[SubscriptionRequest] = deque()
        self._under_way: set[int] = set()  # numbers of questions about subscriptions
        self.wishes: dict[Wish, dict[SubscriptionSink, None]] = {}
        self._index = WishIndex()
        self._since: dict[Wish, int] = {}  # number of the question with which it began
        self._unanswered: dict[Wish, None] = {}  # the Player may not know of them, or no more
        self._asked = self._session = 0
        self._fetched: dict[Wish, bool] = {}  # on their way; and whether once more then
        self._again: list[SubscriptionRequest] = []  # for which the Player was too busy
        self._streams: dict[Wish, _Stream] = {}
        self._by_number: dict[int, _Stream] = {}
        self._given: dict[SubscriptionSink, list[Update]] = {}
        self._replacements: list[_Replacement] = []
        self._beat_at = 0.0
        self._is_beating = self._was_open = False
        self._told_lost: dict[SubscriptionSink, None] = {}

    # what its user wants

    def subscribe(self, wish: Wish, sink: SubscriptionSink) -> None:
        """Begin a subscription."""
        sinks = self.wishes.get(wish)
        if sinks is None:
            sinks = self.wishes[wish] = {}
            self._index.add(wish)
            self._unanswered[wish] = None
        sinks[sink] = None
        number = self._ask_also(wish) if self.state is LinkState.OPEN else self._asked
        self._since.setdefault(wish, number)

    def _ask_also(self, wish: Wish) -> int:
        """Ask for one more, with those before if these were not asked for yet; the number of the
        question."""
        if self.asks and self.asks[-1].verb is Verb.SUBSCRIBE:
            wishes = self.asks[-1].wishes
            if len(wishes) < _WISHES_AT_ONCE:
                self.asks.pop()
                return self._ask(Verb.SUBSCRIBE, (*wishes, wish))
        return self._ask(Verb.SUBSCRIBE, (wish,))

    def replace(
        self, before: Iterable[Wish], after: Iterable[Wish], sink: SubscriptionSink
    ) -> None:
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

    def unsubscribe(self, wishes: Iterable[Wish], sink: SubscriptionSink) -> None:
        """End subscriptions of a sink, which gets no more than its other ones want."""
        ended = []
        for wish in wishes:
            sinks = self.wishes.get(wish)
            if sinks is None:
                continue
            sinks.pop(sink, None)
            if not sinks:
                del self.wishes[wish], self._since[wish]
                self._index.discard(wish)
                self._unanswered.pop(wish, None)
                ended.append(wish)
        if self.state is LinkState.OPEN:
            self._ask_in_parts(Verb.UNSUBSCRIBE, ended)
        for stream in list(self._streams.values()):
            if sink in stream.last and not any(
                sink in self.wishes[wish] for wish in self._wishes_for(stream)
            ):
                del stream.last[sink]
                if not stream.last:
                    self._forget(stream)

    def _forget(self, stream: _Stream) -> None:
        del self._streams[stream.key]
        if self._by_number.get(stream.number) is stream:
            del self._by_number[stream.number]

    def _wishes_for(self, stream: _Stream) -> Iterator[Wish]:
        """Yield the subscriptions that mean a stream."""
        object_name, name, limits = stream.key
        for wish in self._index.find(object_name, name):
            if wish[2].for_kind(stream.kind) == limits:
                yield wish

    def leave(self, sink: SubscriptionSink) -> None:
        """End all subscriptions of a sink."""
        self._replacements = [each for each in self._replacements if each.sink is not sink]
        self.unsubscribe([w for w, sinks in self.wishes.items() if sink in sinks], sink)

    def reconnect(self, now: float) -> None:
        """Try again, if it was given up."""
        if self.state is LinkState.ENDED:
            self.state, self.closed_at = LinkState.CLOSED, now

    # what is asked

    def next_ask(self) -> SubscriptionRequest | None:
        """Take from `asks` what is to be asked now; None: nothing, or answers have to come first."""
        if not self.asks:
            return None
        if self.asks[0].wishes:
            if len(self._under_way) >= _MAX_IN_FLIGHT:
                return None
            self._under_way.add(self.asks[0].number)
        return self.asks.popleft()

    def _ask(self, verb: Verb, wishes: Sequence[Wish] = ()) -> int:
        self._asked += 1
        self.asks.append(SubscriptionRequest(verb, tuple(wishes), self._asked))
        return self._asked

    def _ask_in_parts(self, verb: Verb, wishes: Sequence[Wish]) -> None:
        for first in range(0, len(wishes), _WISHES_AT_ONCE):
            self._ask(verb, wishes[first : first + _WISHES_AT_ONCE])

    def _fetch(self, wishes: Iterable[Wish]) -> None:
        """Ask for present values that did not arrive; for each wish one question is on its way."""
        fresh = []
        for wish in wishes:
            if wish in self._fetched:
                self._fetched[wish] = True
            else:
                self._fetched[wish] = False
                fresh.append(wish)
        self._ask_in_parts(Verb.SUBSCRIBE, fresh)

    def _ask_again(self) -> None:
        again, self._again = self._again, []
        for ask in again:
            wanted = ask.verb is Verb.SUBSCRIBE
            self._ask_in_parts(ask.verb, [w for w in ask.wishes if (w in self.wishes) is wanted])

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
                self._ask(Verb.OPEN)
        is_due = now - self._beat_at >= self.settings.ping_every
        if self.state is LinkState.OPEN and is_due and not self._is_beating:
            self._is_beating, self._beat_at = True, now
            self._ask_again()
            self._ask(Verb.BEAT)

    def lost(self, reason: str, now: float) -> None:
        """Take note that there is no connection any more."""
        if self.state is LinkState.ENDED:
            return
        was_open = self.state is LinkState.OPEN
        self.hand_over()
        self.state, self.reason = LinkState.CLOSED, reason
        self._end_replaced()
        self._disconnect()
        if was_open:
            self.closed_at = now
        told, self._told_lost = self._told_lost, dict.fromkeys(self._sinks())
        for sink in self._told_lost:
            if sink not in told:  # not once more with each attempt
                sink.note(Event(EventKind.STALE, self.source, reason))

    def _disconnect(self) -> None:
        self._is_beating, self._session = False, 0
        self.asks.clear()
        self._under_way.clear()
        self._again.clear()
        self._fetched.clear()
        self._by_number.clear()
        for stream in self._streams.values():
            stream.is_joined = False

    def answered(
        self, ask: SubscriptionRequest, value: JsonValue, error: ProxyError | None, now: float
    ) -> bool:
        """Take the answer to a question; False: the connection is to be given up."""
        self._under_way.discard(ask.number)
        if self.state not in (LinkState.OPENING, LinkState.OPEN):
            return True
        if isinstance(error, (BusyError, DeadlineError)):
            self._is_beating = self._is_beating and ask.verb is not Verb.BEAT
            if ask.verb in (Verb.SUBSCRIBE, Verb.UNSUBSCRIBE):
                self._again.append(ask)
        elif isinstance(error, (RemoteError, AccessError)):
            self.refuse(str(error))
            return True
        elif error is not None:
            self.lost(str(error), now)
            return False
        self.heard_at = now
        if error is None and ask.verb in (Verb.BEAT, Verb.SUBSCRIBE):
            said = value if isinstance(value, dict) else {}
            self._recognize(said.get("instance"), said.get("session"))
            if ask.verb is Verb.BEAT:
                self._is_beating = False
            else:
                self._take_streams(ask, said.get("answers"))
        return True

    def _recognize(self, instance: JsonValue, session: JsonValue) -> None:
        """Compare who answers, and in which session, with what was so before."""
        if not isinstance(instance, str) or type(session) is not int:
            return
        before, self._session = self._session, session
        if instance != self.instance:
            self._meet(instance)
            self._note_all(EventKind.REOPENED, "another process answers there")
            self._subscribe_all()
        elif before and session != before and self.wishes:
            self._subscribe_all()  # it took the silence of this end for its death

    def _take_streams(self, ask: SubscriptionRequest, value: JsonValue) -> None:
        answers = value if isinstance(value, list) else []
        again = []
        for wish, answer in zip(ask.wishes, answers, strict=False):
            if ask.number < self._since.get(wish, math.inf):
                continue  # it was ended since, and perhaps begun anew
            self._unanswered.pop(wish, None)
            self._subscribed(wish, answer if isinstance(answer, dict) else {})
            if self._fetched.pop(wish, False):
                again.append(wish)
        self._end_replaced(ask.wishes)
        self._fetch(again)

    def refuse(self, why: str) -> None:
        """Take note that the Player has no subscriptions: nothing is tried any more."""
        self.state, self.reason = LinkState.ENDED, why
        self._disconnect()
        self._note_all(EventKind.REFUSED, why)
        self._note_all(EventKind.ENDED, why)

    def opened(self, instance: str, now: float) -> None:
        """Take note that there is a connection to a Player of an identity."""
        self.state, self.heard_at, self._beat_at = LinkState.OPEN, now, now
        self._disconnect()
        if instance != self.instance:
            self._meet(instance)
        kind = EventKind.REOPENED if self._was_open else EventKind.OPENED
        self._was_open, self._told_lost = True, {}
        self._note_all(kind, "")
        self._subscribe_all()

    def _meet(self, instance: str) -> None:
        """Take note that another process is there, whose numbers begin anew."""
        self.instance = instance
        self._by_number.clear()
        for stream in self._streams.values():
            stream.begin_anew()

    def _subscribe_all(self) -> None:
        for stream in self._streams.values():
            stream.is_joined = False
        self._unanswered = dict.fromkeys(self.wishes)
        self._ask_in_parts(Verb.SUBSCRIBE, list(self.wishes))

    def take(self, notice: JsonObject, now: float) -> None:
        """Take a notice of the Player; what cannot be read is left. Updates are kept until
        `hand_over`."""
        self.heard_at = now
        if self.state is not LinkState.OPEN:
            return
        method, params = notice.get("method"), notice.get("params")
        if method == "rpc.update":
            by_number = self._by_number
            for number, count, time_us, value in read_updates(params):
                stream = by_number.get(number)
                if stream is not None:
                    for sink in stream.last:
                        self._give(stream, sink, count, time_us, value)
        elif method == "rpc.newest":
            self._take_newest(read_newest(params))
        elif method == "rpc.refused":
            self.refuse(cut(read_refused(params), _LONGEST_TEXT))
        elif method == "rpc.opened":
            opened = read_opened(params)
            if opened is not None:
                for wish in self._index.find(opened.object_name, opened.told.name):
                    if wish[2] == opened.limits and wish not in self._unanswered:
                        self._join(wish, opened.told)

    def _take_newest(self, counts: Iterable[tuple[int, int]]) -> None:
        """Compare the newest counts with what has arrived: they came behind it."""
        missing: dict[Wish, None] = {}
        for number, count in counts:
            stream = self._by_number.get(number)
            if stream is None:  # that it was opened did not arrive
                missing.update(dict.fromkeys(self.wishes))
            elif any(last < count for last in stream.last.values()):
                if stream.kind == _MESSAGE:
                    for sink in stream.last:
                        self._lose_to(stream, sink, count)
                else:  # the value that is missing is asked for
                    stream.behind = count
                    missing.update(dict.fromkeys(self._wishes_for(stream)))
        self._fetch(missing)

    def _subscribed(self, wish: Wish, answer: JsonObject) -> None:
        streams = answer.get("streams")
        if not isinstance(streams, list):
            why = cut(str(answer.get("error", "no answer")), _LONGEST_TEXT)
            for sink in self.wishes[wish]:
                sink.note(Event(EventKind.REFUSED, self.source, f"{wish[0]}: {wish[1]}: {why}"))
            return
        if not streams:
            hint = cut(str(answer.get("hint", "")), _LONGEST_TEXT)
            text = f"{wish[0]} has no property {wish[1]} yet{hint}"
            for sink in self.wishes[wish]:
                sink.note(Event(EventKind.ABSENT, self.source, text))
        for said in streams:
            told = read_told(said)
            if told is not None:
                self._join(wish, told)

    def _join(self, wish: Wish, told: Told) -> None:
        """Take what a Player says of a stream that it sends from now on."""
        key = wish[0], told.name, wish[2].for_kind(told.kind)
        stream = self._streams.get(key)
        if stream is None:
            stream = self._make(key, told)
            if stream is None:
                return
        if stream.number != told.number:  # it counts anew
            if self._by_number.get(stream.number) is stream:
                del self._by_number[stream.number]
            stream.begin_anew()
        joins, stream.is_joined = not stream.is_joined, True
        stream.kind, stream.number = told.kind, told.number
        self._by_number[told.number] = stream
        is_fetched, count = 0 < stream.behind == told.newest, told.newest
        takers = [sink for sink in self.wishes[wish] if sink not in stream.last]
        for sink in takers:  # they begin here
            stream.last[sink] = count - 1 if told.has_value else count
        if joins or is_fetched:  # else what the others have not got is on its way
            takers, stream.behind = list(stream.last), 0
        for sink in takers:
            if told.has_value:
                self._give(stream, sink, count, told.time_us, told.value)
            else:
                self._lose_to(stream, sink, count)
        self.hand_over()

    def _make(self, key: Wish, told: Told) -> _Stream | None:
        """Make a stream; None: there are too many."""
        if len(self._streams) >= _MAX_STREAMS:
            for stream in [each for each in self._streams.values() if not each.is_joined]:
                self._forget(stream)
            if len(self._streams) >= _MAX_STREAMS:
                return None
        made = self._streams[key] = _Stream(key, told.kind, told.number)
        return made

    def _give(
        self, stream: _Stream, sink: SubscriptionSink, count: int, time_us: int, value: JsonValue
    ) -> None:
        last = stream.last[sink]
        if count <= last:
            return
        lost, kind = count - last - 1, stream.kind
        if lost:
            self._lose_to(stream, sink, count - 1)
        stream.last[sink] = count
        if kind == _PIPE and type(value) is dict and "reduced" in value:
            value = self._restored(stream, sink, value)
        said = self.source, stream.key[1], value, count, time_us / 1e6, lost, kind
        update = tuple.__new__(Update, said)  # which takes half as long as to call it
        given = self._given.get(sink)
        if given is None:
            self._given[sink] = [update]
        else:
            given.append(update)

    def _restored(self, stream: _Stream, sink: SubscriptionSink, value: JsonValue) -> JsonValue:
        try:
            return restored_frame(value)
        except Exception as error:  # whatever a Player sends
            text = f"{stream.key[1]}: a frame cannot be read: {text_of(error)}"
            sink.note(Event(EventKind.REFUSED, self.source, text))
            return None

    def hand_over(self) -> None:
        """Hand over to sinks what has come for them; to be called when no more is there."""
        given, self._given = self._given, {}
        for sink, updates in given.items():
            sink.take(updates)

    def _lose_to(self, stream: _Stream, sink: SubscriptionSink, count: int) -> None:
        """Note that nothing up to a count arrived any more."""
        lost = count - stream.last[sink]
        if lost > 0:
            stream.last[sink] = count
            self.hand_over()
            sink.note(Event(EventKind.GAP, self.source, stream.key[1], lost))

    def _note_all(self, kind: EventKind, text: str) -> None:
        for sink in self._sinks():
            sink.note(Event(kind, self.source, text))

    def _sinks(self) -> Iterator[SubscriptionSink]:
        return iter({sink: None for sinks in self.wishes.values() for sink in sinks})

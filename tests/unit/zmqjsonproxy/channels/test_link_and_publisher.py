"""Link and publisher over a simulated wire, in virtual time: whatever is published, dropped, cut,
restarted, subscribed to and given up, each subscription knows to the last update what it has
missed, and shows in the end what is held."""

from __future__ import annotations

import contextlib
import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from support.virtual_timers import VirtualTimers

from zmqjsonproxy.channels import framequeue
from zmqjsonproxy.channels.declarations import Declared, PropertyKind
from zmqjsonproxy.channels.link import Link, LinkState, SubscriptionRequest, Verb
from zmqjsonproxy.channels.properties import PropertyTable
from zmqjsonproxy.channels.protocol.limits import NO_LIMITS, WHOLE, Limits
from zmqjsonproxy.channels.protocol.notices import (
    MessagePart,
    UpdatePart,
    encode,
    encode_frame,
    join_updates,
)
from zmqjsonproxy.channels.protocol.patterns import matches
from zmqjsonproxy.channels.protocol.wishes import Wish
from zmqjsonproxy.channels.publisher import Publisher
from zmqjsonproxy.channels.reducedframe import Reduction
from zmqjsonproxy.channels.settings import LinkSettings
from zmqjsonproxy.channels.updates import Event, EventKind, Update
from zmqjsonproxy.errors import BusyError, PeerLostError, RefusedError
from zmqjsonproxy.rpc.protocol import jsonrpc

MAX_QUEUE = 6
ME = "me"
NAMES = ("a.x", "a.y", "b.x", "m.x", "p.x")
PATTERNS = ("*", "a.*", "*.x", "a.x", "b.x", "m.x", "p.x", "late.1")
RATED, BANDED = Limits(rate=2.0), Limits(dead_band=5.0)
REDUCED = Limits(reduction=Reduction(width=2))
REDUCED_AND_RATED = Limits(rate=2.0, reduction=Reduction(width=2))
LIMITS = [NO_LIMITS, NO_LIMITS, RATED, BANDED, REDUCED, REDUCED_AND_RATED]
KINDS = {"m": PropertyKind.MESSAGE, "p": PropertyKind.PIPE}
STRANGER = b"stranger"
NOTICES = ("rpc.update", "rpc.newest", "rpc.opened", "rpc.else")
_NEARLY = st.sampled_from(
    [0, 1, 2, 7, 2**40, 2**63, -1, None, "1", "bank", "a.x", "result", [4], {}]
)
STRANGE = st.lists(_NEARLY | st.lists(_NEARLY, max_size=7), max_size=7) | _NEARLY
STRANGE_WISHES = st.tuples(st.just("bank"), st.sampled_from(PATTERNS), _NEARLY).map(list) | STRANGE
Key = tuple[str, str]
"""Life, property."""


@pytest.fixture(scope="module", autouse=True)
def few_frames_wait() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(framequeue, "MAX_FRAMES", 3)
        yield


class Server:
    """A Player's process, and its queue of updates."""

    def __init__(self, instance: str, timers: VirtualTimers) -> None:
        self.instance = instance
        self.queue: deque[tuple[Sequence[Sequence[bytes]], bytes, Callable[[bytes, bool], None]]]
        self.queue = deque()
        self.publisher = Publisher(self.post, instance, timers.clock, lambda: timers)
        self.table = PropertyTable([])

    def post(self, envelopes, body, missed) -> bool:
        if len(self.queue) >= MAX_QUEUE:
            return False
        self.queue.append((envelopes, body, missed))
        return True

    def expose(self, values: count[int], names: Sequence[str] = NAMES) -> None:
        self.table = PropertyTable(
            Declared(name=name, kind=KINDS.get(name[0], PropertyKind.RESULT)) for name in names
        )
        for name in names:
            if name[0] != "m":
                self.publish(name, next(values))
        self.publisher.add("bank", self.table)

    def publish(self, name: str, value: int) -> None:
        is_pipe = name[0] == "p"
        self.table.publish(name, encode_frame(np.full(7, value), 0.0, 1.0) if is_pipe else value)


def number_of(value: Any) -> int:
    """Return the number that was published."""
    if not isinstance(value, dict):
        return int(value)
    rows = [value[key] for key in ("data", "lower", "upper") if key in value]
    (number,) = {int(each) for row in rows for each in row}
    return number


class Sink:
    """A subscription, as what has become of it within each life of the Player."""

    def __init__(self, link: Link, wishes: Sequence[Wish]) -> None:
        self.link, self.wishes, self.limits = link, list(wishes), wishes[0][2]
        self.updates: dict[Key, list[tuple[int, int]]] = {}
        self.lost: dict[Key, int] = {}
        self.began: dict[Key, int] = {}
        self.shown: dict[str, int] = {}
        self.is_lied_to = False

    def take(self, updates: Sequence[Update]) -> None:
        if self.is_lied_to:
            return
        for update in updates:
            self._take(update)

    def forget(self, life: str) -> None:
        """Begin anew after a life that has lied."""
        self.is_lied_to = False
        for kept in (self.updates, self.lost, self.began):
            for key in [key for key in kept if key[0] == life]:
                del kept[key]

    def _take(self, update: Update) -> None:
        key = self.link.instance, update.name
        mine = self.updates.setdefault(key, [])
        if key not in self.began:
            self.began[key] = update.number - 1 - self.lost.get(key, 0)
        value = number_of(update.value)
        if mine:
            number, before = mine[-1]
            assert update.number > number
            assert value > before, "nothing arrives twice, or in another order"
        mine.append((update.number, value))
        self.shown[update.name] = value
        if update.name[0] == "p":
            assert ("data" in update.value) == (self.limits.reduction == WHOLE)
        self.check(key, update.number)

    def note(self, event: Event) -> None:
        if event.kind is EventKind.GAP and not self.is_lied_to:
            assert event.lost > 0
            key = self.link.instance, event.text
            self.lost[key] = self.lost.get(key, 0) + event.lost

    def check(self, key: Key, newest: int) -> None:
        """Received and lost are all there were."""
        received, lost = len(self.updates.get(key, ())), self.lost.get(key, 0)
        if key in self.began:
            assert self.began[key] >= 0
            assert received + lost == newest - self.began[key], key

    def wants(self, name: str) -> bool:
        return any(matches(pattern, name) for _, pattern, _ in self.wishes)


class Wire(RuleBasedStateMachine):
    """A Player, a link to it, and what is between."""

    @initialize(patterns=st.sampled_from([["*"], ["a.*", "*"], ["a.x"]]), is_ready=st.booleans())
    def begin(self, patterns: list[str], is_ready: bool) -> None:
        self.timers, self.values = VirtualTimers(), count(1)
        self.lives, self.connections = count(1), count(1)
        self.is_full = False
        self.link = Link("BANKA", LinkSettings(drop_after=1e9))
        self.sinks: list[Sink] = []
        self.connection = b""
        self.asked: deque[SubscriptionRequest] = deque()
        self.answers: deque[Callable[[], None]] = deque()
        self.late = 0
        self.start()
        self.subscribe(patterns, NO_LIMITS)
        if is_ready:
            self.beat()

    def start(self) -> None:
        self.timers.waiting.clear()
        self.server = Server(f"life {next(self.lives)}", self.timers)
        self.server.expose(self.values)

    # what a Player does

    @rule(name=st.sampled_from(NAMES), times=st.integers(1, 9))
    def publish(self, name: str, times: int) -> None:
        for _ in range(times):
            self.server.publish(name, next(self.values))

    @rule(times=st.integers(1, 3))
    def address(self, times: int) -> None:
        """Send messages to the subscriber by its name, which may not be there."""
        for _ in range(times):
            with contextlib.suppress(RefusedError):
                self.server.table.send_to(ME, "m.x", next(self.values))

    @rule()
    def publish_what_is_new(self) -> None:
        self.late += 1
        self.server.table.publish(f"late.{self.late % 3}", next(self.values))

    @rule()
    def expose_again(self) -> None:
        self.server.expose(self.values, list(self.server.table.properties))

    @rule(published=st.integers(0, 20), is_noticed=st.booleans())
    def restart(self, published: int, is_noticed: bool) -> None:
        if is_noticed or self.asked or self.answers or self.link.state is not LinkState.OPEN:
            self.cut()
            self.start()
        else:  # something in between kept the connection
            self.server.publisher.close()
            self.start()
            self.beat()
        self.publish("a.x", published)

    @rule(is_full=st.booleans())
    def fill(self, is_full: bool) -> None:
        self.is_full = is_full

    @rule(most=st.integers(1, 8))
    def send(self, most: int) -> None:
        """Send what was posted, or drop it."""
        for _ in range(min(most, len(self.server.queue))):
            envelopes, body, missed = self.server.queue.popleft()
            for (client,) in envelopes:
                if client != self.connection:
                    missed(client, True)
                elif self.is_full:
                    missed(client, False)
                else:
                    self.answers.append(lambda body=body: self.notice(body))

    @rule()
    def take_a_silence_for_death(self) -> None:
        self.server.publisher.forget(self.connection)

    # strangers

    @rule(said=st.lists(STRANGE_WISHES, max_size=4), ends=st.booleans())
    def hear_a_stranger(self, said: list[Any], ends: bool) -> None:
        """Another client asks for what is none, and goes without a word, or with one."""
        publisher = self.server.publisher
        told = publisher.subscribe(STRANGER, True, said, ME)
        assert len(told["answers"]) == len(said)
        publisher.unsubscribe(STRANGER, said if ends else said[:1])
        publisher.beat(STRANGER)
        publisher.forget(STRANGER)

    @precondition(lambda self: self.link.state is LinkState.OPEN)
    @rule(method=st.sampled_from(NOTICES), params=STRANGE)
    def be_lied_to(self, method: str, params: Any) -> None:
        """The Player says what is not so, until another one is in its place."""
        for sink in self.sinks:
            sink.is_lied_to = True
        self.link.take({"method": method, "params": params}, self.timers.now)
        self.link.hand_over()
        assert self.link.state is LinkState.OPEN
        self.cut()
        for sink in self.sinks:
            sink.forget(self.link.instance)
        self.start()

    # what is between

    @rule(most=st.integers(1, 8))
    def deliver(self, most: int) -> None:
        for _ in range(min(most, len(self.answers))):
            self.answers.popleft()()
            self.look()

    def notice(self, part: UpdatePart) -> None:
        is_message = isinstance(part, MessagePart) and not part.is_update
        body = part.body if is_message else join_updates([part])
        self.link.take(jsonrpc.read_reply(body), self.timers.now)
        self.link.hand_over()

    @rule()
    def cut(self) -> None:
        self.connection = b""
        self.asked.clear()
        self.answers.clear()
        if self.link.state is LinkState.OPEN:
            self.link.lost("cut", self.timers.now)

    @rule()
    def lose_an_answer(self) -> None:
        if self.asked and self.link.state is LinkState.OPEN:
            error = PeerLostError("tcp://x", "subscribe", "cut")
            assert not self.link.answered(self.asked[0], None, error, self.timers.now)
            self.cut()

    @rule(most=st.integers(1, 4))
    def serve(self, most: int) -> None:
        for _ in range(min(most, len(self.asked))):
            ask = self.asked.popleft()
            publisher, me = self.server.publisher, self.connection
            if ask.verb is Verb.SUBSCRIBE:
                value = publisher.subscribe(me, True, ask.params()[0], ME)
            elif ask.verb is Verb.UNSUBSCRIBE:
                value = publisher.unsubscribe(me, ask.params()[0])
            else:
                value = publisher.beat(me)
            self.answer(ask, encode(value).value(), None)

    def answer(self, ask: SubscriptionRequest, value: object, error: BusyError | None) -> None:
        self.answers.append(lambda: self.link.answered(ask, value, error, self.timers.now))

    @precondition(lambda self: self.asked)
    @rule()
    def be_busy(self) -> None:
        self.answer(self.asked.popleft(), None, BusyError("BusyError", "too much"))

    # what a subscriber does

    @precondition(lambda self: len(self.sinks) < 4)
    @rule(
        patterns=st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=2, unique=True),
        limits=st.sampled_from(LIMITS),
    )
    def subscribe(self, patterns: list[str], limits: Limits) -> None:
        wishes = [("bank", pattern, limits) for pattern in patterns]
        self.sinks.append(Sink(self.link, wishes))
        for wish in wishes:
            self.link.subscribe(wish, self.sinks[-1])
        self.look()

    @precondition(lambda self: self.sinks)
    @rule(which=st.integers(0, 3))
    def end(self, which: int) -> None:
        sink = self.sinks.pop(which % len(self.sinks))
        self.link.unsubscribe(sink.wishes, sink)
        self.look()

    @precondition(lambda self: any(len(sink.wishes) > 1 for sink in self.sinks))
    @rule()
    def end_in_part(self) -> None:
        sink = next(sink for sink in self.sinks if len(sink.wishes) > 1)
        gone = sink.wishes.pop()
        self.link.unsubscribe([gone], sink)
        for name in list(sink.shown):
            if not sink.wants(name):
                del sink.shown[name]
        for kept in (sink.updates, sink.lost, sink.began):
            for key in [key for key in kept if not sink.wants(key[1])]:
                del kept[key]
        self.look()

    @rule(seconds=st.sampled_from([0.1, 0.5, 5.0]))
    def wait(self, seconds: float) -> None:
        self.timers.advance(seconds)
        self.look()

    def look(self) -> None:
        """Carry out what the link wants."""
        self.link.tick(self.timers.now, may_connect=True)
        while (ask := self.link.next_ask()) is not None:
            if ask.verb is Verb.OPEN:
                self.connection = b"%d" % next(self.connections)
                self.link.opened(self.server.instance, self.timers.now)
            else:
                self.asked.append(ask)

    @rule()
    def beat(self) -> None:
        """Let a heartbeat come through, and all before it."""
        self.is_full = False
        self.wait(5.0)
        for _ in range(100):
            self.serve(100)
            self.send(100)
            self.deliver(100)
            if not (self.asked or self.answers or self.server.queue):
                return
        raise AssertionError("they talk for ever")

    def teardown(self) -> None:
        if not hasattr(self, "link"):
            return
        for _ in range(4):
            self.beat()
        streams = self.server.publisher._streams
        for sink in self.sinks:
            if self.link.state is not LinkState.OPEN:
                continue
            for name, one in self.server.table.properties.items():
                if not sink.wants(name):
                    continue
                is_message = name[0] == "m"
                stream = streams["bank", name, sink.limits.for_kind(one.declared.kind)]
                count = stream.count + stream.addressed.get(ME, 0)
                sink.check((self.link.instance, name), count)
                if not is_message:
                    held = number_of(one.newest.encoded.value())
                    band = sink.limits.dead_band
                    assert abs(sink.shown[name] - held) <= band, name
        if not self.sinks:
            assert not self.link._streams
        assert set(self.link._by_number) == {s.number for s in self.link._streams.values()} or any(
            not s.is_joined for s in self.link._streams.values()
        )
        self.server.publisher.close()


Wire.TestCase.settings = settings(max_examples=40, stateful_step_count=40)
TestEachSubscriptionKnowsWhatItHasMissed = Wire.TestCase


@pytest.mark.parametrize("seed", range(150))
def test_long_lives_without_a_plan(seed: int) -> None:
    """The same by chance alone, which goes on for longer."""
    chance, wire = random.Random(seed), Wire()
    wire.begin(chance.choice([["*"], ["a.*", "*"], ["a.x"]]), chance.random() < 0.5)

    def step() -> None:
        what = chance.random()
        if what < 0.3:
            name, times = chance.choice(NAMES), chance.randint(1, 9)
            if name[0] == "m" and times % 3 == 0:
                wire.address(times)
            else:
                wire.publish(name, times)
        elif what < 0.8:
            move = chance.choice([wire.send, wire.deliver, wire.serve, wire.send, wire.deliver])
            move(chance.randint(1, 8))
        elif what < 0.85:
            wire.wait(chance.choice([0.1, 0.5, 5.0]))
        elif what < 0.9:
            wire.fill(chance.random() < 0.3)
        elif what < 0.93 and len(wire.sinks) < 4:
            patterns = chance.sample(PATTERNS, chance.randint(1, 2))
            wire.subscribe(patterns, chance.choice(LIMITS))
        elif what < 0.95 and len(wire.sinks) > 1:
            wire.end(chance.randint(0, 3))
        elif what < 0.96 and any(len(sink.wishes) > 1 for sink in wire.sinks):
            wire.end_in_part()
        elif what < 0.97:
            wire.publish_what_is_new()
        elif what < 0.98:
            wire.restart(chance.randint(0, 20), chance.random() < 0.6)
        elif what < 0.99:
            chance.choice([wire.cut, wire.lose_an_answer, wire.take_a_silence_for_death])()
        elif wire.asked:
            wire.be_busy()
        else:
            wire.expose_again()

    for _ in range(chance.choice([30, 100, 300])):
        step()
    wire.teardown()

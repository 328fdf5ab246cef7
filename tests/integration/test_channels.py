"""Live channels between processes: every update arrives, or is counted."""

from __future__ import annotations

import gc
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import zmq
from support.dealers import eventually
from support.player_run import clean_environment, python
from support.publisher import Publisher, is_whole
from support.reader import Reader
from support.threads import in_threads
from support.watcher import PATIENT, WITHIN_S, Watcher, assert_counted, called, until

from dealer import Dealer
from zmqjsonproxy.channels.protocol.limits import NO_LIMITS
from zmqjsonproxy.channels.subscription import Subscription, SubscriptionEndedError
from zmqjsonproxy.channels.updates import EventKind, Update
from zmqjsonproxy.subscriber import Target

MIB = 2**20


@pytest.fixture(scope="module")
def player() -> Iterator[Publisher]:
    with Publisher(keys=300, slow_query_s=WITHIN_S) as one:
        yield one


@pytest.fixture
def bank(player: Publisher) -> Iterator[Any]:
    with called(player.url) as proxy:
        yield proxy


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    with Watcher(PATIENT) as one:
        yield one


def test_those_who_join_a_fast_property_begin_with_a_value_and_miss_nothing(
    player: Publisher, bank: Any
) -> None:
    bank.flow(1000)  # times 20 readers: what a busy machine still takes
    with Watcher(PATIENT) as one, Watcher(PATIENT) as other:
        joined = [one.subscribe(player.url, "number") for _ in range(10)]
        joined += [other.subscribe(player.url, "number") for _ in range(10)]
        for each in joined:
            each.wait_for(lambda update: update.number > 0, WITHIN_S)
        bank.flow(0)
        last = bank.count("number", 1)  # one that nobody has taken yet
        for each in joined:
            assert assert_counted(until(each, last)) == each.lost == 0, each.events


def test_no_update_comes_before_the_answer_that_tells_of_its_stream(
    player: Publisher, bank: Any, watcher: Watcher
) -> None:
    before = watcher.subscribe(player.url, "number")
    before.next(WITHIN_S)
    until(before, bank.count("number", 1))  # by now updates were sent, which shows the thread
    said = {"jsonrpc": "2.0"}
    batch = [
        {**said, "id": 1, "method": "rpc.subscribe", "params": [[["bank", "other", {}]]]},
        {**said, "id": 2, "method": "bank.count_here", "params": ["other", 1000]},
    ]
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.linger, socket.rcvtimeo = 0, round(1000 * WITHIN_S)
        socket.connect(player.url)
        socket.send(json.dumps(batch).encode())
        subscribed, counted = sorted(json.loads(socket.recv()), key=lambda part: part["id"])
        counts: list[int] = []
        while not counts or counts[-1] < counted["result"]:
            counts += json.loads(socket.recv())["params"][1::4]
    first = subscribed["result"]["answers"][0]["streams"][0][3] + 1
    assert counts == list(range(first, first + 1000))


def test_subscribing_and_unsubscribing_a_thousand_times_costs_no_value(
    player: Publisher, bank: Any, watcher: Watcher
) -> None:
    for _ in range(1000):
        watcher.subscribe(player.url, "other").close()
    last = watcher.subscribe(player.url, "other")
    last.next(WITHIN_S)
    value = bank.count("other", 1)
    assert until(last, value)[-1].lost == 0


def test_updates_that_arrive_and_those_that_do_not_are_all_that_was_sent(
    player: Publisher, bank: Any, watcher: Watcher
) -> None:
    everything = watcher.subscribe(player.url, "number")
    bounded = watcher.subscribe(player.url, "number", most=100)
    latest = watcher.subscribe(player.url, "number", policy="latest")
    subscriptions = [everything, bounded, latest]
    first = everything.next(WITHIN_S).number
    last = bank.count("number", 200_000)
    for each in subscriptions:
        eventually(lambda each=each: _newest(each) == last)  # type: ignore[misc]
        assert each.received + each.lost == last - first + 1
    assert assert_counted(until(everything, last)) == everything.lost
    assert [len(until(each, last)) + each.dropped for each in (bounded, latest)] == [
        bounded.received,
        latest.received,
    ]


def _newest(subscription: Subscription) -> object:
    update = subscription.latest()
    return update and update.value


def test_a_slow_reader_is_ended_if_it_asked_for_that(
    player: Publisher, bank: Any, watcher: Watcher
) -> None:
    given_up = watcher.subscribe(player.url, "number", most=100, policy="disconnect")
    other = watcher.subscribe(player.url, "number")
    other.next(WITHIN_S)
    last = bank.count("number", 20_000)
    until(other, last)
    with pytest.raises(SubscriptionEndedError, match="its reader took too little"):
        while given_up.next(WITHIN_S).value != last:
            pass


def test_one_reader_that_stands_still_costs_the_others_nothing_and_its_player_little(
    player: Publisher, bank: Any, watcher: Watcher
) -> None:
    bank.send_frames(1, 1000)
    with Reader(player.url, "frames") as still:
        others = [watcher.subscribe(player.url, "frames", most_bytes=2**30) for _ in range(2)]
        for each in others:
            each.next(WITHIN_S)
        still.suspend()
        before = bank.memory()
        for _ in range(16):
            bank.send_frames(1, 8 * MIB)
            frames = [each.next(WITHIN_S) for each in others]
            assert all(map(is_whole, frames))
        assert bank.memory() - before < 100 * MIB
        assert [each.lost for each in others] == [0, 0]
        still.resume()
        eventually(lambda: still.report()["newest"] == frames[0].number)
        told = still.report()
        assert told["received"] + told["lost"] == 17


def test_one_slow_reader_of_eight_costs_the_others_nothing(
    player: Publisher, bank: Any, watcher: Watcher
) -> None:
    goes_on = threading.Event()
    slow = watcher.subscribe(
        player.url, "number", most=10, callback=lambda _: goes_on.wait(WITHIN_S)
    )
    others = [watcher.subscribe(player.url, "number") for _ in range(7)]
    for each in others:
        each.next(WITHIN_S)
    last = bank.count("number", 10_000, pause_every=100)
    for each in others:
        assert assert_counted(until(each, last)) == each.lost == 0
    goes_on.set()
    assert slow.received == others[0].received
    assert slow.dropped > 9000


def test_calls_are_answered_beside_a_subscription_that_is_full(
    player: Publisher, bank: Any
) -> None:
    goes_on = threading.Event()
    with Dealer({"BANKA": player.url}, timeout=WITHIN_S) as d:
        full = d.subscribe("number", lambda _: goes_on.wait(WITHIN_S), most=10)
        eventually(lambda: full.received)
        counted = bank.count.later("number", 100_000)
        answers = 0
        while not counted.done():
            assert d["BANKA"].echo(answers) == answers
            answers += 1
        assert answers > 10
        goes_on.set()


@pytest.mark.parametrize("size", [1024, 65_536, MIB, 8 * MIB])
def test_an_array_may_be_changed_by_its_owner_at_once(
    player: Publisher, bank: Any, watcher: Watcher, size: int
) -> None:
    frames = watcher.subscribe(player.url, "frames", most_bytes=2**30)
    bank.send_frames(1, size)
    frames.wait_for(lambda update: len(update.value["data"]) == size, WITHIN_S)
    for _ in range(4):
        bank.send_frames(3, size)
        assert all(is_whole(frames.next(WITHIN_S)) for _ in range(3))


def test_a_callback_may_keep_what_it_got(player: Publisher, bank: Any, watcher: Watcher) -> None:
    kept: list[Update] = []
    bank.send_frames(1, 1000)
    watcher.subscribe(player.url, "frames", callback=kept.append)
    eventually(lambda: kept)
    for _ in range(10):
        bank.send_frames(10, 300_000)
    eventually(lambda: len(kept) == 101)
    assert all(map(is_whole, kept))
    with pytest.raises(ValueError, match="read-only"):
        kept[0].value["data"][0] = 1


def test_a_callback_may_subscribe_unsubscribe_and_call(player: Publisher, bank: Any) -> None:
    answers: list[int] = []
    holding = threading.Lock()
    with Dealer({"BANKA": player.url}, timeout=WITHIN_S) as d:

        def called(update: Update) -> None:
            with holding, d.subscribe("other") as other:
                other.next(WITHIN_S)
                answers.append(d["BANKA"].echo(update.number))

        subscription = d.subscribe("number", called)
        eventually(lambda: answers)
        for _ in range(20):
            with holding:  # of which the callback waits for the other
                d.subscribe("said").close()
                bank.count("number", 1)
        eventually(lambda: len(answers) == 21)
        subscription.close()


def test_a_callback_may_end_its_own_subscription(
    player: Publisher, bank: Any, watcher: Watcher
) -> None:
    made: list[Subscription] = []
    numbers: list[int] = []

    def once(update: Update) -> None:
        numbers.append(update.number)
        made[0].close()

    made.append(watcher.subscribe(player.url, "key.*", callback=once))  # many at once
    eventually(lambda: numbers)
    with watcher.subscribe(player.url, "number") as other:
        other.next(WITHIN_S)
    assert len(numbers) == 1
    with pytest.raises(SubscriptionEndedError, match="it was closed"):
        while True:
            made[0].next(WITHIN_S)


class Cyclic:
    """An owner of a subscription, in a cycle, that ends it when it is collected."""

    def __init__(self, watcher: Watcher, url: str) -> None:
        self.itself = self
        self.subscription = watcher.subscribe(url, "number", callback=lambda _: None, most=10)

    def __del__(self) -> None:
        self.subscription.close()


def test_subscriptions_are_ended_by_finalisers_wherever_they_run(
    player: Publisher, bank: Any, watcher: Watcher
) -> None:
    bank.flow(2000)
    ended = threading.Event()
    gc.freeze()  # what is there is not looked through each time

    def collect() -> None:
        while not ended.is_set():
            gc.collect()

    def make() -> None:
        for _ in range(150):
            Cyclic(watcher, player.url)
        ended.set()

    in_threads(collect, make)
    gc.collect()
    gc.unfreeze()
    with watcher.subscribe(player.url, "number") as last:
        until(last, bank.flow(0))
    eventually(lambda: not watcher.subscriber._targets)


def test_patterns_change_without_a_gap(player: Publisher, bank: Any, watcher: Watcher) -> None:
    subscription = watcher.subscribe(player.url, "number")
    subscription.next(WITHIN_S)
    counted = bank.count.later("number", 10_000, pause_every=50)
    names = ["other", "said", "key.*"]
    while not counted.done():
        names.append(names.pop(0))
        subscription.modify("number", names[0])
        subscription.next(WITHIN_S)
    last = counted.result()
    numbers = [u for u in until(subscription, last) if u.name == "number"]
    assert assert_counted(numbers) == 0


def test_limits_change_without_a_gap(player: Publisher, bank: Any, watcher: Watcher) -> None:
    subscription = watcher.subscribe(player.url, "number")
    subscription.next(WITHIN_S)
    bank.flow(2000)
    values: list[Any] = []
    for rate in (50, 20, 0, 100):
        subscription.modify(rate=rate)
        values += [subscription.next(WITHIN_S).value for _ in range(3)]
    bank.flow(0)
    last = bank.count("number", 1)
    values += [update.value for update in until(subscription, last)]
    assert values == sorted(values)


def test_an_object_that_is_not_there_is_told_and_others_deliver(
    player: Publisher, watcher: Watcher
) -> None:
    wishes = (("nobody", "number", NO_LIMITS), ("bank", "number", NO_LIMITS))
    target = Target(player.url, "BANKA", wishes)
    subscription = watcher.subscriber.subscribe([target], "test")
    assert subscription.next(WITHIN_S).name == "number"
    texts = [event.text for event in subscription.events if event.kind is EventKind.REFUSED]
    assert texts == ["nobody: number: 'nobody' publishes nothing here; there are: bank"]


INTERRUPTED = """
import sys
from dealer import Dealer
with Dealer({"BANKA": sys.argv[1]}, timeout=20) as d:
    updates = d.subscribe("other")
    updates.next(20)
    try:
        print("ready", flush=True)
        if sys.argv[2] == "next":
            updates.next()
        for update in updates:
            pass
    except KeyboardInterrupt:
        value = d["BANKA"].count("other", 1)
        print(updates.wait_for(lambda update: update.value == value, 20).lost)
"""
INTERRUPTED_TASK = """
import asyncio, sys
from dealer import AsyncDealer
async def main():
    async with AsyncDealer({"BANKA": sys.argv[1]}) as d:
        async for update in d.subscribe("other"):
            print("ready", flush=True)
try:
    asyncio.run(main())
except KeyboardInterrupt:
    print(0)
"""


@pytest.mark.parametrize(
    ("script", "how"), [(INTERRUPTED, "for"), (INTERRUPTED, "next"), (INTERRUPTED_TASK, "task")]
)
def test_ctrl_c_ends_a_wait_and_nothing_else(player: Publisher, script: str, how: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", script, player.url, how],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        told, trouble = process.communicate(timeout=WITHIN_S)
    assert (told, trouble, process.returncode) == ("0\n", "", 0)


FORKED = """
import os, sys
from dealer import Dealer
from zmqjsonproxy.channels.subscription import SubscriptionEndedError
d = Dealer({"BANKA": sys.argv[1]}, timeout=20)
updates, called = d.subscribe("other"), []
with_callback = d.subscribe("number", called.append)
first = updates.next(20)
child = os.fork()
if not child:
    try:
        while True:
            updates.next(20)
    except SubscriptionEndedError as error:
        print(error, flush=True)
    try:
        d.subscribe("other")
    except RuntimeError as error:
        print(error, flush=True)
    with Dealer({"BANKA": sys.argv[1]}, timeout=20) as own:
        assert own.subscribe("other").next(20).value == first.value
    updates.close()
    sys.exit(3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
value = d["BANKA"].count("other", 1)
print(updates.wait_for(lambda update: update.value == value, 20).lost)
"""


def test_a_child_is_told_and_its_parent_goes_on(player: Publisher) -> None:
    # Newer interpreters warn of any fork of a process that has threads.
    ran = python("-W", "ignore::DeprecationWarning", "-c", FORKED, player.url)
    told = "the subscription is the parent's, which was forked; subscribe in the child again"
    assert ran.stdout.splitlines() == [told, told, "3", "0"]
    assert (ran.stderr, ran.returncode) == ("", 0)

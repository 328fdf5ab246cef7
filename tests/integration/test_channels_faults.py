"""Live channels when Players, readers and lines fail: what a subscriber sees of it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
import zmq
from support.dealers import eventually
from support.original_server import OriginalPlayer
from support.player_run import clean_environment, free_port
from support.publisher import Publisher, is_whole
from support.reader import Reader
from support.watcher import WITHIN_S, Watcher, assert_counted, called, until, value_is

from dealer import Dealer
from player.testing.wire import Wire
from zmqjsonproxy.channels.protocol.limits import NO_LIMITS
from zmqjsonproxy.channels.settings import LinkSettings
from zmqjsonproxy.channels.updates import EventKind
from zmqjsonproxy.resolver import NotResolvedError
from zmqjsonproxy.subscriber import Subscriber, Target

STALE_WITHIN_S = 2.0
"""One second is promised; a loaded machine is slow."""


@pytest.fixture(scope="module")
def player() -> Iterator[Publisher]:
    with Publisher(keys=5000) as one:
        yield one


@pytest.fixture
def bank(player: Publisher) -> Iterator[Any]:
    with called(player.url) as proxy:
        yield proxy


@pytest.fixture
def wire(player: Publisher) -> Iterator[Wire]:
    with Wire(int(player.url.rpartition(":")[2])) as one:
        yield one


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    with Watcher() as one:
        yield one


@pytest.fixture
def here() -> str:
    """An address that a Player may have more than once."""
    return f"tcp://127.0.0.1:{free_port()}"


def stopped(bank: Any) -> int:
    """End the flow of `number`; what it is then, which nobody has taken yet."""
    bank.flow(0)
    return int(bank.count("number", 1))


# Players that end and come back


@pytest.mark.parametrize(("published", "change_after"), [(5, 0), (20, 0.01), (40, 0.05), (20, 0.2)])
def test_a_player_that_is_killed_and_back_at_once_counts_anew(
    here: str, watcher: Watcher, published: int, change_after: float
) -> None:
    with ExitStack() as players:
        first = players.enter_context(Publisher(here))
        next_ = players.enter_context(Publisher(here, held=True, change_after=change_after))
        numbers = watcher.subscribe(here, "number")
        others = {name: watcher.subscribe(here, name) for name in ("other", "said", "frames")}
        others["other"].next(WITHIN_S)
        with Dealer({"BANKA": here}, timeout=WITHIN_S) as d:
            until(numbers, d["BANKA"].count("number", 19))
        first.kill()
        next_.begin()
        with Dealer({"BANKA": here}, timeout=WITHIN_S) as d:  # which never met the first one
            d["BANKA"].count("number", published - 1)
            last = until(numbers, published)[-1]
            assert last.number == published
            assert numbers.received + numbers.lost == 20 + published
            assert numbers.reopened == 1
            d["BANKA"].say(1)
            d["BANKA"].send_frames(1, 1000)
        others["other"].wait_for(value_is(42), WITHIN_S)
        assert [others[name].next(WITHIN_S).number for name in ("said", "frames")] == [1, 1]


def test_a_player_that_is_not_there_yet_is_waited_for(here: str, watcher: Watcher) -> None:
    subscription = watcher.subscribe(here, "number", "key.*")
    assert subscription.latest() is None
    with Publisher(here, keys=3):
        assert {subscription.next(WITHIN_S).name for _ in range(4)} == {
            "number",
            "key.0",
            "key.1",
            "key.2",
        }
    assert subscription.lost == 0


def test_while_a_player_is_away_its_values_are_stale(here: str, watcher: Watcher) -> None:
    with Publisher(here) as first, Publisher(here, held=True) as next_:
        subscription = watcher.subscribe(here, "number")
        value = subscription.next(WITHIN_S)
        assert subscription.stale == {}
        first.kill()
        eventually(lambda: subscription.stale, STALE_WITHIN_S)
        assert subscription.latest() == value
        next_.begin()
        watcher.wait_for(EventKind.REOPENED)
        assert subscription.next(WITHIN_S).number == 1
        assert subscription.stale == {}


def test_a_player_that_is_frozen_goes_on_where_it_was(here: str, watcher: Watcher) -> None:
    with Publisher(here, rate=1000) as player, Dealer({"BANKA": here}, timeout=WITHIN_S) as d:
        subscription = watcher.subscribe(here, "number")
        first = subscription.next(WITHIN_S).number
        player.suspend()
        assert watcher.wait_for(EventKind.STALE).source == "BANKA"
        player.resume()
        watcher.wait_for(EventKind.REOPENED)
        last = stopped(d["BANKA"])
        subscription.wait_for(value_is(last), WITHIN_S)
        assert subscription.received + subscription.lost == last - first + 1


def test_a_player_that_is_connected_and_does_not_answer_is_stale(player: Publisher) -> None:
    settings = LinkSettings(ping_every=0.1, timeout=0.3)
    with Watcher(settings) as watcher, Dealer({"BANKA": player.url}, timeout=WITHIN_S) as d:
        subscription = watcher.subscribe(player.url, "number")
        subscription.next(WITHIN_S)
        hung = d["BANKA"].hang.later(0.8)
        assert "no reply" in watcher.wait_for(EventKind.STALE).text
        hung.result()
        watcher.wait_for(EventKind.REOPENED)
        until(subscription, d["BANKA"].count("number", 1))


def test_a_player_that_is_silent_costs_the_updates_of_another_nothing(
    here: str, player: Publisher, bank: Any, watcher: Watcher
) -> None:
    with Publisher(here) as silent:
        both = watcher.subscribe(player.url, "number")
        other = watcher.subscribe(here, "number", source="BANKB")
        both.next(WITHIN_S)
        other.next(WITHIN_S)
        silent.suspend()
        watcher.wait_for(EventKind.STALE)
        last = bank.count("number", 5000, pause_every=100)
        assert assert_counted(until(both, last)) == both.lost == 0
        assert list(other.stale) == ["BANKB"]


def test_a_player_whose_address_is_looked_for_costs_the_updates_of_another_nothing(
    player: Publisher, bank: Any
) -> None:
    is_found, asked = threading.Event(), threading.Semaphore(0)

    def locate(_url: str, _within: float) -> str:
        asked.release()
        if not is_found.wait(WITHIN_S):
            raise NotResolvedError("it was not found")
        return player.url.replace("127.0.0.1", "localhost")

    with closing(Subscriber(resolvers={"service": locate})) as subscriber:
        wishes = (("bank", "number", NO_LIMITS),)
        named = subscriber.subscribe([Target("service://X", "X", wishes)], "named")
        assert asked.acquire(timeout=WITHIN_S)
        other = subscriber.subscribe([Target(player.url, "BANKA", wishes)], "other")
        other.next(WITHIN_S)
        last = bank.count("number", 100)
        assert assert_counted(until(other, last)) == other.lost == 0
        is_found.set()
        assert named.next(WITHIN_S).source == "X"


def test_a_player_of_the_original_is_refused_once(watcher: Watcher) -> None:
    with OriginalPlayer() as player:
        subscription = watcher.subscribe(player.url, "number")
        refused = watcher.wait_for(EventKind.REFUSED)
        assert refused.text == (f"{player.url}: a Player of the original, which publishes nothing")
        watcher.wait_for(EventKind.ENDED)
        assert subscription.stale == {"BANKA": refused.text}


def test_efforts_end_and_are_begun_again_on_request(here: str) -> None:
    with Watcher(LinkSettings(ping_every=0.2, timeout=1.0, drop_after=0.3)) as watcher:
        subscription = watcher.subscribe(here, "number")
        assert watcher.wait_for(EventKind.ENDED).text.endswith("reconnect() tries again")
        with Publisher(here):
            subscription.reconnect()
            assert subscription.next(WITHIN_S).value == 0
            assert not subscription.is_stale


# lines


def test_five_thousand_patterns_are_back_after_a_cut(
    bank: Any, wire: Wire, watcher: Watcher
) -> None:
    subscription = watcher.subscribe(wire.url, *(f"key.{n}" for n in range(5000)))
    assert len({subscription.next(WITHIN_S).name for _ in range(5000)}) == 5000
    wire.down()
    watcher.wait_for(EventKind.STALE)
    wire.up()
    watcher.wait_for(EventKind.REOPENED)
    bank.touch(5000, 1)
    names: set[str] = set()
    while len(names) < 5000:
        names |= {u.name for u in [subscription.next(WITHIN_S)] if u.value == 1}
    assert subscription.received + subscription.lost == 10_000


FAULTS = ["cut", "down", "stop", "delay"]


@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_line_swallows_is_counted(
    bank: Any, wire: Wire, watcher: Watcher, fault: str
) -> None:
    subscription = watcher.subscribe(wire.url, "number")
    first = subscription.next(WITHIN_S)
    bank.flow(1000)
    subscription.next(WITHIN_S)
    if fault == "delay":
        wire.delay_s = 0.15
        seen = subscription.received
        eventually(lambda: subscription.received > seen + 300)
    else:
        getattr(wire, fault)()
        watcher.wait_for(EventKind.STALE)
        wire.up()
        watcher.wait_for(EventKind.REOPENED)
    last = stopped(bank)
    subscription.wait_for(value_is(last), WITHIN_S)
    assert subscription.received + subscription.lost == last - first.number + 1
    assert (subscription.lost == 0) == (fault == "delay")


def test_a_frame_may_take_longer_than_a_silence(bank: Any, wire: Wire, watcher: Watcher) -> None:
    bank.send_frames(1, 1000)
    subscription = watcher.subscribe(wire.url, "frames")
    subscription.next(WITHIN_S)
    wire.bytes_per_s = 4e6
    bank.send_frames(1, 4 * 2**20)
    assert is_whole(subscription.next(WITHIN_S))
    assert subscription.reopened == 0


def test_a_line_that_is_cut_again_and_again_is_mended_each_time(
    bank: Any, wire: Wire, watcher: Watcher
) -> None:
    subscription = watcher.subscribe(wire.url, "number")
    first = subscription.next(WITHIN_S).number
    bank.flow(1000)
    for _ in range(15):
        wire.cut()
        watcher.wait_for(EventKind.REOPENED)
    last = stopped(bank)
    subscription.wait_for(value_is(last), WITHIN_S)
    assert subscription.received + subscription.lost == last - first + 1


# readers


def test_a_reader_that_is_frozen_goes_on(player: Publisher, bank: Any) -> None:
    with Reader(player.url, "number") as reader:
        before = reader.report()
        reader.suspend()
        last = bank.count("number", 200_000)
        reader.resume()
        eventually(lambda: reader.report()["newest"] == last)
        told = reader.report()
        sent = last - before["newest"]
        assert told["received"] - before["received"] + told["lost"] - before["lost"] == sent


EXITS = """
import sys, threading
from dealer import Dealer
d = Dealer({"BANKA": sys.argv[1]})
updates = d.subscribe("*", lambda _: None)
threading.Thread(target=lambda: [None for _ in d.subscribe("number")], daemon=True).start()
d.subscribe("number").next(20)
print("ready", flush=True)
sys.stdin.readline()
"""


def test_a_process_ends_with_subscriptions_open_at_a_dead_player(here: str) -> None:
    with (
        Publisher(here) as player,
        subprocess.Popen(
            [sys.executable, "-c", EXITS, here],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        ) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        player.suspend()
        _, trouble = process.communicate("\n", timeout=WITHIN_S)
        assert (process.returncode, trouble) == (0, "")


# clients that mean no good

GARBAGE: list[Any] = [
    None,
    {},
    [],
    [[]],
    [1],
    [[1]],
    [[None, {}, []]],
    [[["bank"]]],
    [[["bank", "*", {}, 1]]],
    [[["bank", 1, {}]]],
    [[["bank", "", {}]]],
    [[["bank", "*", []]]],
    [[["bank", "*", {"rate": "x"}]]],
    [[["bank", "*", {"rate": -1}]]],
    [[["bank", "*", {"rate": 1e9}]]],
    [[["bank", "*", {"rate": 10**400}]]],
    [[["bank", "*", {"rate": True}]]],
    [[["bank", "*", {"dead_band": float("inf")}]]],
    [[["bank", "*", {"dead_band": float("nan")}]]],
    [[["bank", "*", {"dead_band": 10**400}]]],
    [[["bank", "*", {"unknown": 1}]]],
    [[["nobody", "*", {}]]],
    [[["\ud800", "\udfff", {}]]],
    [[["bank", "x" * 501, {}]]],
    [[["bank", "[", {}]]],
    [[["bank", "[!]-", {}]]],
    [[["bank", "[z-a]", {}]]],
    [[["bank", "*a" * 250, {}]]],
    [[["bank", "*?" * 250, {}]]],
    [[["bank", f"[{n}]", {}] for n in range(100)]],
    [[["bank", "number", {"rate": 1 + n / 1000}] for n in range(5)]],
]


@pytest.fixture
def hostile(player: Publisher) -> Iterator[zmq.Socket[bytes]]:
    with zmq.Context() as context, context.socket(zmq.DEALER) as one:
        one.linger, one.rcvhwm = 0, 1
        one.connect(player.url)
        yield one


def ask(hostile: zmq.Socket[bytes], number: int, method: str, params: Any) -> Any:
    request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    hostile.send(json.dumps(request).encode())
    while True:
        assert hostile.poll(1000 * WITHIN_S)
        answer = json.loads(hostile.recv_multipart()[0])
        if answer.get("id") == number:
            return answer


@pytest.mark.parametrize("method", ["rpc.subscribe", "rpc.unsubscribe", "rpc.beat"])
def test_nonsense_is_answered_and_does_no_harm(
    player: Publisher, bank: Any, watcher: Watcher, hostile: zmq.Socket[bytes], method: str
) -> None:
    subscription = watcher.subscribe(player.url, "number")
    subscription.next(WITHIN_S)
    for number, params in enumerate(GARBAGE):
        answer = ask(hostile, number, method, params)
        assert ("result" in answer) != ("error" in answer)
    last = bank.count("number", 100)
    assert assert_counted(until(subscription, last)) == 0


def test_a_client_that_never_reads_costs_others_nothing_and_its_player_little(
    player: Publisher, bank: Any, watcher: Watcher, hostile: zmq.Socket[bytes]
) -> None:
    subscription = watcher.subscribe(player.url, "number")
    subscription.next(WITHIN_S)
    ask(hostile, 1, "rpc.subscribe", [[["bank", "*", {}]]])
    before = bank.memory()
    last = bank.count("number", 30_000, pause_every=100)
    assert assert_counted(until(subscription, last)) == 0
    assert bank.memory() - before < 100 * 2**20


def test_clients_that_subscribe_and_vanish_leave_nothing(
    player: Publisher, bank: Any, watcher: Watcher
) -> None:
    before = bank.clients()
    with zmq.Context() as context:
        for _ in range(100):
            with context.socket(zmq.DEALER) as one:
                one.linger = 0
                one.connect(player.url)
                ask(one, 1, "rpc.subscribe", [[["bank", "number", {}]]])
    subscription = watcher.subscribe(player.url, "number")
    subscription.next(WITHIN_S)
    until(subscription, bank.count("number", 10))
    eventually(lambda: bank.clients() <= before + 1)

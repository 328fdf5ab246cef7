"""Subscription: what becomes of updates for which their reader has no time, and of readers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from zmqjsonproxy.channels import subscription as module
from zmqjsonproxy.channels.protocol.limits import Limits
from zmqjsonproxy.channels.settings import QueuePolicy
from zmqjsonproxy.channels.subscription import Subscription, SubscriptionEndedError
from zmqjsonproxy.channels.updates import Event, EventKind, Update


class Owner:
    """Notes what subscriptions want of it."""

    def __init__(self) -> None:
        self.wanted: list[tuple] = []

    def end(self, subscription: Subscription) -> None:
        self.wanted.append(("end",))

    def reconnect(self, subscription: Subscription) -> None:
        self.wanted.append(("reconnect",))

    def modify(self, subscription: Subscription, patterns: Sequence[str], limits) -> None:
        self.wanted.append(("modify", tuple(patterns), limits))


@pytest.fixture
def owner() -> Owner:
    return Owner()


def update(number: int, value: object = 0, name: str = "n", source: str = "BANKA") -> Update:
    return Update(source, name, value, number, float(number))


def waiting(sub: Subscription) -> list[Update]:
    found = []
    while sub._waiting:
        found.append(sub.next(0))
    return found


def test_the_oldest_goes_first_and_all_are_counted(owner: Owner) -> None:
    sub = Subscription(owner, "it", most=3)
    for number in range(1, 11):
        sub.take([update(number)])
    assert [each.number for each in waiting(sub)] == [8, 9, 10]
    assert (sub.received, sub.dropped, sub.lost) == (10, 7, 0)


def test_the_newest_of_each_property_waits_whole(owner: Owner) -> None:
    sub = Subscription(owner, "it", policy=QueuePolicy.LATEST, most=3)
    for number in range(1, 5):
        for name in "ab":
            sub.take([update(number, {"number": number}, name)])
    sub.take([update(9, name="a", source="BANKB")])
    assert [(u.source, u.name, u.number) for u in waiting(sub)] == [
        ("BANKA", "a", 4),
        ("BANKA", "b", 4),
        ("BANKB", "a", 9),
    ]
    for name in "abcde":
        sub.take([update(1, name=name)])
    assert [u.name for u in waiting(sub)] == ["c", "d", "e"]
    assert sub.received == 14
    assert sub.dropped == 14 - 6


def test_who_takes_too_little_is_ended_if_he_wants(owner: Owner) -> None:
    sub = Subscription(owner, "it", policy=QueuePolicy.DISCONNECT, most=2)
    for number in range(1, 6):
        sub.take([update(number)])
    assert owner.wanted == [("end",)]
    assert [sub.next(0).number for _ in range(3)] == [1, 2, 3]
    with pytest.raises(SubscriptionEndedError, match="took too little"):
        sub.next(0)
    assert (sub.received, sub.dropped) == (3, 0)


@pytest.mark.parametrize(
    "value",
    [
        np.zeros(1000),
        {"data": np.zeros(1000)},
        "x" * 8000,
        b"x" * 8000,
        {"a": [[0] * 500, [0] * 500]},
    ],
)
def test_bytes_are_bounded_whatever_they_are_in(owner: Owner, value: object) -> None:
    sub = Subscription(owner, "it", most_bytes=20_000)
    for number in range(10):
        sub.take([update(number, value)])
    assert len(sub._waiting) == 2
    assert len(waiting(sub)) == 2
    assert sub._size == 0


def test_one_that_is_larger_than_all_may_wait_alone(owner: Owner) -> None:
    sub = Subscription(owner, "it", most_bytes=10)
    sub.take([update(1, "x" * 100)])
    assert len(sub._waiting) == 1
    sub.take([update(2, "x" * 100)])
    assert [each.number for each in waiting(sub)] == [2]


moves = st.lists(st.tuples(st.sampled_from(["a", "b", "c", ""]), st.integers(0, 40)), max_size=60)


@given(moves, st.sampled_from(list(QueuePolicy)), st.integers(1, 5))
def test_received_is_taken_dropped_and_waiting(moves, policy: QueuePolicy, most: int) -> None:
    sub, taken = Subscription(Owner(), "it", policy=policy, most=most, most_bytes=60), 0
    for number, (name, size) in enumerate(moves):
        if name:
            sub.take([update(number, "x" * size, name)])
        elif sub._waiting:
            sub.next(0)
            taken += 1
        assert sub.received == taken + sub.dropped + len(sub._waiting)
        assert len(sub._waiting) <= most + (policy is QueuePolicy.DISCONNECT)
        assert sub._size == sum(len(each.value) for each, _ in sub._waiting.values())


def test_what_is_no_bound_is_refused(owner: Owner) -> None:
    for bounds in ({"most": 0}, {"most_bytes": 0}):
        with pytest.raises(ValueError, match="at least 1"):
            Subscription(owner, "it", **bounds)


def test_next_waits_so_long_and_says_so(owner: Owner) -> None:
    sub = Subscription(owner, "it")
    with pytest.raises(TimeoutError, match="it: no update within 0 s"):
        sub.next(0)
    threading.Timer(0.01, sub.take, [[update(1)]]).start()
    assert sub.next(20).number == 1
    for number in range(3):
        sub.take([update(number, number)])
    assert sub.wait_for(lambda each: each.value == 2, 20).number == 2
    with pytest.raises(TimeoutError):
        sub.wait_for(lambda each: True, 0)


def test_the_end_wakes_readers_who_get_first_what_is_there(owner: Owner) -> None:
    sub, found = Subscription(owner, "it"), []
    reader = threading.Thread(target=lambda: found.extend(sub))
    reader.start()
    sub.take([update(1)])
    sub.take([update(2)])
    sub.close()
    reader.join(20)
    assert [each.number for each in found] == [1, 2]
    sub.take([update(3)])
    assert sub.received == 2
    with pytest.raises(SubscriptionEndedError, match="it: it was closed"):
        sub.next()
    assert owner.wanted == [("end",)]


def test_tasks_iterate_wake_and_end(owner: Owner) -> None:
    sub, found = Subscription(owner, "it"), []

    async def read() -> None:
        async for each in sub:
            found.append(each.number)
            if each.number == 3:
                threading.Thread(target=sub.close).start()

    def send() -> None:
        for number in range(1, 4):
            sub.take([update(number)])

    async def run() -> None:
        readers = asyncio.gather(read(), read())
        await asyncio.sleep(0)
        threading.Thread(target=send).start()
        await asyncio.wait_for(readers, 20)

    asyncio.run(run())
    assert sorted(found) == [1, 2, 3]
    assert not sub._wakers


def test_a_loop_that_was_closed_harms_no_subscriber(owner: Owner) -> None:
    sub, loop = Subscription(owner, "it"), asyncio.new_event_loop()
    updates = sub.__aiter__()
    sub.take([update(1)])
    assert loop.run_until_complete(anext(updates)).number == 1
    loop.close()
    sub.take([update(2)])
    assert sub.next(0).number == 2
    asyncio.run(updates.aclose())


def called(owner: Owner, callback: Callable[[Update], object] | None, **others) -> Subscription:
    return Subscription(owner, "it", callback=callback, **others)


def test_callbacks_may_subscribe_unsubscribe_and_close(owner: Owner) -> None:
    done, inner, events = threading.Event(), [], []
    sub: Subscription

    def callback(each: Update) -> None:
        with Subscription(owner, "inner") as made:
            inner.append(made)
        sub.modify("other")
        sub.reconnect()
        sub.close()
        done.set()

    sub = called(owner, callback, on_event=events.append)
    for number in range(5):
        sub.take([update(number)])
    assert done.wait(20)
    sub._thread.join(20)
    assert not sub._thread.is_alive()
    assert sub.received == 5
    assert owner.wanted == [("end",), ("modify", ("other",), None), ("reconnect",), ("end",)]


def test_a_callback_that_raises_is_called_again(
    owner: Owner, caplog: pytest.LogCaptureFixture
) -> None:
    numbers, done = [], threading.Event()

    def callback(each: Update) -> None:
        numbers.append(each.number)
        if each.number == 2:
            done.set()
        raise ValueError("on purpose")

    sub = called(owner, callback)
    sub.take([update(1)])
    sub.take([update(2)])
    assert done.wait(20)
    sub.close()
    sub._thread.join(20)
    assert numbers == [1, 2]
    assert "it: a callback raised" in caplog.text


def test_a_callback_holds_no_lock_of_the_subscription(owner: Owner) -> None:
    may_go, in_it, done = threading.Event(), threading.Event(), threading.Event()

    def callback(each: Update) -> None:
        in_it.set()
        may_go.wait(20)
        done.set()

    sub = called(owner, callback)
    sub.take([update(1)])
    assert in_it.wait(20)
    sub.take([update(2)])  # does not wait
    assert sub.latest().number == 2
    may_go.set()
    assert done.wait(20)
    sub.close()
    sub._thread.join(20)


def test_events_are_told_counted_and_bounded(owner: Owner) -> None:
    heard, done = [], threading.Event()

    def on_event(event: Event) -> None:
        heard.append(event.kind)
        if event.kind is EventKind.ENDED:
            done.set()

    sub = Subscription(owner, "it", on_event=on_event)
    for kind in (EventKind.OPENED, EventKind.STALE, EventKind.REOPENED, EventKind.ENDED):
        sub.note(Event(kind, "BANKA", "why"))
    assert done.wait(20)
    assert heard == ["opened", "stale", "reopened", "ended"]
    assert (sub.reopened, sub.stale, sub.is_stale) == (1, {"BANKA": "why"}, True)
    sub.close()
    sub._thread.join(20)
    quiet = Subscription(owner, "it")
    for _ in range(5000):
        quiet.note(Event(EventKind.GAP, "BANKA", "n", 2))
    assert quiet.lost == 10_000
    assert len(quiet.events) == len(quiet._to_tell) == 1000


def test_events_that_were_taken_are_not_told_again(owner: Owner) -> None:
    sub = Subscription(owner, "it")
    opened, gap = Event(EventKind.OPENED, "BANKA", ""), Event(EventKind.GAP, "BANKA", "n", 2)
    sub.note(opened)
    seen = sub.events
    sub.note(gap)
    assert (seen, sub.events) == ((opened,), (opened, gap))
    assert (sub.take_events(), sub.take_events(), sub.events) == ((opened, gap), (), ())


def test_events_are_read_while_others_come(owner: Owner) -> None:
    """A reader that goes through them meets no change of what it reads."""
    sub = Subscription(owner, "it")
    for event in (Event(EventKind.GAP, f"BANK{n}", "n", 1) for n in range(3)):
        sub.note(event)
    read = []
    for event in sub.events:
        sub.note(event)
        read.append(event.source)
    assert read == ["BANK0", "BANK1", "BANK2"]


def test_a_source_that_is_back_is_not_stale(owner: Owner) -> None:
    sub = Subscription(owner, "it")
    sub.note(Event(EventKind.STALE, "BANKA", "cut"))
    sub.note(Event(EventKind.STALE, "BANKB", "cut"))
    assert "stale: BANKA, BANKB" in repr(sub)
    sub.note(Event(EventKind.REOPENED, "BANKA"))
    assert sub.stale == {"BANKB": "cut"}


def test_latest_is_by_name_and_source(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    sub = Subscription(owner, "it", most=1)
    assert sub.latest() is None
    sub.take([update(5, name="a")])
    sub.take([update(9, name="a", source="BANKB")])
    sub.take([update(7, name="b")])
    assert sub.latest().number == 9
    assert sub.latest("a", "BANKA").number == 5
    assert sub.latest("a").number == 9
    assert sub.latest(source="BANKA").number == 7
    assert sub.latest("c") is None
    monkeypatch.setattr(module, "_MAX_NAMES", 10)
    for number in range(100):
        sub.take([update(number, name=f"n{number}")])
    assert len(sub._latest) == 10
    assert sub.latest("n99").number == 99


def test_limits_and_patterns_are_changed_through_the_owner(owner: Owner) -> None:
    sub = Subscription(owner, "it")
    sub.modify("a", rate=2.0)
    sub.modify("b")
    assert owner.wanted == [("modify", ("a",), Limits(rate=2.0)), ("modify", ("b",), None)]
    with pytest.raises(ValueError, match="rate"):
        sub.modify(rate=-1.0)


def test_in_a_child_it_has_ended(owner: Owner) -> None:
    sub = Subscription(owner, "it")
    with sub._turn:
        sub.forked("it is the parent's")
    with pytest.raises(SubscriptionEndedError, match="parent"):
        sub.next()


@pytest.mark.parametrize("wrong", [{"policy": "x"}, {"callback": 5}, {"on_event": "print"}])
def test_what_is_no_argument_is_refused_at_once(owner: Owner, wrong: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Subscription(owner, "it", **wrong)


def test_patterns_that_are_none_are_refused_at_once(owner: Owner) -> None:
    with pytest.raises(ValueError, match="names of properties"):
        Subscription(owner, "it").modify(5)
    assert owner.wanted == []


def test_a_wait_in_vain_says_how_long_it_was_and_that_others_came(owner: Owner) -> None:
    sub = Subscription(owner, "it")
    sub.take([update(1), update(2)])
    with pytest.raises(TimeoutError, match=r"did not come within 0 s; others: 2"):
        sub.wait_for(lambda one: one.number == 3, 0)


def test_a_wait_in_vain_says_who_is_not_there(owner: Owner) -> None:
    sub = Subscription(owner, "it")
    sub.note(Event(EventKind.STALE, "BANKA", "it was ended"))
    for wait in (sub.next, lambda timeout: sub.wait_for(bool, timeout)):
        with pytest.raises(TimeoutError, match=r"0 s.*; nothing is heard of BANKA: it was ended"):
            wait(0)


def test_a_wait_in_vain_names_what_is_not_there(owner: Owner) -> None:
    sub = Subscription(owner, "it")
    sub.note(Event(EventKind.ABSENT, "BANKA", "bank has no property scna yet"))
    with pytest.raises(TimeoutError, match="BANKA: bank has no property scna yet"):
        sub.next(0.0)
    sub.take([update(1, source="BANKA")])
    sub.next(0.0)
    with pytest.raises(TimeoutError, match=r"within 0 s$"):
        sub.next(0.0)

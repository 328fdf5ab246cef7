"""Publisher: who is sent what, with a sender that only writes down."""

from __future__ import annotations

import logging
import threading

import numpy as np
import pytest
from support.counted_calls import calls_of
from support.publisher_bench import A, B, Bench
from support.read_at_once import read_at_once

from zmqjsonproxy.caller import UNNAMED
from zmqjsonproxy.channels import publisher as module
from zmqjsonproxy.channels import shares, streams
from zmqjsonproxy.channels.declarations import Declared, PropertyKind
from zmqjsonproxy.channels.properties import PropertyTable, computed, table_of
from zmqjsonproxy.channels.protocol.notices import encode_frame
from zmqjsonproxy.channels.publisher import Publisher
from zmqjsonproxy.errors import RefusedError


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_first_the_present_value_then_gapless_counts(bench: Bench) -> None:
    for value in (10, 11):
        bench.table.publish("n", value, time_us=5)
    assert bench.streams(A, "n") == [[1, "n", "result", 2, 5, 11]]
    for value in (12, 13, 14):
        bench.table.publish("n", value)
    assert bench.updates(A) == [[3, 12], [4, 13], [5, 14]]


def test_only_who_says_so_gets_arrays_of_several_updates_as_one_frame() -> None:
    packs: dict[bytes, bool] = {}

    def post(envelopes, part, _missed) -> bool:
        packs.update({client: part.packs for (client,) in envelopes})
        return True

    publisher, table = Publisher(post, "life"), PropertyTable([Declared(name="n")])
    publisher.add("bank", table)
    for client, says in ((A, True), (B, False)):
        publisher.subscribe(client, True, [["bank", "n", {}]], packs=says)
    table.publish("n", encode_frame(np.zeros(3), 0.0, 1.0))
    assert packs == {A: True, B: False}
    publisher.close()


def test_a_message_has_no_present_value(bench: Bench) -> None:
    bench.table.publish("e", {"k": 1})
    assert bench.streams(A, "e") == [[1, "e", "message", 1]]
    bench.table.publish("e", {"k": 2})
    assert bench.updates(A) == [[2, {"k": 2}]]


def test_a_message_to_one_client_counts_for_this_one_only(bench: Bench) -> None:
    bench.subscribe(A, "e", name="ann")
    bench.subscribe(B, "e", name="bob")
    bench.table.publish("e", {"to": "all"}, time_us=5)
    bench.table.send_to("bob", "e", {"to": "bob"})
    bench.table.publish("e", {"to": "all"}, time_us=5)
    assert [count for count, _ in bench.updates(A)] == [1, 2]
    assert [(count, body["to"]) for count, body in bench.updates(B)] == [
        (1, "all"),
        (2, "bob"),
        (3, "all"),
    ]
    bench.sent.clear()
    for client in (A, B):
        bench.publisher.beat(client)
    assert [params for _, _, params in bench.sent] == [[1, 2], [1, 3]]


def test_a_named_client_that_comes_back_goes_on_counting(bench: Bench) -> None:
    bench.subscribe(A, "e", name="ann")
    bench.table.send_to("ann", "e", {})
    bench.publisher.forget(A)
    bench.table.publish("e", {}, time_us=5)
    assert bench.subscribe(B, "e", name="ann")[0]["streams"] == [[1, "e", "message", 2]]
    assert bench.subscribe(b"client C", "e", name="cid")[0]["streams"][0][3] == 1


def test_a_message_to_nobody_is_refused_with_who_is_there(bench: Bench) -> None:
    answer = bench.publisher.subscribe(A, True, [["bank", "e", {}]], UNNAMED)
    assert answer["name"] == "client-1"
    bench.subscribe(B, "n", name="bob")
    with pytest.raises(RefusedError, match=r"client-2.* did you mean client-1.* do: client-1"):
        bench.table.send_to("client-2", "e", {})
    with pytest.raises(RefusedError, match="'bob' subscribes to it; those that do: client-1"):
        bench.table.send_to("bob", "e", {})
    with pytest.raises(RefusedError, match="n is no message"):
        bench.table.send_to("bob", "n", {})
    bench.publisher.close()
    with pytest.raises(RefusedError, match="those that do: none"):
        bench.table.send_to("client-1", "e", {})


def test_names_that_messages_were_sent_to_are_bounded(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MAX_ADDRESSED", 2)
    bench.subscribe(A, "e", name="first")
    for name in ("first", "second", "third", "fourth"):
        bench.subscribe(B, "e", name=name)
        bench.table.send_to(name, "e", {})
        bench.publisher.forget(B)
    (stream,) = bench.publisher._streams.values()
    assert dict(stream.addressed) == {"first": 1, "fourth": 1}


def test_only_the_new_client_gets_the_stored_value(bench: Bench) -> None:
    bench.table.publish("n", 1)
    bench.subscribe(A, "*")
    bench.subscribe(B, "n")
    assert not bench.sent
    bench.table.publish("n", 2)
    assert [(to, params[1]) for to, _, params in bench.sent] == [(A, 2), (B, 2)]


def test_properties_that_appear_later_are_opened_for_who_waits(bench: Bench) -> None:
    bench.subscribe(A, "status.*", "status.X", "other", rate=5.0)
    bench.subscribe(B, "n")
    bench.table.publish("status.X", 4)
    stream = bench.sent[0][2][1]
    opened = ["bank", stream, "status.X", "result", {"rate": 5.0}]
    assert [each for each in bench.sent if each[1] == "rpc.opened"] == [
        (A, "rpc.opened", opened)
    ] * 2
    assert bench.updates(A) == [[1, 4]]
    assert not bench.updates(B)


def test_an_object_that_comes_later_brings_its_values(bench: Bench) -> None:
    bench.subscribe(A, "*")
    second = PropertyTable([Declared(name="n"), Declared(name="late")])
    for value in (7, 8):
        second.publish("late", value)
    bench.publisher.add("bank", second)
    assert [method for _, method, _ in bench.sent] == ["rpc.opened", "rpc.update"]
    assert bench.updates(A) == [[2, 8]]


def test_two_clients_have_limits_of_their_own(bench: Bench) -> None:
    bench.table.publish("n", 0)
    (slow,), (fast,) = bench.streams(A, "n", rate=1.0), bench.streams(B, "n", dead_band=2.0)
    assert slow[0] != fast[0]
    for value in range(1, 8):
        bench.table.publish("n", value)
    assert bench.updates(A) == []
    assert bench.updates(B) == [[2, 3], [3, 6]]
    bench.timers.advance(1.0)
    assert bench.updates(A) == [[2, 7]]
    bench.timers.advance(10.0)
    assert bench.updates(A) == [[2, 7]]


def test_one_timer_is_set_for_a_stream_however_its_race_ends(bench: Bench) -> None:
    bench.table.publish("n", 0)
    bench.subscribe(A, "n", rate=10.0)
    for value in range(200):  # each is offered when it is due, and before the timer is called
        bench.table.publish("n", value)
        bench.timers.now += 0.05
    assert len(bench.timers.waiting) == 1


def test_messages_are_never_limited(bench: Bench) -> None:
    bench.subscribe(A, "e", rate=1.0)
    for number in range(5):
        bench.table.publish("e", {"k": number})
    assert bench.updates(A) == [[number + 1, {"k": number}] for number in range(5)]


def test_subscriptions_that_come_and_go_leave_nothing(bench: Bench) -> None:
    bench.table.publish("n", 1)
    bench.subscribe(B, "*")
    bench.subscribe(A, "*", "n", "none")
    bench.unsubscribe(A, "*", "n", "none")
    before = bench.size()
    for number in range(1000):
        bench.subscribe(A, "*", "n", "none", rate=1.0 + number)
        assert bench.unsubscribe(A, "*", "n", "none", rate=1.0 + number) == 3
    assert bench.publisher.clients == 1
    after = bench.size()
    assert after[3] == before[3]
    assert after[1] <= module.MAX_IDLE_OF_ONE + 2
    assert after[4] <= module.MAX_IDLE_OF_ONE + 2
    assert bench.streams(A, "n")[0][3] == 1
    bench.table.publish("n", 2)
    assert bench.updates(A) == [[2, 2]]


def test_a_stream_with_limits_counts_on_for_who_comes_back(bench: Bench) -> None:
    bench.table.publish("n", 1)
    (first,) = bench.streams(A, "n", dead_band=1.0)
    bench.publisher.forget(A)
    bench.table.publish("n", 5)
    (second,) = bench.streams(A, "n", dead_band=1.0)
    assert (first[0], first[3]) == (second[0], second[3] - 1)


def test_streams_without_readers_are_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_IDLE", 3)
    for number in range(10):
        bench.subscribe(A, "n", rate=1.0 + number)
        bench.publisher.forget(A)
    assert bench.size() == (0, 3, 3, 0, 3)


def test_an_object_exposed_again_goes_on_where_the_other_was(bench: Bench) -> None:
    for value in range(5):
        bench.table.publish("n", value)
    (stream,) = bench.streams(A, "n")
    size = bench.size()
    for _ in range(50):
        again = PropertyTable([Declared(name="n"), Declared(name="e", kind=PropertyKind.MESSAGE)])
        again.publish("n", 100)
        before, bench.table = bench.table, again
        bench.publisher.add("bank", again)
        assert not before.on_new
        before.publish("n", 99)
    assert bench.size() == size
    assert bench.updates(A) == [[6 + k, 100] for k in range(50)]
    assert {params[0] for _, _, params in bench.sent} == {stream[0]}


def test_what_the_new_object_has_not_ends_and_another_kind_is_another_stream(bench: Bench) -> None:
    bench.table.publish("n", 1)
    bench.subscribe(A, "*")
    bench.publisher.add("bank", PropertyTable([Declared(name="n", kind=PropertyKind.PIPE)]))
    assert [params[2:4] for _, _, params in bench.sent] == [["n", "pipe"]]
    assert len(bench.publisher._streams) == 1
    bench.publisher.add("bank", PropertyTable([]))
    assert not bench.publisher._streams
    assert bench.publisher.unsubscribe(A, [["bank", "*", {}]]) == 1
    assert bench.publisher._load == 0


def test_one_object_under_two_names_is_two(bench: Bench) -> None:
    bench.publisher.add("second", bench.table)
    bench.publisher.add("second", bench.table)
    wishes = [["bank", "late", {}], ["second", "late", {}]]
    bench.publisher.subscribe(A, True, wishes)
    bench.table.publish("late", 1)
    opened = [params[0] for _, method, params in bench.sent if method == "rpc.opened"]
    assert opened == ["bank", "second"]
    assert len(bench.updates(A)) == 2
    bench.publisher.close()
    assert not bench.table.on_new
    assert bench.size()[1:3] == (0, 0)


def test_what_is_wrong_with_a_wish_is_told_beside_the_others(bench: Bench) -> None:
    wishes = [["bank", "n", {}], ["none", "n", {}], 5, ["bank", "no", {}]]
    good, unknown, strange, empty = bench.publisher.subscribe(A, True, wishes)["answers"]
    assert len(good["streams"]) == 1
    assert unknown["error"] == "'none' publishes nothing here; there are: bank"
    assert "not 5" in strange["error"]
    assert empty == {"streams": [], "known": ["e", "n"], "hint": "; did you mean n?"}
    assert bench.publisher.unsubscribe(A, [5, ["bank", "n", {}]]) == 1
    assert bench.publisher.unsubscribe(B, wishes) == 0


def test_each_bound_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PATTERNS", 2)
    assert bench.subscribe(A, "a", "b", "c", "a")[2:] == [
        {"error": "a client has at most 2 patterns"},
        {"streams": [], "known": ["e", "n"], "hint": ""},
    ]
    monkeypatch.setattr(module, "MAX_STREAMS", 1)
    assert "at most 1 streams" in bench.subscribe(B, "*")[0]["error"]
    assert bench.publisher._clients[B].joined == 0
    assert "streams" in bench.subscribe(B, "n")[0]
    assert "streams" in bench.subscribe(B, "n")[0]
    bench.subscribe(B, "l*")
    bench.table.publish("late", 1)  # which is not for it any more, and is logged
    monkeypatch.setattr(module, "WISHES_AT_ONCE", 1)
    assert "at most 1 subscriptions at once" in bench.subscribe(B, "n", "n")[1]["error"]


def test_a_client_that_uses_up_its_limits_leaves_the_others_theirs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "MAX_CLIENT_LIMITS", 3)
    for rate in (1.0, 2.0, 3.0):
        assert "streams" in bench.subscribe(A, "n", rate=rate)[0]
    refused = bench.subscribe(A, "n", rate=4.0)[0]["error"]
    assert "n: a client has at most 3 different limits" in refused
    assert "end some of these" in refused
    assert "streams" in bench.subscribe(A, "*", rate=3.0)[0], "limits that it has"
    assert "streams" in bench.subscribe(B, "n", rate=4.0)[0]
    assert "at most 3" in bench.subscribe(A, "n", rate=4.0)[0]["error"], "another's count, too"
    bench.unsubscribe(A, "n", rate=1.0)
    assert "streams" in bench.subscribe(A, "n", rate=4.0)[0]


def test_beyond_the_limits_of_all_each_client_gets_its_first_ones(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "MAX_LIMITS", 5)
    monkeypatch.setattr(shares, "LIMITS_ASSURED", 2)
    for rate in (1.0, 2.0, 3.0, 4.0, 5.0):
        assert "streams" in bench.subscribe(A, "n", rate=rate)[0]
    assert "all clients together have 5" in bench.subscribe(A, "n", rate=6.0)[0]["error"]
    for rate in (7.0, 8.0):
        assert "streams" in bench.subscribe(B, "n", rate=rate)[0]
    assert "of which this one has 2" in bench.subscribe(B, "n", rate=9.0)[0]["error"]
    assert "streams" in bench.subscribe(B, "n", rate=1.0)[0], "which costs no more"
    bench.publisher.forget(A)
    assert "streams" in bench.subscribe(B, "n", rate=9.0)[0]


def test_clients_of_whom_nothing_is_heard_are_forgotten(bench: Bench) -> None:
    bench.subscribe(A, "n")
    bench.subscribe(B, "n")
    bench.timers.advance(module.MAX_SILENT_S - 1)
    assert bench.publisher.beat(B) == {"instance": "life", "session": 2}
    bench.timers.advance(2)
    assert bench.publisher.beat(B)["session"] == 2
    assert bench.publisher.clients == 1
    assert bench.publisher.beat(A) == {"instance": "life", "session": 0}


def test_too_much_load_is_taken_off_who_is_silent_for_longest(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_LOAD", 11)
    bench.subscribe(A, "n", "*")
    bench.subscribe(B, "n")
    bench.publisher.beat(A)
    bench.subscribe(b"C", "n", "e")
    assert list(bench.publisher._clients) == [A, b"C"]
    bench.subscribe(b"C", *(f"none.{k}" for k in range(20)))
    assert list(bench.publisher._clients) == [b"C"]
    monkeypatch.setattr(module, "MAX_CLIENTS", 1)
    bench.subscribe(A, "n")
    assert list(bench.publisher._clients) == [A]
    bench.publisher.forget(A)
    assert bench.publisher._load == 0


def test_a_client_that_takes_nothing_for_long_is_forgotten(bench: Bench) -> None:
    bench.subscribe(A, "n")
    bench.publisher._missed(A, False)
    bench.timers.advance(9)
    bench.publisher._missed(A, False)
    assert bench.publisher.clients == 1
    bench.publisher.beat(A)
    bench.timers.advance(9)
    bench.publisher._missed(A, False)
    assert bench.publisher.clients == 1
    bench.timers.advance(11)
    bench.publisher._missed(A, False)
    assert bench.publisher.clients == 0
    bench.publisher._missed(A, True)
    bench.subscribe(A, "n")
    bench.publisher._missed(A, True)
    assert bench.publisher.clients == 0


def newest(bench: Bench) -> list:
    found = [params for _, method, params in bench.sent if method == "rpc.newest"]
    bench.sent.clear()
    return found


def test_a_heartbeat_tells_what_is_newer_once_and_all_after_a_loss(bench: Bench) -> None:
    bench.table.publish("n", 1)
    bench.subscribe(A, "*")
    bench.publisher.beat(A)
    assert newest(bench) == []
    bench.table.publish("n", 2)
    bench.publisher.beat(A)
    assert newest(bench) == [[2, 2]]
    bench.publisher.beat(A)
    assert newest(bench) == []
    bench.publisher._missed(A, False)  # it may have been that very notice
    bench.publisher.beat(A)
    assert newest(bench) == [[1, 0, 2, 2]]
    bench.takes = False
    bench.table.publish("n", 3)
    bench.publisher.beat(A)
    bench.takes = True
    bench.publisher.beat(A)
    assert newest(bench) == [[1, 0, 2, 3]]


def test_a_second_subscription_does_not_hide_what_was_missed(bench: Bench) -> None:
    bench.subscribe(A, "n")
    bench.takes = False
    bench.table.publish("n", 1)
    bench.takes = True
    bench.subscribe(A, "*")
    bench.publisher.beat(A)
    assert newest(bench) == [[1, 1]]


def test_a_value_that_cannot_go_to_some_goes_to_the_others(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.subscribe(A, "n", arrays=None)
    bench.subscribe(B, "n", arrays=True)
    for _ in range(3):
        bench.table.publish("n", np.array([1 + 2j]))
    assert len(bench.updates(B)) == 3
    assert bench.updates(A) == []
    assert not caplog.records, "a handler may have a lock of its own"
    with caplog.at_level(logging.WARNING):
        bench.timers.advance(0)
    assert len(caplog.records) == 1
    assert bench.subscribe(A, "n", arrays=None)[0] == {"streams": [[1, "n", "result", 3]]}


class Read:
    def __init__(self) -> None:
        self.value, self.reads = 1, 0

    @computed(every=2.0)
    def level(self) -> int:
        self.reads += 1
        if self.value is None:
            raise SystemExit("on purpose")
        return self.value


def test_a_computed_property_is_read_by_nobody_who_subscribes(bench: Bench) -> None:
    obj = Read()
    bench.publisher.add("bank", read_at_once(obj))
    assert bench.streams(A, "level")[0][3:] == [0]
    assert obj.reads == 0
    bench.timers.advance(0)
    assert bench.updates(A) == [[1, 1]]
    obj.value = 2
    bench.timers.advance(4)
    assert bench.updates(A) == [[1, 1], [2, 2]]
    assert obj.reads == 3
    assert bench.streams(B, "level", rate=1.0)[0][3:6:2] == [1, 2]  # it is fresh
    bench.timers.advance(0)
    assert len(bench.updates(A)) == 2
    obj.value = None
    bench.timers.advance(2)
    obj.value = 3
    bench.timers.advance(2)
    assert bench.updates(A)[-1] == [3, 3]


def test_a_computed_property_is_read_while_somebody_hears(bench: Bench) -> None:
    obj = Read()
    bench.publisher.add("bank", read_at_once(obj))
    bench.subscribe(A, "level", dead_band=5.0)
    bench.timers.advance(0)
    bench.publisher.forget(A)
    bench.timers.advance(100)
    assert obj.reads == 1
    assert not bench.timers.waiting
    bench.sent.clear()
    told = bench.streams(A, "level", dead_band=5.0)[0]  # what is known is old
    assert told[3:] == [1]
    bench.timers.advance(0)
    assert bench.updates(A) == [[2, 1]]


def test_a_computed_property_is_read_once_for_all_who_hear_of_it(bench: Bench) -> None:
    obj = Read()
    bench.publisher.add("bank", read_at_once(obj))
    bench.subscribe(A, "level")
    for rate in (1.0, 2.0, 3.0):
        bench.subscribe(A, "level", rate=rate)
        bench.subscribe(B, "lev*", dead_band=rate)
    bench.timers.advance(0)
    assert obj.reads == 1
    for value in (5, 10, 15):
        obj.value = value
        bench.timers.advance(2.0)
    assert obj.reads == 4
    assert [value for _, value in bench.updates(B)] == [1] * 3 + [5] * 3 + [10] * 3 + [15] * 3


def test_another_object_s_computed_property_is_read_in_its_place(bench: Bench) -> None:
    first, second = Read(), Read()
    bench.publisher.add("bank", read_at_once(first))
    bench.subscribe(A, "level")
    bench.timers.advance(0)
    second.value = 7
    bench.publisher.add("bank", read_at_once(second))
    bench.timers.advance(2)
    assert (first.reads, second.reads) == (1, 1)
    assert bench.updates(A)[-1] == [2, 7]


@pytest.mark.parametrize("end", ["", "*"])
def test_each_of_many_patterns_takes_as_long_as_each_of_few(end: str) -> None:
    def work(many: int) -> tuple[int, int]:
        bench = Bench()
        for number in range(many):
            bench.table.publish(f"key.{number:04}", 1)
        patterns = [f"key.{number:04}{end}" for number in range(many)]
        asked = calls_of(lambda: bench.subscribe(A, *patterns))
        assert len(bench.publisher._clients[A].told) == many
        published = calls_of(lambda: bench.table.publish("key.0001", 2))
        return asked, published

    (few, of_few), (many, of_many) = work(50), work(500)
    assert many < 15 * few
    assert of_many == of_few


def test_five_thousand_patterns_each_hear_of_their_property(bench: Bench) -> None:
    names = [f"key.{number}" for number in range(5000)]
    for first in range(0, 5000, 500):
        bench.subscribe(A, *names[first : first + 500])
    assert calls_of(lambda: bench.table.publish(names[0], 0)) < 400
    for name in names[1:]:
        bench.table.publish(name, 0)
    assert bench.updates(A) == [[1, 0]] * 5000
    bench.publisher.forget(A)
    assert bench.publisher._load == 0


def test_ends_and_new_properties_in_threads_harm_nobody(bench: Bench) -> None:
    """Another thread declares while the socket's subscribes and ends."""
    stop, failed = threading.Event(), []

    def declare() -> None:
        for number in range(2000):
            try:
                bench.table.publish(f"new.{number}", number)
            except Exception as error:
                failed.append(error)
        stop.set()

    thread = threading.Thread(target=declare)
    thread.start()
    while not stop.is_set():
        bench.subscribe(A, "new.*", "n")
        bench.unsubscribe(A, "new.*")
        bench.publisher.beat(A)
    thread.join(60)
    assert not failed
    bench.publisher.forget(A)
    assert bench.publisher._load == 0


def test_after_the_end_nothing_is_sent(bench: Bench) -> None:
    bench.subscribe(A, "n", "e")
    bench.publisher.close()
    bench.table.publish("n", 2)
    assert not bench.sent
    assert bench.size()[1:3] == (0, 0)


def test_a_child_publishes_to_nobody_of_its_parent(bench: Bench) -> None:
    bench.subscribe(A, "*", rate=1.0)
    posts = bench.publisher._post
    bench.publisher.leave_to_parent()
    bench.table.publish("n", 1)
    bench.table.publish("new", 1)
    assert not bench.sent
    assert bench.publisher._post((), b"", lambda *_: None)
    assert bench.publisher._post is not posts
    assert bench.size()[1:3] == (0, 0)


def test_what_reads_itself_no_more_is_let_be(bench: Bench) -> None:
    obj = Read()
    bench.publisher.add("bank", read_at_once(obj))
    bench.subscribe(A, "level")
    bench.timers.advance(0)
    table_of(obj).declare(Declared(name="level"))
    bench.timers.advance(10)
    assert (obj.reads, bench.timers.waiting) == (1, [])


def test_a_property_that_cannot_be_read_is_told_once_until_it_can(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    obj = Read()
    bench.publisher.add("bank", read_at_once(obj))
    bench.streams(A, "level")
    for value, told in ((None, 1), (1, 1), (None, 2)):
        obj.value = value
        bench.timers.advance(10)
        assert len(caplog.records) == told

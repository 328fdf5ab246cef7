"""Calls of one caller: a slot for each result, and what becomes pending instead."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.rpc.callresults import CallRequest
from zmqjsonproxy.rpc.calls import BatchOfCalls, Call, Hello, in_batches, shared_calls
from zmqjsonproxy.rpc.core import CallGroup, ClientCore, HubSettings, Message
from zmqjsonproxy.rpc.peer import Peer

HELLO: dict[str, Any] = {"dealer": 1, "instance": "one", "arrays": True}


def servers(core: ClientCore, count: int, **hello: Any) -> list[Peer]:
    """Servers of ours that are connected."""
    peers = [core.peer(f"tcp://host:{n}") for n in range(count)]
    for n, peer in enumerate(peers):
        peer.begin_connection(b"%d" % n, 0.0)
        peer.welcome({**HELLO, **hello}, 0.1)
    return peers


def core() -> ClientCore:
    return ClientCore(HubSettings())


def group_of(
    core: ClientCore, count: int, *args: Any, begun_by: str = "", **hello: Any
) -> tuple[CallGroup, list[bytes]]:
    what = Call("bank", "add", args, None, 5.0, begun_by)
    group = CallGroup(servers(core, count, **hello), [what] * count, 1.0, 6.0)
    return group, core.open_short_way(group)


def receiving(messages: list[Message]) -> Callable[[], Message]:
    iterator: Iterator[Message] = iter(messages)

    def receive() -> Message:
        try:
            return next(iterator)
        except StopIteration:
            raise TimeoutError from None

    return receive


def reply(peer: Peer, number: int, value: Any = 5) -> Message:
    return peer, json.dumps({"id": number, "result": value}).encode()


def test_all_servers_get_the_same_with_numbers_that_follow_each_other() -> None:
    group, bodies = group_of(core(), 3, 2, 3)
    requests = [json.loads(body) for body in bodies]
    assert [request.pop("id") for request in requests] == [group.first + n for n in range(3)]
    assert requests[0] == requests[1] == requests[2]


@pytest.mark.parametrize("hello", [{"max_message_bytes": 50}, {"arrays": None}])
def test_the_short_way_is_not_open_to_servers_that_take_something_else(hello: Any) -> None:
    made = core()
    peers = [*servers(made, 2), made.peer("tcp://other:1")]
    peers[2].begin_connection(b"rid", 0.0)
    peers[2].welcome({**HELLO, **hello}, 0.1)
    group = CallGroup(peers, [Call("bank", "add", (2, 3), None, 5.0)] * 3, 1.0, 6.0)
    assert made.open_short_way(group) == []
    assert (group.first, list(group.unwanted())) == (0, [])


def test_neither_is_it_for_what_has_no_number_of_its_own_or_has_frames() -> None:
    made = core()
    peers = servers(made, 2)
    for what in (
        Hello("bank", "me"),
        BatchOfCalls("bank", [("add", (2, 3), {})], 5.0),
        Call("bank", "add", (b"bytes",), None, 5.0),
    ):
        assert made.open_short_way(CallGroup(peers, [what] * 2, 1.0, 6.0)) == []
    made.drop(peers[1], "lost", 1.0)
    lost = CallGroup(peers, [Call("bank", "add", (), None, 5.0)] * 2, 1.0, 6.0)
    assert made.open_short_way(lost) == []


@given(st.permutations(range(4)), st.integers(0, 4))
def test_results_are_put_where_they_belong_in_whichever_order_they_come(
    order: list[int], count: int
) -> None:
    group, _ = group_of(core(), 4, 2, 3)
    group.sent = 4
    messages = [reply(group.peers[n], group.first + n, n) for n in order[:count]]
    if count < 4:
        with pytest.raises(TimeoutError):
            group.collect(receiving(messages), lambda: 2.0, 9.0)
    else:
        group.collect(receiving(messages), lambda: 2.0, 9.0)
    assert group.left == 4 - count
    assert group.came[0] is None
    assert group.make_pending() == []  # all were sent
    left = sorted(set(range(4)) - set(order[:count]))
    assert [call.number - group.first for call in group.pending] == left
    assert {n for _, n, _ in group.unwanted()} == {group.first + n for n in left}
    for call in group.pending:
        call.peer.receive({"id": call.number, "result": call.number - group.first}, 3.0)
    assert [result.value for result in group.all_results()] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "body",
    [
        b'{"id": 1, "error": {}}',
        b'{"id": 9, "result": 1}',
        b'{"id": 0, "result": 1}',
        b'{"id": 2, "result": 1}',
        b"[]",
        b"{",
        b'{"id": "1", "result": 1}',
        b"\xff",
    ],
)
def test_anything_but_a_result_of_the_right_server_ends_the_short_way(body: bytes) -> None:
    group, _ = group_of(core(), 2, 2, 3)
    assert group.first == 1
    with pytest.raises((LookupError, TypeError, ValueError)):
        group.collect(receiving([(group.peers[0], body)]), lambda: 2.0, 9.0)
    assert group.came == (group.peers[0], body)
    assert group.left == 2


def test_a_second_result_of_one_server_ends_it_too() -> None:
    group, _ = group_of(core(), 2)
    twice = [reply(group.peers[0], group.first)] * 2
    with pytest.raises(ValueError):
        group.collect(receiving(twice), lambda: 2.0, 9.0)
    assert group.left == 1


def test_it_is_left_when_it_is_time_to_look_at_connections() -> None:
    group, _ = group_of(core(), 2)
    group.collect(receiving([reply(group.peers[0], group.first)]), lambda: 2.0, 1.9)
    assert group.left == 1


def test_what_was_not_sent_is_submitted() -> None:
    group, _ = group_of(core(), 3, 2, 3)
    group.sent = 1
    unsent = group.make_pending()
    assert [call.number for call in group.pending] == [group.first, 0, 0]
    assert list(group.pending[1:]) == unsent
    assert {n for _, n, _ in group.unwanted()} == {group.first, group.first + 1}


def test_what_began_an_operation_is_unwanted_though_it_was_accepted() -> None:
    group, _ = group_of(core(), 2, begun_by="me")
    group.sent = 2
    replies = [reply(peer, group.first + n) for n, peer in enumerate(group.peers)]
    group.collect(receiving(replies), lambda: 2.0, 9.0)
    assert len(list(group.unwanted())) == 2
    made = core()
    made.withdraw_group(group, 3.0)
    assert len(made.actions) == 2


def test_the_value_of_one_server_is_returned_or_its_error_raised() -> None:
    for error in (None, RefusedError("no")):
        group, _ = group_of(core(), 1)
        (call,) = group.make_pending()
        call.end(None if error else 5, error, 2.0)
        if error is None:
            assert group.value() == 5
        else:
            with pytest.raises(RefusedError, match="no"):
                group.value()
    group.plain, group.ended = [7], 3.0
    (result,) = group.all_results()
    assert (result.value, result.error, result.delay_s) == (7, None, 2.0)
    assert group.value() == 7
    group.first = 1
    assert list(group.unwanted()) == []


def test_plain_answers_are_results_and_nothing_else() -> None:
    call = Call("bank", "add", (2, 3), None, 5.0)
    batch = BatchOfCalls("bank", [("add", (2, 3), {})] * 2, 5.0)
    assert call.plain({"id": 7, "result": 5}, 7) == [5]
    assert call.plain({"id": 8, "result": 5}, 7) is None
    assert batch.plain([{"id": 7, "result": 1}, {"id": 8, "result": 2}], 7) == [1, 2]
    assert batch.plain([{"id": 7, "result": 1}], 7) is None
    assert Hello("bank", "me").plain({"id": 7, "result": 5}, 7) is None
    with pytest.raises(ValueError):
        Hello("bank", "me").native(7, True)
    Hello("bank", "me").settle()


@given(
    st.lists(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)),
    st.sampled_from([True, False, None]),
)
def test_a_call_is_encoded_for_one_server_as_it_is_for_several(
    args: list[Any], arrays: bool | None
) -> None:
    before, after = Call("bank", "add", args, None, 5.0).around_id(arrays)
    assert Call("bank", "add", args, None, 5.0).native(7, arrays) == before + b"7" + after


def test_requests_that_say_the_same_share_a_call() -> None:
    same = CallRequest("tcp://host:1", "bank", "add", (2, 3))
    other = CallRequest("tcp://host:1", "bank", "add", (4, 5))
    first, second, third = shared_calls([same, same, other], 5.0)
    assert first is second is not third
    made = core()
    group = CallGroup(servers(made, 3), [first, second, third], 1.0, 6.0)
    assert made.open_short_way(group) == []
    assert [call.what for call in group.make_pending()] == [first, second, third]


def test_large_batches_are_several_messages() -> None:
    batches = in_batches("bank", [("add", (n, 1), {}) for n in range(1001)], 5.0)
    assert [batch.count for batch in batches] == [500, 500, 1]
    assert in_batches("bank", [], 5.0) == []

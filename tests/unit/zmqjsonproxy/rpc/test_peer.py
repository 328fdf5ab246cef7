"""A server as its callers see it: what is sent when, what ends which call."""

from __future__ import annotations

import json
from typing import Any

import pytest

from zmqjsonproxy.errors import (
    BusyError,
    CallTimeoutError,
    NoSuchInterfaceError,
    NoSuchMethodError,
    PeerLostError,
    ProtocolError,
    RefusedError,
    RemoteError,
    TooLargeError,
)
from zmqjsonproxy.rpc.calls import BatchOfCalls, Call, Hello
from zmqjsonproxy.rpc.peer import ConnectionState, Peer, PendingCall

OUR_HELLO: dict[str, Any] = {
    "dealer": 1,
    "instance": "one",
    "objects": ["bank"],
    "methods": [{"name": "add"}],
}
OLD_HELLO: list[Any] = [["add", None]]
TOLD: list[tuple[Peer, str]] = []


def new_peer() -> Peer:
    peer = Peer("tcp://host:1", lambda peer, text: TOLD.append((peer, text)))
    peer.hello_name = "bank"
    return peer


def peer_that_said(hello: object) -> Peer:
    peer = new_peer()
    peer.begin_connection(b"rid", 0.0)
    peer.welcome(hello, 0.1)
    return peer


def pending(peer: Peer, *args: object, timeout: float = 5.0) -> PendingCall:
    return PendingCall(peer, Call("bank", "add", args, None, timeout), 1.0, 1.0 + timeout)


def test_a_server_of_ours_gets_numbered_calls_without_an_empty_frame() -> None:
    peer = peer_that_said(OUR_HELLO)
    assert peer.state is ConnectionState.READY
    assert peer.is_ours
    assert peer.envelope == (b"rid",)
    first, second = pending(peer, 1, 2), pending(peer, 3, 4)
    bodies = [peer.begin(call, number, 1.0) for call, number in ((first, 7), (second, 8))]
    assert [json.loads(body or b"")["id"] for body in bodies] == [7, 8]
    peer.receive({"jsonrpc": "2.0", "id": 8, "result": 7}, 2.0)
    assert (second.done, second.value, first.done) == (True, 7, False)


def test_a_foreign_jsonrpc_server_keeps_the_envelope_of_a_req_socket() -> None:
    peer = peer_that_said(
        {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "what?"}}
    )
    assert peer.native
    assert not peer.is_ours
    assert peer.envelope == (b"rid", b"")


def test_an_old_server_gets_one_call_at_a_time() -> None:
    peer = peer_that_said(OLD_HELLO)
    first, second = pending(peer, 1, 2), pending(peer, 3, 4)
    assert json.loads(peer.begin(first, 1, 1.0) or b"") == {
        "name": "bank",
        "proc": "add",
        "args": [1, 2],
        "kwargs": {},
    }
    assert peer.begin(second, 2, 1.0) is None
    assert list(peer.waiting) == [second]
    peer.receive(3, 2.0)
    assert (first.value, second.done, peer.current) == (3, False, None)


@pytest.mark.parametrize("hello", [OUR_HELLO, OLD_HELLO])
def test_arguments_that_cannot_travel_end_only_their_own_call(hello: object) -> None:
    peer = peer_that_said(hello)
    call = pending(peer, object())
    assert peer.begin(call, 1, 1.0) is None
    assert isinstance(call.error, ProtocolError)
    assert peer.begin(pending(peer, 1, 2), 2, 1.0) is not None


def test_errors_of_both_dialects_become_exceptions() -> None:
    ours, old = peer_that_said(OUR_HELLO), peer_that_said(OLD_HELLO)
    refused, raised = pending(ours), pending(old)
    ours.begin(refused, 1, 1.0)
    old.begin(raised, 1, 1.0)
    ours.receive(
        {"id": 1, "error": {"code": -32001, "data": {"type": "RefusedError", "text": "no"}}}, 2.0
    )
    old.receive({"EXCEPTION": ["ValueError", "no", ["line 1"]]}, 2.0)
    assert isinstance(refused.error, RefusedError)
    assert isinstance(raised.error, RemoteError)
    assert raised.error.type == "ValueError"


@pytest.mark.parametrize(
    "message", [None, 5, [], {}, {"id": 99, "result": 1}, {"id": None}, {"id": [1]}, "text"]
)
def test_what_answers_no_open_call_is_dropped(message: object) -> None:
    peer = peer_that_said(OUR_HELLO)
    call = pending(peer)
    peer.begin(call, 1, 1.0)
    peer.receive(message, 2.0)
    assert not call.done


def test_the_answer_to_a_call_that_has_timed_out_is_dropped() -> None:
    peer = peer_that_said(OUR_HELLO)
    call = pending(peer, 1, 2)
    peer.begin(call, 1, 1.0)
    call.time_out(6.0)
    assert isinstance(call.error, CallTimeoutError)
    peer.receive({"id": 1, "result": 3}, 7.0)
    assert call.value is None
    assert peer.numbered == {}


def test_a_lost_connection_ends_all_that_was_sent_over_it() -> None:
    peer = peer_that_said(OUR_HELLO)
    calls = [pending(peer), pending(peer)]
    for number, call in enumerate(calls):
        peer.begin(call, number, 1.0)
    peer.give_up("connection lost", 2.0)
    assert all(isinstance(call.error, PeerLostError) for call in calls)
    assert (peer.state, peer.is_ours, peer.numbered) == (ConnectionState.IDLE, False, {})


def test_the_generation_grows_with_each_new_instance_only() -> None:
    peer = peer_that_said(OUR_HELLO)
    for instance, generation in (("one", 1), ("two", 2), ("two", 2)):
        peer.give_up("connection lost", 2.0)
        peer.begin_connection(b"next", 3.0)
        peer.welcome({**OUR_HELLO, "instance": instance}, 3.1)
        assert peer.generation == generation


def test_a_hello_for_the_same_object_needs_no_second_question() -> None:
    peer = new_peer()
    peer.begin_connection(b"rid", 0.0)
    described = PendingCall(peer, Hello("bank", "me"), 0.0, 1.0)
    peer.waiting.append(described)
    peer.welcome(OUR_HELLO, 0.1)
    assert list(described.value.methods) == ["add"]


def test_another_interface_is_told_once_and_stays_known() -> None:
    TOLD.clear()
    peer = peer_that_said(OUR_HELLO)
    other = {**OUR_HELLO, "instance": "two", "methods": [{"name": "subtract"}]}
    for hello in (OUR_HELLO, other, other):
        call = PendingCall(peer, Hello("bank", "me"), 0.0, 1.0)
        assert peer.begin(call, 1, 0.5) == Hello("bank", "me").original()
        peer.receive(hello, 0.6)
        assert call.done
    ((told_of, text),) = TOLD
    assert told_of is peer
    assert text.startswith("bank at tcp://host:1 has another interface now; ")
    assert "subtract" in text


def test_a_hello_that_is_no_description_is_an_error() -> None:
    peer = peer_that_said(OUR_HELLO)
    call = PendingCall(peer, Hello("nobody", "me"), 0.0, 1.0)
    peer.begin(call, 1, 0.5)
    peer.receive({"EXCEPTION": ["KeyError", "'nobody'", []]}, 0.6)
    assert call.error is not None


@pytest.mark.parametrize(
    ("text", "error"),
    [("'bank'", NoSuchInterfaceError), ("u'add'", NoSuchMethodError), ("'key'", RemoteError)],
)
def test_a_key_error_of_the_originals_server_itself_says_what_is_missing(
    text: str, error: type[RemoteError]
) -> None:
    peer = peer_that_said(OLD_HELLO)
    call = pending(peer)
    peer.begin(call, 1, 1.0)
    peer.receive({"EXCEPTION": ["KeyError", text, ["line 1"]]}, 2.0)
    assert type(call.error) is error


@pytest.mark.parametrize(
    ("what", "text"),
    [
        (BatchOfCalls("bank", [("add", (1, 2), {})], 5.0), "takes no batch"),
        (Call("bank", "count", (), None, 5.0, "me"), "cannot begin an operation"),
        (Call("rpc", "operations", (), None, 5.0), "has no operations"),
        (Call("rpc", "ping", (), None, 5.0), "knows no rpc.ping"),
    ],
)
def test_a_server_of_the_original_is_not_asked_what_it_cannot_know(
    what: Call | BatchOfCalls, text: str
) -> None:
    peer = peer_that_said(OLD_HELLO)
    call = PendingCall(peer, what, 1.0, 6.0)
    assert peer.begin(call, 1, 1.0) is None
    assert text in str(call.error)


def test_what_is_over_the_limit_of_the_server_is_not_sent() -> None:
    peer = peer_that_said({**OUR_HELLO, "max_message_bytes": 300})
    call = pending(peer, "x" * 300)
    assert peer.begin(call, 1, 1.0) is None
    assert isinstance(call.error, TooLargeError)


def batch_at(peer: Peer, count: int = 3) -> tuple[PendingCall, BatchOfCalls]:
    what = BatchOfCalls("bank", [("add", (n, 1), {}) for n in range(count)], 5.0)
    call = PendingCall(peer, what, 1.0, 6.0)
    assert peer.begin(call, 10, 1.0) is not None
    return call, what


def test_the_results_of_a_batch_are_put_where_their_calls_are() -> None:
    peer = peer_that_said(OUR_HELLO)
    call, _ = batch_at(peer)
    peer.receive([{"id": n, "result": n} for n in (10, 11, 12)], 2.0)
    assert [result.value for result in call.results()] == [10, 11, 12]
    call, _ = batch_at(peer)
    error = {"code": -32001, "data": {"type": "RefusedError", "text": "no"}}
    peer.receive(
        [{"id": 12, "result": 3}, {"id": 10, "error": error}, {"id": 99, "result": 0}, "?"], 2.0
    )
    first, second, third = call.results()
    assert isinstance(first.error, RefusedError)
    assert "one has no answer" in str(second.error)
    assert (third.value, third.delay_s) == (3, 1.0)
    assert peer.numbered == {}


def test_a_batch_that_is_refused_as_a_whole_fails_all_its_calls() -> None:
    peer = peer_that_said(OUR_HELLO)
    call, _ = batch_at(peer)
    peer.receive({"id": 10, "error": {"code": -32002, "data": {"text": "busy"}}}, 2.0)
    assert [type(result.error) for result in call.results()] == [BusyError] * 3
    assert peer.numbered == {}


def test_a_batch_that_is_answered_by_one_result_has_the_others_missing() -> None:
    peer = peer_that_said(OUR_HELLO)
    call, _ = batch_at(peer)
    peer.receive({"id": 10, "result": 5}, 2.0)
    assert [result.error is None for result in call.results()] == [True, False, False]


def test_a_call_that_has_ended_stays_as_it_is_and_tells_once() -> None:
    peer, told = peer_that_said(OUR_HELLO), []
    call = pending(peer)
    call.on_end = lambda: told.append(call.error)
    call.cancel("cancelled by its caller", 2.0)
    call.lose("connection lost", 3.0)
    call.end(5, None, 3.0)
    assert (call.value, call.ended, len(told)) == (None, 2.0, 1)
    assert "bank.add: cancelled by its caller" in str(call.error)


def test_a_call_times_out_as_lost_while_there_is_no_connection() -> None:
    peer = new_peer()
    peer.begin_connection(b"rid", 0.0)
    first, second = pending(peer), pending(peer)
    first.time_out(6.0)
    peer.connected = True
    second.time_out(6.0)
    assert isinstance(first.error, PeerLostError)
    assert isinstance(second.error, CallTimeoutError)


def test_arguments_are_encoded_once_where_anybodys_code_does_it() -> None:
    class Value:
        count = 0

        def tolist(self) -> list[int]:
            self.count += 1
            return [1]

    value, bad = Value(), pending(new_peer(), object())
    call = PendingCall(new_peer(), Call("bank", "add", (1,), {"b": value}, 5.0), 1.0, 6.0)
    batch = PendingCall(new_peer(), BatchOfCalls("bank", [("add", (value,), {})], 5.0), 1.0, 6.0)
    for each in (call, call, batch, bad):
        each.settle(1.0)
    assert value.count == 2
    assert isinstance(bad.error, ProtocolError)

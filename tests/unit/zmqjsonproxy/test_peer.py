"""A server as its callers see it: what is sent when, what ends which call."""

from __future__ import annotations

import json
from typing import Any

import pytest

from zmqjsonproxy.errors import (
    CallTimeoutError,
    PeerLostError,
    ProtocolError,
    RefusedError,
    RemoteError,
)
from zmqjsonproxy.rpc.peer import Call, Hello, Peer, Pending, State

OUR_HELLO: dict[str, Any] = {
    "dealer": 1,
    "instance": "one",
    "objects": ["bank"],
    "methods": [{"name": "add"}],
}
OLD_HELLO: list[Any] = [["add", None]]


def peer_that_said(hello: object) -> Peer:
    peer = Peer("tcp://host:1")
    peer.begin_connection(b"rid", "bank", 0.0)
    peer.welcome(hello, 0.1)
    return peer


def pending(peer: Peer, *args: object, timeout: float = 5.0) -> Pending:
    return Pending(peer, Call("bank", "add", args, None, timeout), 1.0, 1.0 + timeout)


def test_a_server_of_ours_gets_numbered_calls_without_an_empty_frame() -> None:
    peer = peer_that_said(OUR_HELLO)
    assert peer.state is State.READY
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
    peer.give_up("connection lost", 2.0, 0.05, 1.0)
    assert all(isinstance(call.error, PeerLostError) for call in calls)
    assert (peer.state, peer.is_ours, peer.numbered) == (State.IDLE, False, {})


def test_the_generation_grows_with_each_new_instance_only() -> None:
    peer = peer_that_said(OUR_HELLO)
    for instance, generation in (("one", 1), ("two", 2), ("two", 2)):
        peer.give_up("connection lost", 2.0, 0.05, 1.0)
        peer.begin_connection(b"next", "bank", 3.0)
        peer.welcome({**OUR_HELLO, "instance": instance}, 3.1)
        assert peer.generation == generation


def test_a_hello_for_the_same_object_needs_no_second_question() -> None:
    peer = Peer("tcp://host:1")
    peer.begin_connection(b"rid", "bank", 0.0)
    described = Pending(peer, Hello("bank", "me"), 0.0, 1.0)
    peer.waiting.append(described)
    peer.welcome(OUR_HELLO, 0.1)
    assert list(described.value.methods) == ["add"]

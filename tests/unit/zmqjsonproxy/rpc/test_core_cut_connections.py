"""Client core and calls whose connection was cut: sent again once, to servers that know calls."""

from __future__ import annotations

import json

import pytest
from support.clientcore import OLD, OURS, URL, Wire, answer

from zmqjsonproxy.errors import (
    PeerLostError,
)
from zmqjsonproxy.protocol.transitions import Transition
from zmqjsonproxy.rpc.calls import BatchOfCalls, Call
from zmqjsonproxy.rpc.peer import PendingCall


@pytest.fixture
def wire() -> Wire:
    return Wire()


KNOWING = json.dumps({**json.loads(OURS), "once": True}).encode()


def begun_again(wire: Wire, hello: bytes = KNOWING, at: float = 1.1) -> PendingCall:
    """A call that was sent to a server which knows calls, whose connection was cut, and made
    anew."""
    wire.ready(KNOWING)
    call = wire.ask()
    wire.carry_out()
    wire.core.socket_event(URL, Transition.LOST, 1.05)
    wire.carry_out()
    wire.core.socket_event(URL, Transition.CONNECTED, 1.06)
    wire.core.receive(wire.core.peer(URL), hello, at)
    wire.carry_out()
    return call


def test_a_call_whose_connection_was_cut_is_sent_again_under_its_number_and_instance(
    wire: Wire,
) -> None:
    call = begun_again(wire)
    first, again = (json.loads(sent) for sent in wire.sent if b'"method"' in sent)
    assert first["id"] == again["id"]
    assert again["dealer"].pop("instance") == "one"
    assert first == again
    assert not call.done
    wire.core.receive(wire.core.peer(URL), answer(first["id"]), 1.2)
    assert call.value == 5


def test_a_call_is_not_sent_to_the_next_run_of_a_server(wire: Wire) -> None:
    call = begun_again(wire, json.dumps({**json.loads(KNOWING), "instance": "two"}).encode())
    assert isinstance(call.error, PeerLostError)
    assert "connection lost" in str(call.error)
    assert call.error.call_id == f"{b'8 bytes.'.hex()}-{call.number}"
    assert sum(b'"method"' in sent for sent in wire.sent) == 1


def test_a_call_is_sent_again_once_only(wire: Wire) -> None:
    call = begun_again(wire)
    wire.core.socket_event(URL, Transition.LOST, 1.3)
    assert isinstance(call.error, PeerLostError)


@pytest.mark.parametrize("hello", [OURS, OLD])
def test_a_call_is_not_sent_again_to_a_server_that_does_not_know_calls(
    wire: Wire, hello: bytes
) -> None:
    wire.ready(hello)
    call = wire.ask()
    wire.carry_out()
    wire.core.socket_event(URL, Transition.LOST, 1.05)
    assert isinstance(call.error, PeerLostError)


def test_a_server_that_is_lost_is_told_of_in_time_and_as_lost(wire: Wire) -> None:
    wire.ready(KNOWING)
    refused, silent = wire.ask(), wire.ask(what=Call("bank", "add", (1, 1), None, 5.0))
    wire.carry_out()
    wire.core.socket_event(URL, Transition.LOST, 1.05)
    wire.core.tick(1.2)
    assert not silent.done
    wire.core.tick(1.4)
    assert silent.done
    assert "connection lost" in str(refused.error)


def test_a_batch_is_not_sent_again(wire: Wire) -> None:
    wire.ready(KNOWING)
    call = wire.ask(what=BatchOfCalls("bank", [("add", (2, 3), {})], 5.0))
    wire.carry_out()
    wire.core.socket_event(URL, Transition.LOST, 1.05)
    assert isinstance(call.error, PeerLostError)

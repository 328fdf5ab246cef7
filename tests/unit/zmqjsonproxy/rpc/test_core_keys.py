"""Client core and connections with keys: handshakes that fail, judged; keys that are revoked."""

from __future__ import annotations

import json

import pytest
from support.clientcore import OURS, URL, Wire

from zmqjsonproxy.errors import (
    KeysNeededError,
    NoKeysThereError,
    PeerLostError,
    RevokedKeyError,
    UnknownKeyError,
    VersionMismatchError,
    WrongServerKeyError,
)
from zmqjsonproxy.protocol.transitions import Transition
from zmqjsonproxy.rpc.calls import Call
from zmqjsonproxy.rpc.core import Do
from zmqjsonproxy.rpc.peer import ConnectionState, PendingCall
from zmqjsonproxy.rpc.protocol.handshakes import Mechanism


@pytest.fixture
def wire() -> Wire:
    return Wire()


def keyed(wire: Wire) -> PendingCall:
    """A call over a connection that keys were brought to, which is being made."""
    call = wire.ask()
    call.peer.public = "public"
    wire.carry_out()
    return call


def test_a_key_that_is_not_known_is_an_error_of_its_own() -> None:
    wire = Wire()
    call = keyed(wire)
    wire.core.socket_event(URL, Transition.KEY_UNKNOWN, 1.1)
    assert isinstance(call.error, UnknownKeyError)
    again = wire.ask(now=1.11)  # within the pause
    assert isinstance(again.error, UnknownKeyError)


@pytest.mark.parametrize("transition", [Transition.LOST, Transition.HANDSHAKE_FAILED])
@pytest.mark.parametrize(
    ("mechanism", "error"),
    [
        (Mechanism.CURVE, WrongServerKeyError),
        (Mechanism.NONE, NoKeysThereError),
        (Mechanism.UNKNOWN, PeerLostError),
    ],
)
def test_a_handshake_with_keys_that_failed_is_judged_by_the_greeting(
    transition: Transition, mechanism: Mechanism, error: type[Exception]
) -> None:
    wire = Wire()
    call = keyed(wire)
    wire.core.socket_event(URL, transition, 1.1)
    assert wire.carry_out() == [(Do.DISCONNECT, URL), (Do.PROBE, URL)]
    wire.core.socket_event(URL, Transition.LOST, 1.1)  # the end of that connection
    assert not call.done
    wire.core.probed(call.peer, mechanism, 1.2)
    assert type(call.error) is error


def test_a_handshake_without_keys_is_judged_after_the_socket_for_old_servers_has_failed_too() -> (
    None
):
    wire = Wire()
    call = wire.ask()
    wire.carry_out()
    wire.core.socket_event(URL, Transition.HANDSHAKE_FAILED, 1.1)
    assert wire.carry_out() == [(Do.DISCONNECT, URL), (Do.BRIDGE, URL), (Do.SEND, URL)]
    wire.core.peer_event(call.peer, Transition.HANDSHAKE_FAILED, 1.2)
    assert wire.carry_out() == [(Do.DISCONNECT, URL), (Do.PROBE, URL)]
    wire.core.probed(call.peer, Mechanism.CURVE, 1.3)
    assert isinstance(call.error, KeysNeededError)
    assert not call.peer.is_keyed


@pytest.mark.parametrize(("public", "error"), [("public", NoKeysThereError), ("", KeysNeededError)])
def test_a_socket_that_tells_of_another_mechanism_needs_no_greeting(
    public: str, error: type[Exception]
) -> None:
    wire = Wire()
    call = wire.ask()
    call.peer.public = public
    wire.carry_out()
    wire.core.socket_event(URL, Transition.OTHER_MECHANISM, 1.1)
    assert type(call.error) is error


def test_a_server_that_speaks_only_later_versions_is_told_and_left() -> None:
    wire = Wire()
    call = wire.ask()
    wire.carry_out()
    wire.core.socket_event(URL, Transition.CONNECTED, 1.1)
    wire.core.receive(call.peer, OURS[:-1] + b', "oldest": 2}', 1.2)
    assert isinstance(call.error, VersionMismatchError)
    assert call.peer.state is ConnectionState.IDLE


def test_after_a_key_was_revoked_the_next_call_has_a_new_connection() -> None:
    wire = Wire()
    call = wire.ask()
    wire.carry_out()
    wire.core.socket_event(URL, Transition.CONNECTED, 1.1)
    wire.core.receive(call.peer, OURS, 1.2)
    wire.carry_out()
    error = {"code": -32007, "data": {"type": "RevokedKeyError", "text": "it was revoked"}}
    reply = {"jsonrpc": "2.0", "id": call.number, "error": error}
    wire.core.receive(call.peer, json.dumps(reply).encode(), 1.3)
    assert isinstance(call.error, RevokedKeyError)
    wire.ask(now=1.4)
    assert wire.carry_out() == [(Do.DISCONNECT, URL), (Do.CONNECT, URL), (Do.SEND, URL)]


def test_revoked_key_of_a_person_leaves_the_connection_of_the_page_as_it_is(wire: Wire) -> None:
    peer = wire.ready()
    call = wire.ask(what=Call("bank", "add", (2, 3), None, 5.0, token="of Ben"))
    wire.carry_out()
    error = {"code": -32007, "data": {"type": "RevokedKeyError", "text": "it was revoked"}}
    reply = {"jsonrpc": "2.0", "id": call.number, "error": error}
    wire.core.receive(peer, json.dumps(reply).encode(), 1.3)
    assert isinstance(call.error, RevokedKeyError)
    wire.ask(now=1.4)
    assert wire.carry_out() == [(Do.SEND, URL)]


def test_what_was_being_probed_when_it_was_interrupted_is_tried_again() -> None:
    wire = Wire()
    call = keyed(wire)
    wire.core.socket_event(URL, Transition.HANDSHAKE_FAILED, 1.1)
    wire.carry_out()
    wire.core.mend(1.2)
    assert isinstance(call.error, PeerLostError)
    wire.core.probed(call.peer, Mechanism.CURVE, 1.3)  # too late
    wire.carry_out()
    wire.ask(now=1.4)
    assert wire.carry_out() == [(Do.CONNECT, URL), (Do.SEND, URL)]

"""Client core, fed with events: what it wants done, in which order, and what ends which call."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.clientcore import OLD, OURS, URL, Wire, answer

from zmqjsonproxy.errors import (
    CallCancelledError,
    CallTimeoutError,
    PeerLostError,
    ProtocolError,
)
from zmqjsonproxy.protocol.transitions import Transition
from zmqjsonproxy.rpc.calls import BatchOfCalls, Call, Hello, Question
from zmqjsonproxy.rpc.core import Do
from zmqjsonproxy.rpc.peer import ConnectionState, PendingCall


@pytest.fixture
def wire() -> Wire:
    return Wire()


def test_the_first_call_connects_and_is_sent_when_the_hello_is_answered(wire: Wire) -> None:
    call = wire.ask()
    peer = wire.core.peer(URL)
    assert wire.carry_out() == [(Do.CONNECT, URL), (Do.SEND, URL)]
    assert json.loads(wire.sent[0])["name"] == "bank"
    assert wire.core.by_rid[peer.rid] is peer
    wire.core.receive(peer, OURS, 1.1)
    assert wire.carry_out() == [(Do.SEND, URL)]
    wire.core.receive(peer, answer(wire.number()), 1.2)
    assert (call.value, call.error, call.ended) == (5, None, 1.2)


def test_calls_to_an_old_server_go_one_at_a_time_over_a_socket_of_its_own(wire: Wire) -> None:
    first, second = wire.ask(), wire.ask()
    peer = wire.core.peer(URL)
    wire.carry_out()
    wire.core.socket_event(URL, Transition.LOST, 1.1)  # of the handshake
    assert wire.carry_out() == [(Do.DISCONNECT, URL), (Do.BRIDGE, URL), (Do.SEND, URL)]
    assert peer.is_bridged
    wire.core.socket_event(URL, Transition.LOST, 1.1)  # of the shared socket, which is over
    wire.core.peer_event(peer, Transition.CONNECTED, 1.1)
    assert peer.connected
    for call in (first, second):
        wire.core.receive(peer, OLD if call is first else b"5", 1.2)
        assert wire.carry_out() == [(Do.SEND, URL)]
    wire.core.receive(peer, b"5", 1.3)
    assert (first.value, second.value) == (5, 5)


@pytest.mark.parametrize(
    ("transition", "reason"), [(Transition.REFUSED, "refused"), (Transition.LOST, "lost")]
)
def test_a_server_that_is_not_there_fails_its_calls_and_others_within_the_pause(
    wire: Wire, transition: Transition, reason: str
) -> None:
    call, peer = wire.ask(), wire.core.peer(URL)
    wire.carry_out()
    if transition is Transition.LOST:
        peer.connected = True
    wire.core.socket_event(URL, transition, 1.1)
    assert wire.carry_out() == [(Do.DISCONNECT, URL)]
    assert isinstance(call.error, PeerLostError)
    assert reason in str(call.error)
    again = wire.ask(now=1.101)
    assert isinstance(again.error, PeerLostError)
    assert not wire.core.actions
    assert not wire.ask(now=1.2).done
    assert wire.carry_out() == [(Do.CONNECT, URL), (Do.SEND, URL)]


def test_pauses_grow_up_to_a_limit_and_differ_between_clients() -> None:
    pauses = []
    for token in (b"8 bytes.", b"another."):
        wire = Wire()
        wire.core.open("me", token)
        peer, now = wire.core.peer(URL), 1.0
        for _ in range(8):
            wire.ask(now=now)
            wire.core.drop(peer, "no server", now)
            pauses.append(peer.retry_at - now)
            now = peer.retry_at
    ours, others = pauses[:8], pauses[8:]
    limits = [min(0.05 * 2**n, 1.0) for n in range(8)]
    assert all(limit / 2 <= pause <= limit for limit, pause in zip(limits, ours, strict=True))
    assert all(a != b for a, b in zip(ours, others, strict=True))


def test_a_server_that_was_there_is_connected_to_again_at_once(wire: Wire) -> None:
    peer = wire.ready()
    call = wire.ask()
    wire.carry_out()
    wire.core.socket_event(URL, Transition.LOST, 2.0)
    assert isinstance(call.error, PeerLostError)
    assert not wire.ask(now=2.0).done
    assert wire.carry_out() == [(Do.DISCONNECT, URL), (Do.CONNECT, URL), (Do.SEND, URL)]
    assert peer.numbered == {}


def test_what_could_not_be_sent_waits_for_the_next_connection(wire: Wire) -> None:
    wire.ready()
    calls = [wire.ask(), wire.ask()]
    do, peer, _, call = wire.core.actions.popleft()
    assert do is Do.SEND
    assert call is calls[0]
    wire.core.unsent(call, 1.0)
    assert wire.carry_out() == [(Do.DISCONNECT, URL), (Do.CONNECT, URL), (Do.SEND, URL)]
    assert list(peer.waiting) == calls
    assert not any(each.done for each in calls)


def test_a_message_that_cannot_be_read_ends_the_connection(wire: Wire) -> None:
    peer, call = wire.ready(), wire.ask()
    wire.carry_out()
    wire.core.receive(peer, b"{", 2.0)
    assert wire.carry_out() == [(Do.DISCONNECT, URL)]
    assert "what cannot be read" in str(call.error)


def test_what_ran_out_of_time_is_withdrawn_and_its_answer_dropped(wire: Wire) -> None:
    peer, call = wire.ready(), wire.ask(timeout=0.5)
    wire.carry_out()
    number = wire.number()
    call.time_out(1.5)
    wire.core.submit(call, 1.5)
    wire.carry_out()
    assert json.loads(wire.sent[-1])["params"] == {"id": number, "only_waiting": True}
    assert wire.core.withdrew_at == 1.5
    wire.core.receive(peer, answer(number), 1.6)
    assert isinstance(call.error, CallTimeoutError)
    assert wire.ask(now=2.0, timeout=0.0).done


def test_a_call_that_is_cancelled_ends_an_operation(wire: Wire) -> None:
    wire.ready()
    call = wire.ask()
    wire.carry_out()
    call.ends_operation = True
    call.cancel("cancelled by its caller", 1.5)
    wire.core.submit(call, 1.5)
    wire.carry_out()
    assert "only_waiting" not in json.loads(wire.sent[-1])["params"]
    assert isinstance(call.error, CallCancelledError)


def test_an_old_server_that_works_on_what_nobody_waits_for_is_connected_to_anew(wire: Wire) -> None:
    peer = wire.ready(OLD)
    for give_up in ("by the next call", "in time"):
        call = wire.ask()
        assert wire.carry_out() == [(Do.SEND, URL)]
        call.time_out(6.0)
        wire.core.submit(call, 6.0)
        assert not wire.core.actions  # it understands no withdrawal
        if give_up == "in time":
            wire.core.tick(6.0)
            assert wire.carry_out() == [(Do.DISCONNECT, URL)]
        else:
            wire.ask(now=6.0)
            assert wire.carry_out()[0] == (Do.DISCONNECT, URL)
            wire.core.receive(peer, OLD, 6.1)
            wire.carry_out()
            wire.core.receive(peer, b"5", 6.1)


def test_a_connection_that_is_not_made_in_time_is_given_up(wire: Wire) -> None:
    call = wire.ask()
    wire.carry_out()
    wire.core.tick(1.5)
    assert wire.core.looked_at == 1.5
    assert not wire.core.actions
    wire.core.tick(1.9)
    assert wire.carry_out() == [(Do.DISCONNECT, URL)]
    assert "no connection within 0.8 s" in str(call.error)


def test_a_connection_that_nobody_looked_at_has_its_time_again(wire: Wire) -> None:
    call = wire.ask()
    wire.carry_out()
    wire.core.tick(9.0)  # the process was frozen; ZeroMQ's thread may not have run yet
    wire.core.tick(9.4)
    assert not wire.core.actions
    wire.core.socket_event(URL, Transition.CONNECTED, 9.5)
    wire.core.tick(11.0)
    assert not call.done


def test_a_name_is_tried_by_addresses_of_both_kinds(wire: Wire) -> None:
    url = "tcp://hpc1:1"
    call, peer = wire.ask(url), wire.core.peer(url)
    wire.carry_out()
    wire.core.tick(1.5)
    assert wire.carry_out() == [(Do.DISCONNECT, url), (Do.CONNECT, url), (Do.SEND, url)]
    assert (peer.by_ipv6, peer.since, call.done) == (True, 1.0, False)
    wire.core.tick(1.6)
    wire.core.socket_event(url, Transition.REFUSED, 1.7)
    assert wire.carry_out() == [(Do.DISCONNECT, url)]
    assert call.done


def test_a_name_of_a_service_is_looked_for_before_each_connection() -> None:
    wire = Wire(named=("service",))
    name = "service:BANKA@hpc1"
    name = "service://BANKA@hpc1"
    call, peer = wire.ask(name), wire.core.peer(name)
    assert not wire.ask(name).done
    assert wire.carry_out() == [(Do.RESOLVE, name)]
    wire.core.tick(1.5)
    wire.core.resolved(peer, URL, 2.0)
    wire.core.resolved(peer, "tcp://127.0.0.1:2", 2.0)  # too late
    assert wire.carry_out() == [(Do.CONNECT, URL), (Do.SEND, name)]
    wire.core.receive(peer, OURS, 2.1)
    wire.core.drop(peer, "connection lost", 2.2)
    assert call.done
    wire.carry_out()
    wire.ask(name, now=3.0)
    wire.core.drop(peer, "there is no such service", 3.1)
    assert wire.carry_out() == []
    assert "there is no such service" in str(wire.calls[-1].error)


def test_an_address_that_was_found_for_a_call_is_taken() -> None:
    wire = Wire(named=("service",))
    peer = wire.core.peer("service://BANKA@hpc1")
    call = PendingCall(peer, Call("bank", "add", (), None, 5.0), 1.0, 6.0)
    call.address = "tcp://127.0.0.1:2"
    wire.core.submit(call, 1.0)
    assert wire.carry_out()[0] == (Do.CONNECT, "tcp://127.0.0.1:2")
    wire.core.drop(peer, "moved", 2.0)
    peer.retry_at = 0.0
    wire.carry_out()
    wire.ask(peer.url, now=3.0)
    assert wire.carry_out() == [(Do.RESOLVE, peer.url)]
    wire.core.resolved(peer, URL, 3.0)
    assert wire.carry_out()[0] == (Do.CONNECT, URL)


def test_two_names_of_one_server_are_told_apart() -> None:
    wire = Wire(named=("service",))
    wire.ready()
    call = wire.ask("service://BANKA@hpc1")
    wire.carry_out()
    wire.core.resolved(call.peer, URL, 1.0)
    assert wire.carry_out() == []
    assert "two names of one server?" in str(call.error)


def test_arguments_that_cannot_travel_connect_to_nobody(wire: Wire) -> None:
    call = wire.ask(what=Call("bank", "add", (object(),), None, 5.0))
    assert isinstance(call.error, ProtocolError)
    assert not wire.core.actions


def test_after_an_interruption_what_was_being_connected_is_connected_anew() -> None:
    wire = Wire(named=("service",))
    wire.ready(url="tcp://127.0.0.1:3")
    call, named = wire.ask(), wire.ask("service://BANKA@hpc1")
    do, *_ = wire.core.actions.popleft()
    assert do is Do.CONNECT  # and the hello was never sent
    wire.core.mend(1.1)
    assert wire.carry_out() == [(Do.DISCONNECT, URL), (Do.CONNECT, URL), (Do.SEND, URL)]
    assert not call.done
    assert "interrupted while its address" in str(named.error)
    assert not wire.ask("service://BANKA@hpc1", now=1.1).done


def test_closing_withdraws_what_is_open(wire: Wire) -> None:
    wire.ready()
    wire.ask()
    wire.carry_out()
    number = wire.number()
    wire.core.withdraw_all(2.0)
    wire.carry_out()
    assert json.loads(wire.sent[-1])["params"]["id"] == number


def test_a_child_of_the_process_forgets_all_connections_without_a_word(wire: Wire) -> None:
    peer, call = wire.ready(), wire.ask()
    wire.core.forget_all("the process was forked", 2.0)
    assert not wire.core.actions
    assert wire.core.by_rid == {}
    assert isinstance(call.error, PeerLostError)
    wire.core.open("child", b"childs..")
    assert not wire.ask(now=2.0).done
    assert wire.carry_out() == [(Do.CONNECT, URL), (Do.SEND, URL)]
    assert peer.rid.startswith(b"childs..")


def test_what_has_changed_at_a_server_is_to_be_logged(wire: Wire) -> None:
    peer = wire.ready()
    other = {"dealer": 1, "instance": "two", "methods": [{"name": "stop"}]}
    wire.ask(what=Hello("bank", "me"))
    wire.carry_out()
    wire.core.receive(peer, json.dumps(other).encode(), 2.0)
    wire.core.drop(peer, "connection lost", 2.0)
    (logged, text), last = wire.carry_out()
    assert logged is Do.LOG
    assert "another interface" in text
    assert last == (Do.DISCONNECT, URL)


def test_events_of_strangers_and_of_what_is_over_change_nothing(wire: Wire) -> None:
    peer = wire.ready()
    wire.core.drop(peer, "lost", 2.0)
    wire.carry_out()
    wire.core.socket_event(URL, Transition.LOST, 2.0)
    wire.core.socket_event("tcp://127.0.0.1:9", Transition.LOST, 2.0)
    wire.core.drop(peer, "lost again", 2.0)
    assert peer.reason == "lost"
    assert not wire.core.actions
    assert wire.core.is_settled


EVENTS = st.sampled_from(
    [
        "call",
        "batch",
        "hello",
        "answer",
        "error",
        "garbage",
        "late",
        "connected",
        "refused",
        "lost",
        "tick",
        "unsent",
        "cancel",
        "mend",
        "old",
        "pass",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(EVENTS, st.integers(0, 1), st.floats(0.0, 1.0)), max_size=40))
def test_whatever_happens_every_call_ends_once_and_no_connection_is_left(
    events: list[tuple[str, int, float]],
) -> None:
    wire, now, ends = Wire(), 1.0, dict.fromkeys(range(0), 0)
    urls = (URL, "tcp://hpc1:2")
    made = 0
    for event, which, passed in events:
        now += passed if event in ("pass", "tick") else 0.0
        url, core = urls[which], wire.core
        peer, calls = core.peer(url), [c for c in wire.calls if c.peer.url == url and not c.done]
        if event in ("call", "batch", "hello"):
            what: Question = {
                "call": Call("bank", "add", (2, 3), None, 1.0),
                "batch": BatchOfCalls("bank", [("add", (2, 3), {})] * 2, 1.0),
                "hello": Hello("bank", "me"),
            }[event]
            call = PendingCall(peer, what, now, now + 1.0)
            identity, made = made, made + 1
            ends[identity] = 0

            def on_end(identity: int = identity) -> None:
                ends[identity] += 1

            call.on_end = on_end
            wire.calls.append(call)
            core.submit(call, now)
        elif event == "answer" and peer.state is ConnectionState.CONNECTING:
            core.receive(peer, OURS, now)
        elif event == "old" and peer.state is ConnectionState.CONNECTING:
            core.receive(peer, OLD, now)
        elif event in ("answer", "error", "late") and peer.state is ConnectionState.READY:
            number = min(peer.numbered, default=1) if event != "late" else 1
            body = answer(number)
            if event == "error":
                body = json.dumps({"id": number, "error": {"code": -32001}}).encode()
            core.receive(peer, body if peer.native else b"5", now)
        elif event == "garbage" and peer.state is not ConnectionState.IDLE:
            core.receive(peer, b"\xff", now)
        elif event in ("connected", "refused", "lost"):
            core.socket_event(url, Transition[event.upper()], now)
        elif event == "tick":
            core.tick(now)
            for late in (c for c in wire.calls if not c.done and now >= c.deadline):
                late.time_out(now)
                core.submit(late, now)
        elif event == "unsent" and calls:
            core.submit(PendingCall(peer, calls[0].what, now, now + 1.0), now)
            sends = [a for a in core.actions if a[0] is Do.SEND and a[3] is not None]
            if sends and sends[0][3] is not None:
                core.actions.remove(sends[0])
                core.unsent(sends[0][3], now)
        elif event == "cancel" and calls:
            calls[0].cancel("cancelled", now)
            core.submit(calls[0], now)
        elif event == "mend":
            core.mend(now)
        wire.carry_out()
        for each in core.peers.values():
            assert (each.state is ConnectionState.IDLE) == (each.rid == b"" and not each.is_bridged)
            assert (each.state is ConnectionState.READY) or not each.numbered
            assert all(core.by_rid[rid].rid == rid for rid in core.by_rid)
    for peer in wire.core.peers.values():
        wire.core.drop(peer, "the end", now)
    assert all(call.done for call in wire.calls)
    assert set(ends.values()) <= {1}
    wire.carry_out()
    kept = [do for do, _ in wire.done]
    made_connections = kept.count(Do.CONNECT) + kept.count(Do.BRIDGE)
    assert kept.count(Do.DISCONNECT) == made_connections
    assert wire.core.by_rid == {}

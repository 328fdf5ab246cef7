"""Servers with keys, and clients that are let in and mean harm: nobody speaks for another, no
connection outlives its key, and what was refused is recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import zmq
from support.dealers import eventually
from support.keyring import ClientRing, ServerRing
from support.rpc_bank import Bank, serving

from zmqjsonproxy import command
from zmqjsonproxy.caller import current_caller
from zmqjsonproxy.channels import published
from zmqjsonproxy.engine.callrecords import CallOutcome, CallRecord
from zmqjsonproxy.rights import Role

WITHIN_MS = 60_000
HELLO = {"name": "bank", "proc": "add", "args": [1, 2], "kwargs": {}, "dealer": {"client": "x"}}


class Station(Bank):
    """Says who calls, and publishes a level."""

    level = published(0)

    @command
    def who(self, password: str = "") -> str:
        return str(current_caller())


@contextmanager
def keyed(url: str, keys: ClientRing, rid: bytes) -> Iterator[zmq.Socket[bytes]]:
    """Connect with keys under a routing id of one's own choice."""
    assert keys.server is not None
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.linger, socket.rcvtimeo = 0, WITHIN_MS
        socket.set(zmq.IDENTITY, rid)
        socket.curve_serverkey = keys.server.encode()
        socket.curve_publickey = keys.pair.public.encode()
        socket.curve_secretkey = keys.pair.secret.encode()
        socket.connect(url)
        yield socket


def rpc_body(method: str, *params: Any, number: int = 1, **extra: Any) -> bytes:
    call = {"jsonrpc": "2.0", "id": number, "method": method, "params": params, "dealer": extra}
    return json.dumps(call).encode()


def ask(socket: zmq.Socket[bytes], body: bytes) -> Any:
    socket.send(body)
    return json.loads(socket.recv())


@pytest.fixture
def ring() -> ServerRing:
    return ServerRing()


@pytest.fixture
def station(ring: ServerRing) -> Iterator[tuple[str, Station]]:
    bank = Station()
    with serving(bank=bank, keys=ring.keys()) as (url, _bank):
        yield url, bank


def test_a_frame_too_many_is_not_taken_for_the_routing_id_of_another_client(
    ring: ServerRing, station: tuple[str, Station]
) -> None:
    url, bank = station
    with (
        keyed(url, ring.client("ann", Role.ADMIN), b"ANN") as ann,
        keyed(url, ring.client("ben", Role.OBSERVE), b"BEN") as ben,
    ):
        for socket in (ann, ben):
            assert ask(socket, json.dumps(HELLO).encode()) == 3
        for forged in (rpc_body("bank.add", 600, 66, number=5), rpc_body("bank.write", 1)):
            ben.send_multipart([rpc_body("bank.add", 1, 1), b"ANN", forged])
            assert json.loads(ben.recv())["result"] == 2
        assert ask(ann, rpc_body("bank.add", 2, 2, number=5))["result"] == 4
        assert bank.written == []


def test_frames_that_belong_to_a_body_arrive_with_it(
    ring: ServerRing, station: tuple[str, Station]
) -> None:
    url, _ = station
    with keyed(url, ring.client("ann"), b"ANN") as ann:
        assert ask(ann, json.dumps(HELLO).encode()) == 3
        ann.send_multipart([b"", rpc_body("bank.add", 1, 1)])
        assert [ann.recv(), json.loads(ann.recv())["result"]] == [b"", 2]


def test_a_subscription_is_of_the_key_that_was_heard_last(
    ring: ServerRing, station: tuple[str, Station]
) -> None:
    url, bank = station
    wish = rpc_body("rpc.subscribe", [["bank", "level", {}]])
    with keyed(url, ring.client("ann"), b"ID") as ann:
        assert "result" in ask(ann, wish)
    ben = ring.client("ben", Role.OBSERVE)
    with keyed(url, ben, b"ID") as socket:
        answer = ask(socket, wish)
        assert "result" in answer
        ring.of(ben).is_revoked = True
        assert json.loads(socket.recv())["method"] == "rpc.refused"
        server = bank.server
        assert server is not None
        eventually(lambda: not server.publisher.clients)


def test_a_client_cannot_call_itself_as_one_that_has_a_key(
    ring: ServerRing, station: tuple[str, Station]
) -> None:
    with keyed(station[0], ring.client("ben"), b"BEN") as ben:
        told = ask(ben, rpc_body("bank.who", client="eve@h:1 (key ann)"))["result"]
        assert told == "eve@h:1 ?key ann? (key ben)"


def test_commands_that_a_role_a_token_or_a_revoked_key_refuses_are_recorded(
    ring: ServerRing, station: tuple[str, Station]
) -> None:
    url, bank = station
    records: list[CallRecord] = []
    assert bank.server is not None
    bank.server.engine.on_command = records.append
    cleo, door = ring.client("cleo", Role.OBSERVE, token="T-cleo"), ring.client("door", Role.ADMIN)
    with keyed(url, cleo, b"CLEO") as low, keyed(url, door, b"DOOR") as through:
        refused = [
            ask(low, rpc_body("bank.who", "my word", client="cleo@h:1")),
            ask(low, b"[" + rpc_body("bank.who") + b"]")[0],
            ask(through, rpc_body("bank.who", token="T-cleo")),
            ask(through, rpc_body("bank.who", token="T-nobody")),
        ]
        assert ask(low, rpc_body("bank.add", 1, 1))["result"] == 2
        ring.of(cleo).is_revoked = True
        refused.append(ask(low, rpc_body("bank.who")))
    types = [reply["error"]["data"]["type"] for reply in refused]
    low_role, unknown, revoked = "RoleTooLowError", "UnknownKeyError", "RevokedKeyError"
    assert types == [low_role, low_role, low_role, unknown, revoked]
    assert [record.error for record in records] == types
    assert {record.outcome for record in records} == {CallOutcome.REFUSED}
    who = [(record.caller.key, record.caller.through) for record in records]
    assert who == [("cleo", ""), ("cleo", ""), ("cleo", "door"), ("door", ""), ("cleo", "")]
    assert records[0].args == ["(not shown)"]
    assert all(record.duration_s is None for record in records)


def test_a_revoked_client_has_no_large_message_read(
    ring: ServerRing, station: tuple[str, Station], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    monkeypatch.setattr(
        "zmqjsonproxy.rpc.dispatch.decoded", lambda body, _limits: read.append(len(body))
    )
    ben = ring.client("ben")
    ring.of(ben).is_revoked = True
    with keyed(station[0], ben, b"BEN") as socket:
        socket.send(rpc_body("bank.add", "x" * 100_000, "y"))
        assert json.loads(socket.recv())["error"]["data"]["type"] == "RevokedKeyError"
    assert read == []


def test_who_begins_and_aborts_operations_is_told_with_the_key_that_is_proven(
    ring: ServerRing, station: tuple[str, Station]
) -> None:
    url, bank = station
    with keyed(url, ring.client("ben"), b"BEN") as ben:
        told = ask(ben, rpc_body("bank.set_mode", "MODE1", client="ann@h:1", wait="accepted"))
        identity = told["result"]["operation"]
        assert bank.begun.wait(WITHIN_MS / 1000)
        ask(ben, rpc_body("rpc.abort", identity, client="ann@h:1"))
        eventually(lambda: ask(ben, rpc_body("rpc.operation", identity))["result"]["error"])
        described = ask(ben, rpc_body("rpc.operation", identity))["result"]
    assert described["client"] == "ann@h:1 (key ben)"

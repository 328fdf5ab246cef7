"""Servers with keys on real sockets: who is let in, who is told what, and what holds from when on."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import zmq
from support.both import Waiting
from support.dealers import eventually
from support.keyring import ClientRing, Key, ServerRing, new_pair
from support.original_client import OriginalClient
from support.rpc_bank import Bank, serving

from zmqjsonproxy import AsyncHub, CallRequest, ServerSettings, ThreadHub, command, query
from zmqjsonproxy.caller import Caller, current_caller
from zmqjsonproxy.channels import published
from zmqjsonproxy.channels.updates import EventKind
from zmqjsonproxy.client import ZMQJSONProxyClient
from zmqjsonproxy.errors import (
    AccessError,
    KeysNeededError,
    NoKeysThereError,
    RevokedKeyError,
    RoleTooLowError,
    UnknownKeyError,
    WrongServerKeyError,
)
from zmqjsonproxy.rights import KnownKey, Role

ROOT = Path(__file__).resolve().parents[2]
WITHIN_S = 60.0


class Station(Bank):
    """Says who calls, publishes a level, and has methods for all roles."""

    level = published(0)

    def __init__(self) -> None:
        super().__init__()
        self.callers: list[Caller] = []

    @command
    def who(self) -> str:
        self.callers.append(current_caller())
        return self.callers[-1].key

    @command(role=Role.ADMIN)
    def reboot(self) -> str:
        return "rebooted"

    @query(role=Role.ADMIN)
    def secret(self) -> str:
        return "secret"


Hubs = Callable[[ClientRing | None], Any]


@pytest.fixture(scope="module")
def ring() -> ServerRing:
    return ServerRing()


@pytest.fixture(scope="module")
def station(ring: ServerRing) -> Iterator[tuple[str, Station]]:
    """(URL, Bank) of a server that demands keys."""
    bank = Station()
    with serving(bank=bank, keys=ring.keys()) as (url, _bank):
        yield url, bank


@pytest.fixture(params=["blocking", "asyncio"])
def make_hub(request: pytest.FixtureRequest) -> Iterator[Hubs]:
    with asyncio.Runner() as runner, ExitStack() as stack:

        def one(keys: ClientRing | None) -> Any:
            hub: Any = ThreadHub(keys=keys)
            if request.param == "asyncio":
                hub.close()
                hub = Waiting(runner, AsyncHub(keys=keys))
            stack.callback(lambda: hub.close())
            return hub

        yield one


def call(hub: Any, url: str, method: str, *args: Any) -> Any:
    return hub.call(url, "bank", method, args, {}, WITHIN_S)


def test_a_known_key_calls_and_its_name_is_proven(
    ring: ServerRing, station: tuple[str, Station], make_hub: Hubs
) -> None:
    url, bank = station
    hub = make_hub(ring.client("ann"))
    assert call(hub, url, "add", 1, 2) == 3
    assert call(hub, url, "who") == "ann"
    assert bank.callers[-1].role is Role.OPERATE
    assert [
        r.value for r in hub.call_batch(url, "bank", [("who", (), {}), ("add", (1, 1), {})])
    ] == [
        "ann",
        2,
    ]


REFUSALS: list[tuple[str, Callable[[ServerRing], ClientRing | None], type[AccessError], str]] = [
    ("unknown key", lambda ring: ClientRing(ring.pair.public), UnknownKeyError, "player keys new"),
    ("wrong server", lambda _: ClientRing(new_pair().public), WrongServerKeyError, "keys trust"),
    ("without keys", lambda _: None, KeysNeededError, "dealer keys import"),
    ("no key for it", lambda _: ClientRing(None), KeysNeededError, "dealer keys trust"),
    ("unusable keys", lambda _: ClientRing("too short"), AccessError, "cannot be used"),
]


@pytest.mark.parametrize(
    ("keys", "error", "remedy"), [r[1:] for r in REFUSALS], ids=[r[0] for r in REFUSALS]
)
def test_who_is_not_let_in_is_told_why_at_once_and_again(
    ring: ServerRing,
    station: tuple[str, Station],
    make_hub: Hubs,
    keys: Callable[[ServerRing], ClientRing | None],
    error: type[AccessError],
    remedy: str,
) -> None:
    url, _ = station
    hub = make_hub(keys(ring))
    for _ in range(2):
        with pytest.raises(AccessError, match=remedy) as denied:
            call(hub, url, "add", 1, 2)
        assert type(denied.value) is error
        assert (denied.value.peer, denied.value.method) == (url, "bank.add")
    (result,) = hub.call_many([CallRequest(url, "bank", "add", (1, 2))], WITHIN_S)
    assert type(result.error) is error


def test_a_client_that_knows_a_key_says_nothing_to_a_server_without(make_hub: Hubs) -> None:
    with serving() as (url, bank):
        hub = make_hub(ClientRing(new_pair().public))
        with pytest.raises(NoKeysThereError, match=r"servers\.toml"):
            call(hub, url, "write", 1)
        assert bank.written == []


def test_one_client_calls_servers_with_keys_and_without(
    ring: ServerRing, station: tuple[str, Station], make_hub: Hubs
) -> None:
    keys = ring.client("bob")
    with serving() as (plain, _):
        keys.servers[plain] = None
        hub = make_hub(keys)
        for url in (station[0], plain, station[0]):
            assert call(hub, url, "add", 1, 2) == 3


def test_a_role_that_is_too_low_is_refused_by_each_way_of_asking(
    ring: ServerRing, station: tuple[str, Station], make_hub: Hubs
) -> None:
    url, bank = station
    hub = make_hub(ring.client("cyd", Role.OBSERVE))
    before = list(bank.written)
    assert call(hub, url, "add", 1, 2) == 3
    with pytest.raises(
        RoleTooLowError, match="the role operate is needed, and key 'cyd' has observe"
    ):
        call(hub, url, "write", 1)
    with pytest.raises(RoleTooLowError, match="the role admin is needed"):
        call(hub, url, "secret")
    with pytest.raises(RoleTooLowError):
        call(hub, url, "set_mode", "MODE1")
    results = hub.call_batch(
        url, "bank", [("write", (1,), {}), ("secret", (), {}), ("add", (1, 1), {})]
    )
    assert [type(r.error) for r in results] == [RoleTooLowError, RoleTooLowError, type(None)]
    assert bank.written == before


def test_admin_may_do_what_others_may_not(
    ring: ServerRing, station: tuple[str, Station], make_hub: Hubs
) -> None:
    hub = make_hub(ring.client("root", Role.ADMIN))
    assert call(hub, station[0], "reboot") == "rebooted"
    assert call(hub, station[0], "secret") == "secret"
    with pytest.raises(RoleTooLowError):
        call(make_hub(ring.client("dan")), station[0], "reboot")


def test_a_revoked_key_is_refused_with_the_next_message_of_its_open_connection(
    ring: ServerRing, station: tuple[str, Station], make_hub: Hubs
) -> None:
    url, _ = station
    keys = ring.client("eve")
    hub = make_hub(keys)
    assert call(hub, url, "who") == "eve"
    known = ring.of(keys)
    known.is_revoked = True
    for method in ("add", "who"):
        with pytest.raises(RevokedKeyError, match="the key of eve was revoked"):
            call(hub, url, method, *([1, 2] if method == "add" else []))
    results = hub.call_batch(url, "bank", [("add", (1, 1), {}), ("who", (), {})])
    assert [type(r.error) for r in results] == [RevokedKeyError] * 2
    known.is_revoked = False
    assert call(hub, url, "who") == "eve"


def test_a_new_key_of_a_client_is_used_once_the_old_one_is_refused(
    ring: ServerRing, station: tuple[str, Station], make_hub: Hubs
) -> None:
    keys = ring.client("fay")
    hub = make_hub(keys)
    assert call(hub, station[0], "who") == "fay"
    del ring.known[keys.pair.public]
    keys.pair = new_pair()
    ring.known[keys.pair.public] = Key("fay the second", Role.OPERATE, keys.pair.public)
    with pytest.raises(RevokedKeyError):
        call(hub, station[0], "who")
    assert call(hub, station[0], "who") == "fay the second"


def test_a_server_that_cannot_look_keys_up_says_so_and_lives_on(make_hub: Hubs) -> None:
    ring = ServerRing()
    keys = ring.client("gil")
    broken = False

    class Folder:
        def get(self, public: str) -> KnownKey | None:
            if broken:
                raise OSError("the folder is gone")
            return ring.known.get(public)

    served = ring.keys()
    object.__setattr__(served, "find", Folder().get)
    with serving(keys=served) as (url, _):
        hub = make_hub(keys)
        assert call(hub, url, "add", 1, 2) == 3
        broken = True
        with pytest.raises(AccessError, match="the folder is gone"):
            call(hub, url, "add", 1, 2)
        broken = False
        assert call(hub, url, "add", 1, 2) == 3


def extra_of(client: OriginalClient, method: str, **extra: Any) -> Any:
    return client.rpc(f"bank.{method}", dealer=extra)


def keyed_original(url: str, keys: ClientRing, identity: bytes = b"") -> OriginalClient:
    client = OriginalClient(url)
    client.socket.close()
    client.socket = client._context.socket(zmq.REQ)
    client.socket.linger, client.socket.rcvtimeo = 0, int(1000 * WITHIN_S)
    assert keys.server is not None
    client.socket.curve_serverkey = keys.server.encode()
    client.socket.curve_publickey = keys.pair.public.encode()
    client.socket.curve_secretkey = keys.pair.secret.encode()
    if identity:
        client.socket.identity = identity
    client.socket.connect(url)
    return client


def test_the_role_of_a_token_decides_alone_and_the_person_is_named(
    ring: ServerRing, station: tuple[str, Station]
) -> None:
    url, bank = station
    ring.client("hal", Role.OPERATE, token="T-hal")
    ivy = ring.client("ivy", Role.OBSERVE, token="T-ivy")
    with keyed_original(url, ring.client("dashboard", Role.ADMIN)) as client:
        assert extra_of(client, "who", token="T-hal")["result"] == "hal"
        assert bank.callers[-1] == Caller(
            bank.callers[-1].name, True, "hal", Role.OPERATE, "dashboard"
        )
        for method in ("who", "secret"):
            error = extra_of(client, method, token="T-ivy")["error"]["data"]
            assert error["type"] == "RoleTooLowError"
            assert "key 'ivy' has observe" in error["text"]
        assert extra_of(client, "status", token="T-ivy")["result"]
        ring.of(ivy).is_revoked = True
        assert (
            extra_of(client, "status", token="T-ivy")["error"]["data"]["type"] == "RevokedKeyError"
        )
        assert (
            extra_of(client, "status", token="T-no")["error"]["data"]["type"] == "UnknownKeyError"
        )
        batch = [
            {
                "jsonrpc": "2.0",
                "id": n,
                "method": f"bank.{method}",
                "params": [],
                "dealer": {"token": token},
            }
            for n, (method, token) in enumerate(
                [("status", "T-ivy"), ("who", "T-hal"), ("status", "T-hal"), ("secret", "T-hal")]
            )
        ]
        replies = {reply["id"]: reply for reply in client.raw(json.dumps(batch).encode())}
        assert replies[0]["error"]["data"]["type"] == "RevokedKeyError"
        assert replies[1]["result"] == "hal"
        assert "result" in replies[2]
        assert replies[3]["error"]["data"]["type"] == "RoleTooLowError"


def test_whoever_takes_the_routing_id_of_another_has_his_own_rights(
    ring: ServerRing, station: tuple[str, Station]
) -> None:
    admin, other = ring.client("root", Role.ADMIN), ring.client("quin", Role.OBSERVE)
    for _ in range(2):
        with keyed_original(station[0], admin, b"mine") as client:
            assert client.ask("reboot") == client.ask("reboot") == "rebooted"
        answers: list[Any] = []

        def is_answered(answers: list[Any] = answers) -> bool:
            """Ask over one connection after the other, until the id is free."""
            with keyed_original(station[0], other, b"mine") as client:
                client.socket.rcvtimeo = 500
                with suppress(zmq.Again):
                    answers.append(client.ask("reboot"))
            return bool(answers)

        eventually(is_answered, WITHIN_S)
        assert answers[0]["EXCEPTION"][0] == "RoleTooLowError"


def test_a_token_means_nothing_where_there_are_no_keys() -> None:
    with serving() as (url, bank), OriginalClient(url) as client:
        error = client.rpc("bank.write", [1], dealer={"token": "T"})["error"]["data"]
        assert error["type"] == "UnknownKeyError"
        assert bank.written == []


def test_the_original_dialect_has_the_role_of_its_key(
    ring: ServerRing, station: tuple[str, Station]
) -> None:
    with keyed_original(station[0], ring.client("jon", Role.OBSERVE)) as client:
        assert client.ask("add", 1, 2) == 3
        assert client.ask("write", 1)["EXCEPTION"][0] == "RoleTooLowError"
        assert client.ask("refuse") == [False, client.ask("write", 1)["EXCEPTION"][1]]


@pytest.mark.parametrize("role", [None, Role.OBSERVE, Role.OPERATE])
def test_clients_of_the_original_have_the_role_that_is_set(role: Role | None) -> None:
    bank = Station()
    with (
        serving(ServerSettings(original_role=role), bank) as (url, _),
        OriginalClient(url) as client,
        ThreadHub() as hub,
    ):
        for method, needs in (
            ("add", Role.OBSERVE),
            ("write", Role.OPERATE),
            ("reboot", Role.ADMIN),
        ):
            answer = client.ask(method, *{"add": (1, 2), "write": (1,)}.get(method, ()))
            is_refused = isinstance(answer, dict) and answer["EXCEPTION"][0] == "RoleTooLowError"
            assert is_refused is (role is None or needs > role)
        assert call(hub, url, "reboot") == "rebooted"
        if role is Role.OPERATE:
            client.ask("who")
            assert bank.callers[-1].role is role


def test_loopback_needs_no_keys_unless_they_are_demanded_there() -> None:
    ring = ServerRing()
    bank = Station()
    with serving(bank=bank, keys=ring.keys(on_loopback=False)) as (url, _), ThreadHub() as hub:
        assert call(hub, url, "reboot") == "rebooted"
        assert call(hub, url, "who") == ""
        with OriginalClient(url) as client:
            assert client.ask("reboot")["EXCEPTION"][0] == "RoleTooLowError"


def talk(url: str, *steps: tuple[bytes, int]) -> bytes:
    """Say raw bytes, and after each hear until so many have come in all, or the other end hangs
    up."""
    host, port = url.removeprefix("tcp://").split(":")
    heard = b""
    with socket.create_connection((host, int(port)), timeout=WITHIN_S) as raw:
        for said, wanted in steps:
            with suppress(OSError):  # it hung up
                raw.sendall(said)
                while len(heard) < wanted and (more := raw.recv(65536)):
                    heard += more
    return heard


def test_nobody_can_say_himself_whose_key_he_has() -> None:
    """A peer may send any property in ZeroMQ's handshake, that of a proven key among them."""
    ring = ServerRing()
    admin = ring.client("root", Role.ADMIN)
    bank = Station()
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)

    def entry(name: bytes, value: bytes) -> bytes:
        return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value

    ready = (
        b"\x05READY" + entry(b"Socket-Type", b"REQ") + entry(b"User-Id", admin.pair.public.encode())
    )
    body = json.dumps({"name": "bank", "proc": "who", "args": [], "kwargs": {}}).encode()
    request = b"\x01\x00" + bytes([0, len(body)]) + body
    with serving(bank=bank, keys=ring.keys(on_loopback=False)) as (url, _):
        steps = (greeting, 64), (bytes([4, len(ready)]) + ready, 107), (request, 111)
        assert talk(url, *steps).endswith(b'""')
        assert (bank.callers[0].key, bank.callers[0].role) == ("", Role.OPERATE)


def test_who_connects_and_says_nothing_is_dropped_while_others_are_served(
    ring: ServerRing, station: tuple[str, Station]
) -> None:
    url, _ = station
    host, port = url.removeprefix("tcp://").split(":")
    with ExitStack() as stack:
        silent = [
            stack.enter_context(socket.create_connection((host, int(port)), timeout=WITHIN_S))
            for _ in range(50)
        ]
        with ThreadHub(keys=ring.client("ned")) as hub:
            assert call(hub, url, "add", 1, 2) == 3
        for each in silent:
            while each.recv(64):  # the begin of a greeting, then the end
                pass


FORKED = """
import os, sys
sys.path.insert(0, "tests")
from support.keyring import ServerRing
from support.rpc_bank import serving
from zmqjsonproxy import ThreadHub
ring = ServerRing()
with serving(keys=ring.keys()) as (url, _), ThreadHub(keys=ring.client("ann")) as hub:
    assert hub.call(url, "bank", "add", [1, 2]) == 3
    if not (child := os.fork()):
        with serving(keys=ring.keys()) as (own, _), ThreadHub(keys=ring.client("bob")) as mine:
            print(hub.call(url, "bank", "add", [2, 2]), mine.call(own, "bank", "add", [2, 3]))
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)
    print(hub.call(url, "bank", "add", [3, 3]))
"""


def test_a_child_made_by_fork_serves_and_calls_with_keys_of_its_own() -> None:
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=ROOT,
    )
    assert ended.stdout == "4 5\n6\n", ended.stderr


class Tap:
    """Relays one connection, and keeps what its client says."""

    def __init__(self, url: str) -> None:
        host, port = url.removeprefix("tcp://").split(":")
        self._target = host, int(port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self.said = b""
        self._thread = threading.Thread(target=self._relay, daemon=True)
        self._thread.start()

    def _relay(self) -> None:
        client, _ = self._listener.accept()
        self._listener.close()
        with client, socket.create_connection(self._target) as server:
            back = threading.Thread(target=self._pump, args=(server, client, False), daemon=True)
            back.start()
            self._pump(client, server, True)
            back.join(WITHIN_S)

    def _pump(self, source: socket.socket, sink: socket.socket, is_client: bool) -> None:
        try:
            while data := source.recv(65536):
                if is_client:
                    self.said += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def test_recorded_bytes_of_another_connection_do_nothing(
    ring: ServerRing, station: tuple[str, Station]
) -> None:
    url, bank = station
    tap = Tap(url)
    before = len(bank.callers)
    with ThreadHub(keys=ring.client("kim")) as hub:
        assert call(hub, tap.url, "who") == "kim"
    assert b"who" not in tap.said
    opening, hello = tap.said[:64], tap.said[64 : 64 + 202]
    assert hello[2:8] == b"\x05HELLO"
    heard = talk(url, (opening, 64), (hello, 64 + 170), (tap.said[64 + 202 :], 2**30))
    assert heard[66:74] == b"\x07WELCOME"
    with ThreadHub(keys=ring.client("lea")) as hub:
        assert call(hub, url, "who") == "lea"
    assert [caller.key for caller in bank.callers[before:]] == ["kim", "lea"]


# subscriptions


def test_a_revoked_subscriber_is_cut_off_and_told(
    ring: ServerRing, station: tuple[str, Station]
) -> None:
    url, bank = station
    keys, other = ring.client("mia", Role.OBSERVE), ring.client("noa", Role.OBSERVE)
    with (
        ZMQJSONProxyClient(None, "bank", url, WITHIN_S, keys=keys) as proxy,
        ZMQJSONProxyClient(None, "bank", url, WITHIN_S, keys=other) as sound,
        proxy.subscribe("level") as updates,
        sound.subscribe("level") as others,
    ):
        bank.level = 1
        updates.wait_for(lambda update: update.value == 1, WITHIN_S)
        others.wait_for(lambda update: update.value == 1, WITHIN_S)
        ring.of(keys).is_revoked = True
        eventually(lambda: any(e.kind is EventKind.REFUSED for e in updates.events), WITHIN_S)
        received = updates.received
        for value in range(2, 20):
            bank.level = value
        others.wait_for(lambda update: update.value == 19, WITHIN_S)
        assert updates.received == received
        assert "the key of mia was revoked" in updates.stale[url]


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (lambda ring: ClientRing(ring.pair.public), "does not know the key"),
        (lambda _: ClientRing(new_pair().public), "dealer keys trust HOST --replace"),
        (lambda _: None, "demands keys"),
    ],
)
def test_a_subscriber_who_is_not_let_in_is_told_why(
    ring: ServerRing,
    station: tuple[str, Station],
    keys: Callable[[ServerRing], ClientRing | None],
    text: str,
) -> None:
    proxy = ZMQJSONProxyClient(None, "bank", station[0], WITHIN_S, keys=keys(ring), eager=False)
    with proxy, proxy.subscribe("level") as updates:
        eventually(lambda: any(e.kind is EventKind.REFUSED for e in updates.events), WITHIN_S)
        assert text in updates.stale[station[0]]

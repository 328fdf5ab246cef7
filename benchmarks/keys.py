"""CURVE and rights: a small call with keys beside one without, a large array beside a bare sender
with keys, and the time that a server takes to look at keys and roles.

Here `floor` of the small call is our own call without keys.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import zmq

from benchmarks.arrays import send_two_frames
from benchmarks.calls import SMALL, calling
from benchmarks.comparison import Program, Work, compare
from benchmarks.floors import Telling, cores, ready, request
from benchmarks.parts import Effort, Part
from benchmarks.rows import Row
from benchmarks.subject import Subject, serve
from zmqjsonproxy import ServerSettings, ZMQJSONProxyClient, ZMQJSONProxyServer, query
from zmqjsonproxy.engine import CallEngine, CommandQueues
from zmqjsonproxy.protocol.operations import OperationTable
from zmqjsonproxy.rights import KeyPair, Role, ServerKeys
from zmqjsonproxy.rpc import replyencoding
from zmqjsonproxy.rpc.admission import Admission, ProvenId
from zmqjsonproxy.rpc.dispatch import Dispatcher

__all__ = ["PARTS"]

LARGE_BYTES = 8 * 10**6
TURNS, EACH = 20, 5000


@dataclass(frozen=True)
class _Key:
    """A client's key."""

    name: str
    role: Role
    is_revoked: bool = False


@dataclass(frozen=True)
class _ClientKeys:
    """Keys of a client that knows one server."""

    pair: KeyPair
    server: str

    def for_server(self, _url: str) -> str:
        return self.server


def _pair() -> KeyPair:
    public, secret = zmq.curve_keypair()
    return KeyPair(public.decode(), secret.decode())


def _server_keys(own: KeyPair, client: str) -> ServerKeys:
    known = {client: _Key("bench", Role.OPERATE)}
    return ServerKeys(public=own.public, secret=own.secret, find=known.get, on_loopback=True)


class _Large(Subject):
    """Returns a large array from memory."""

    def __init__(self) -> None:
        import numpy as np

        super().__init__()
        self._large = np.frombuffer(os.urandom(LARGE_BYTES), dtype=np.float32)

    @query
    def get_large(self) -> Any:
        """Return a large array."""
        return self._large


def _serve_with_keys(connection: Telling, own: KeyPair, client: str) -> None:
    """Serve with keys for ever."""
    keys = _server_keys(own, client)
    server = ZMQJSONProxyServer(zmq.Context.instance(), "tcp://127.0.0.1:*", keys=keys)
    server.expose("bank", _Large())
    ready(connection, server.url)
    server.run_loop()


@contextlib.contextmanager
def _calling_with_keys(
    method: str, args: tuple[Any, ...], keys: _ClientKeys, url: str
) -> Iterator[Work]:
    with ZMQJSONProxyClient(zmq.Context.instance(), "bank", url, keys=keys) as proxy:
        call = getattr(proxy, method)
        yield lambda: call(*args)


def _ours(method: str, *args: Any) -> Program:
    own, mine = _pair(), _pair()
    client = partial(_calling_with_keys, method, args, _ClientKeys(mine, own.public))
    return Program(_serve_with_keys, client, (own, mine.public))


def _call(effort: Effort) -> list[Row]:
    core = cores()[0]
    programs = {
        "floor": Program(serve, partial(calling, "add", (2, 3))),
        "ours": _ours("add", 2, 3),
    }
    times = compare(core, core, programs, effort, SMALL)
    return [times.row("small call with keys, beside one without", 1.15)]


def _send_with_keys(connection: Telling, own: KeyPair) -> None:
    """Serve: answer with a header and the bytes, not copied."""
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.REP)
    socket.curve_server, socket.curve_secretkey = True, own.secret.encode()
    send_two_frames(socket, connection, LARGE_BYTES)


@contextlib.contextmanager
def _asking_with_keys(server: str, mine: KeyPair, url: str) -> Iterator[Work]:
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.REQ)
    socket.linger, socket.curve_serverkey = 0, server.encode()
    socket.curve_publickey, socket.curve_secretkey = mine.public.encode(), mine.secret.encode()
    socket.connect(url)
    asked = request("bank.get_large")

    def ask() -> Any:
        socket.send(asked)
        socket.recv()
        return socket.recv(copy=False)

    yield ask
    socket.close()


def _array(effort: Effort) -> list[Row]:
    core, own, mine = cores()[0], _pair(), _pair()
    programs = {
        "floor": Program(_send_with_keys, partial(_asking_with_keys, own.public, mine), (own,)),
        "ours": _ours("get_large"),
    }
    times = compare(core, core, programs, effort, 20)
    rate = LARGE_BYTES / 1e6 / (times.figure("ours") or 1.0)
    what = "8 MB array with keys"
    return [
        times.row(f"{what}, floor a bare CURVE sender", 1.10, unit="ms"),
        Row(f"{what}, rate", None, rate, None, None, None, "MB/s"),
    ]


def _dispatcher(keys: ServerKeys | None) -> Dispatcher:
    """A dispatcher whose replies go nowhere."""
    settings = ServerSettings()
    engine = CallEngine(
        name="bench",
        replies=replyencoding,
        queues=CommandQueues(settings.max_queued_calls, "bench"),
        operations=OperationTable("bench"),
    )
    engine.expose("bank", Subject())

    def nowhere(_envelope: object, _body: bytes) -> None:
        pass

    admission = Admission(keys, settings.original_role)
    return Dispatcher(engine, settings, nowhere, nowhere, admission=admission)


def _checks(effort: Effort) -> list[Row]:
    """Time of a query, and of a refused command, with the key looked up, less that without."""
    own, mine = _pair(), _pair()
    plain, keyed = _dispatcher(None), _dispatcher(_server_keys(own, mine.public))
    rid = ProvenId(b"client")
    rid.public = mine.public
    body = json.dumps(
        {
            "jsonrpc": "2.0",
            "method": "bank.add",
            "id": 1,
            "params": [2, 3],
            "dealer": {"deadline_s": 60.0},
        }
    ).encode()
    differences = []
    for _ in range(TURNS):
        taken = []
        for serve_one, client in ((plain.serve, b"client"), (keyed.serve_with_keys, rid)):
            begun = time.perf_counter()
            for _ in range(EACH):
                serve_one([client, body])
            taken.append(1e6 * (time.perf_counter() - begun) / EACH)
        differences.append(taken[1] - taken[0])
        effort.pass_on()
    added = sorted(differences)[TURNS // 2]
    return [Row("key and role looked at, of a call", None, added, None, 5.0, None, "us", grain=0.5)]


PARTS: dict[str, Part] = {"call": _call, "array": _array, "checks": _checks}

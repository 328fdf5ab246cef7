"""Nothing that arrives may stop a server: after each attack it answers a good call."""

from __future__ import annotations

import json
import os
import random
import socket
import struct
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st
from support.original_client import OriginalClient
from support.rpc_bank import Bank, serving

from zmqjsonproxy import ServerSettings

GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
READY = b"\x04\x29\x05READY\x0bSocket-Type\x00\x00\x00\x03REQ\x08Identity\x00\x00\x00\x00"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, Bank]]:
    with serving(ServerSettings(max_message_bytes=100_000)) as both:
        yield both


@pytest.fixture
def url(served: tuple[str, Bank]) -> Iterator[str]:
    yield served[0]
    with OriginalClient(served[0]) as client:
        assert client.ask("add", 2, 2) == 4
        assert client.rpc("bank.add", [2, 3])["result"] == 5


def dial(url: str) -> socket.socket:
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return socket.create_connection((parts.hostname, parts.port), 10)


def shaken(url: str) -> socket.socket:
    """A TCP connection behind ZeroMQ's handshake."""
    connection = dial(url)
    connection.sendall(GREETING + READY)
    return connection


def test_random_tcp_bytes(url: str) -> None:
    chance = random.Random(1)
    for _ in range(100):
        with dial(url) as connection:
            connection.sendall(chance.randbytes(chance.randrange(1, 300)))


def test_random_bytes_behind_the_handshake(url: str) -> None:
    chance = random.Random(2)
    for _ in range(100):
        with shaken(url) as connection:
            connection.sendall(chance.randbytes(chance.randrange(1, 300)))


@pytest.mark.parametrize(
    "sent",
    [
        b"\x01",
        b"\x00",
        b"\x01\x00",
        b'\x01\x00\x00\x05{"na',
        b"\x02" + struct.pack(">Q", 2**62),
        b"\x02" + struct.pack(">Q", 2**40) + b"x" * 100,
        b"\x03" + bytes(8),
        b"\x04\x01\x00",
        b"\xff" * 40,
        b"\x01\x00" * 500 + b"\x00\x00",
    ],
)
def test_half_messages_and_headers_that_lie(url: str, sent: bytes) -> None:
    with shaken(url) as connection:
        connection.sendall(sent)
    with shaken(url) as connection:
        connection.sendall(sent)
        with OriginalClient(
            url
        ) as client:  # while the other still hangs in the middle of its message
            assert client.ask("add", 1, 1) == 2


@pytest.mark.parametrize(
    "frames",
    [
        [b""],
        [b"", b""],
        [b"x"],
        [b"", b"{}", b"more"],
        [b"", b"", b"{}"],
        [b"x", b"", b"{}"],
        [b""] * 50,
        [b"a", b"b", b"c", b'{"name": "bank", "proc": "add", "args": [1, 1], "kwargs": {}}'],
    ],
)
def test_messages_of_other_shapes(url: str, frames: list[bytes]) -> None:
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.setsockopt(zmq.LINGER, 1000)
        dealer.connect(url)
        dealer.send_multipart(frames)


def test_frames_too_many_cost_nobody_else_an_answer(url: str) -> None:
    good = b'{"name": "bank", "proc": "add", "args": [1, 1], "kwargs": {}}'
    with (
        zmq.Context() as context,
        context.socket(zmq.DEALER) as hostile,
        OriginalClient(url) as client,
    ):
        hostile.setsockopt(zmq.LINGER, 1000)
        hostile.connect(url)
        odd = [
            [b"x", b"y" * 300, good],
            [b"", good, b"", good],
            [b"", b"", b""],
            [b"", good, b"x"],
            [b"\0abcd", good],
        ]
        for frames in [*odd, *odd]:
            hostile.send_multipart(frames)
            for _ in range(3):
                assert client.raw(good) == 2


BODIES = [
    b"",
    b"\0",
    b"\xff\xfe\xfd",
    b"{",
    b"[",
    b"null",
    b"3",
    b'"text"',
    b"[]",
    b"{}",
    b"NaN",
    b"[" * 50_000,
    b'{"a":' * 20_000,
    b"[" * 90 + b"]" * 90,
    b'{"proc": "list_methods"}',
    b'{"name": "bank"}',
    b'{"name": ["bank"], "proc": {"x": 1}, "args": [], "kwargs": {}}',
    b'{"name": null, "proc": null, "args": null, "kwargs": null}',
    b'{"name": "bank", "proc": "add", "args": {"x": 1}, "kwargs": [1]}',
    b'{"name": "bank", "proc": "add", "args": [], "kwargs": {"x": 1, "x": 2, "y": 1, "": 3}}',
    b'{"name": "bank", "proc": "list_methods", "args": 5, "kwargs": 5, "dealer": [[]]}',
    b'{"name": "bank", "proc": "\\ud800", "args": [], "kwargs": {}}',
    b'{"name": "bank", "proc": "echo", "args": ["\\ud800"], "kwargs": {}}',
    b'{"name": "bank", "proc": "echo", "args": [1e999], "kwargs": {}}',
    b'{"name": "bank", "proc": "echo", "args": [' + b"9" * 5000 + b'], "kwargs": {}}',
    b'{"jsonrpc": "2.0"}',
    b'{"jsonrpc": "2.0", "method": "bank.add", "id": {"a": 1}}',
    b'{"jsonrpc": "2.0", "method": "", "id": 1}',
    b'{"jsonrpc": "2.0", "method": ".", "id": 1}',
    b'{"jsonrpc": "2.0", "method": "bank.echo", "id": 1e999, "params": [NaN]}',
    b'{"jsonrpc": "2.0", "method": "rpc.operation", "id": 1, "params": [[1]]}',
    b'{"jsonrpc": "2.0", "method": "rpc.abort", "id": 1, "params": {"id": {}}}',
    b'{"jsonrpc": "2.0", "method": "bank.add", "id": 1, "params": [1, 1], "dealer": {"deadline_s": "soon"}}',
    b'{"jsonrpc": "2.0", "method": "bank.add", "id": 1, "params": [1, 1], "dealer": {"deadline_s": NaN}}',
    b'{"jsonrpc": "2.0", "method": "bank.write", "id": 1, "params": [1], "dealer": {"deadline_s": NaN}}',
    b'{"jsonrpc": "2.0", "method": "bank.write", "id": 1, "dealer": {"deadline_s": 1'
    + b"0" * 400
    + b"}}",
    b'{"jsonrpc": "2.0", "method": "bank.write", "id": 1, "params": [1], "dealer": {"deadline_s": -Infinity}}',
    b'{"jsonrpc": "2.0", "method": "bank.write", "id": 1, "params": [1], "dealer": {"wait": [], "params": {}}}',
    b"[{}]",
    b"[[]]",
    b'[{"id": null}]',
    b"{}" * 101 + b'"' + b'\\"' * 40_000,
    b'[{"jsonrpc": "2.0"}, [], null, 5, {"jsonrpc": "2.0", "method": "bank.add", "id": 1, "params": [1, 1]}]',
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_bodies_that_are_no_requests_are_answered(url: str, body: bytes) -> None:
    with OriginalClient(url) as client:
        assert json.dumps(client.raw(body))


def test_a_message_over_the_limit_is_answered_with_the_limit(url: str) -> None:
    for body in (
        b'{"name": "bank", "proc": "echo", "args": ["' + b"x" * 200_000 + b'"], "kwargs": {}}',
        b'{"jsonrpc": "2.0", "method": "bank.echo", "id": 1, "params": ["'
        + b"x" * 200_000
        + b'"]}',
    ):
        with OriginalClient(url) as client:
            assert "over the limit of 100000" in json.dumps(client.raw(body))


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_any_bytes_as_a_body_are_answered(served: tuple[str, Bank], body: bytes) -> None:
    with zmq.Context.instance().socket(zmq.REQ) as req:
        req.setsockopt(zmq.LINGER, 0)
        req.setsockopt(zmq.RCVTIMEO, 10_000)
        req.connect(served[0])
        req.send(body)
        json.loads(req.recv())


def test_clients_that_vanish_in_mid_call(url: str, served: tuple[str, Bank]) -> None:
    bank = served[1]
    bank.begun.clear()
    bank.go_on.clear()
    with OriginalClient(url) as client:
        client.socket.send(b'{"name": "bank", "proc": "hold", "args": [], "kwargs": {}}')
        assert bank.begun.wait(10)
    for _ in range(50):
        with OriginalClient(url) as client:
            client.socket.send(b'{"name": "bank", "proc": "status", "args": [], "kwargs": {}}')
    bank.go_on.set()


def test_five_hundred_connections_at_once(url: str) -> None:
    connections = [dial(url) for _ in range(500)]
    try:
        with OriginalClient(url) as client:
            assert client.ask("add", 1, 1) == 2
    finally:
        for connection in connections:
            connection.close()


def test_a_client_that_reads_nothing_does_not_hold_up_the_others(url: str) -> None:
    with zmq.Context() as context, context.socket(zmq.DEALER) as deaf:
        deaf.setsockopt(zmq.LINGER, 0)
        deaf.setsockopt(zmq.RCVHWM, 1)
        deaf.connect(url)
        body = b'{"name": "bank", "proc": "status", "args": [], "kwargs": {}}'
        for _ in range(3000):
            deaf.send_multipart([b"", body])
        with OriginalClient(url) as client:
            assert client.ask("add", 1, 1) == 2


def test_many_threads_of_garbage_and_of_good_calls(url: str) -> None:
    done = threading.Event()
    failures: list[BaseException] = []

    def attack() -> None:
        while not done.is_set():
            with shaken(url) as connection:
                connection.sendall(os.urandom(100))

    def observe() -> None:
        try:
            with OriginalClient(url) as client:
                for n in range(200):
                    assert client.ask("add", n, 1) == n + 1
        except BaseException as error:
            failures.append(error)

    attackers = [threading.Thread(target=attack) for _ in range(2)]
    observers = [threading.Thread(target=observe) for _ in range(4)]
    for thread in attackers + observers:
        thread.start()
    for thread in observers:
        thread.join(60)
    done.set()
    for thread in attackers:
        thread.join(10)
    assert failures == []

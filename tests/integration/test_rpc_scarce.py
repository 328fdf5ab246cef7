"""Servers whose process runs out of descriptors, memory or threads: the next call is answered all
the same."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from support.dealers import eventually
from support.original_client import OriginalClient
from support.rpc_bank import Bank, RpcServer, serving

from zmqjsonproxy.engine import CallEngine
from zmqjsonproxy.rpc.descriptors import capacity
from zmqjsonproxy.rpc.protocol import dialect

HANDSHAKE = (
    b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
) + b"\x04\x1c\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"
"""All that ZeroMQ demands of a client; one that does not say it is dropped after some seconds."""


def test_a_server_keeps_descriptors_for_itself_and_takes_connections_again_when_others_have_gone() -> (
    None
):
    with RpcServer("tcp://127.0.0.1:*", "few") as server, OriginalClient(server.url) as early:
        assert early.ask("add", 2, 3) == 5
        process, address = psutil.Process(server.process.pid), urlsplit(server.url)
        with ExitStack() as stack:

            def can_connect() -> bool:
                try:
                    connection = socket.create_connection(
                        (str(address.hostname), address.port or 0), 0.5
                    )
                except TimeoutError:
                    return False
                stack.enter_context(connection).sendall(HANDSHAKE)
                return True

            eventually(lambda: not can_connect())
            assert capacity(300) <= process.num_fds() < 300
            for _ in range(10):
                assert early.ask("add", 2, 3) == 5
                assert early.ask("descriptor") < 300
        with OriginalClient(server.url) as late:
            assert late.ask("add", 2, 3) == 5
        server.process.terminate()
        assert "no further connection is taken until less than" in server.wait()[1]


@pytest.mark.parametrize("error", [MemoryError, SystemError, RecursionError, OSError, RuntimeError])
def test_whatever_a_message_does_to_its_reader_is_answered(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: Any = dialect.decoded

    def failing(body: bytes, limits: Any) -> Any:
        if b"scarce" in body:
            raise error("as asked")
        return read(body, limits)

    monkeypatch.setattr("zmqjsonproxy.rpc.dispatch.decoded", failing)
    with serving() as (url, _), OriginalClient(url) as client:
        for method in ("bank.echo", "bank.write"):
            reply = client.rpc(method, ["scarce"])
            assert error.__name__ in json.dumps(reply)
        assert client.ask("add", 2, 3) == 5


def test_a_command_for_which_there_is_no_thread_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bank = Bank()
    with serving(bank=bank) as (url, _), OriginalClient(url) as client:

        def fail(_thread: object) -> None:
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as patch:
            patch.setattr("zmqjsonproxy.engine.commandqueues.threading.Thread.start", fail)
            assert "can't start new thread" in json.dumps(client.rpc("bank.write", [1]))
            assert "can't start new thread" in json.dumps(client.rpc("bank.set_mode", ["MODE1"]))
        assert client.rpc("bank.write", [2])["result"] is None
        assert bank.written == [2]
        assert client.rpc("rpc.operations")["result"] == []


def test_a_command_that_cannot_be_answered_with_what_came_of_it_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_memory(*_args: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(CallEngine, "carry_out_beside", no_memory)
    with serving() as (url, _), OriginalClient(url) as client:
        assert "MemoryError" in json.dumps(client.rpc("bank.write", [1]))
        assert client.ask("add", 2, 3) == 5

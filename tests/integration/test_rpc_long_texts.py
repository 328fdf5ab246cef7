"""Callers' texts without an end: not repeated in replies, nor in logs, nor kept."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import zmq
from support.original_client import OriginalClient
from support.rpc_bank import Bank, serving

from zmqjsonproxy import ThreadHub, ZMQJSONProxyClient
from zmqjsonproxy.errors import OperationAbortedError, ProxyError

LONG = "x" * 1_000_000
MAX_CHARACTERS = 20_000
"""Bytes of a reply that says what is wrong."""


@pytest.fixture
def served() -> Iterator[tuple[str, Bank]]:
    with serving() as both:
        yield both


def raw(url: str, body: Any) -> bytes:
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.linger, socket.rcvtimeo = 0, 20_000
        socket.connect(url)
        socket.send(json.dumps(body).encode())
        return socket.recv()


def native(method: str, params: Any = (), number: Any = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "id": number, "params": params}


def old(**changed: Any) -> dict[str, Any]:
    return {"name": "bank", "proc": "add", "args": [], "kwargs": {}, **changed}


@pytest.mark.parametrize(
    "body",
    [
        native(LONG), native(f"{LONG}.add"), native(f"bank.{LONG}"), native("bank.add", {LONG: 1}),
        native("bank.add", [1, LONG]), native("bank.end", [LONG]), native("rpc.operation", [LONG]),
        native("rpc.operation", [f"{LONG}-1"]), native("rpc.abort", {"id": f"{LONG}-1", "reason": LONG}),
        native("rpc.cancel", {LONG: 1}), native("bank.add", [1, 1], LONG), native("bank.none", [], LONG),
        [native("bank.add", [1, 1], LONG)], [native(LONG), native(LONG)], {"jsonrpc": LONG, "id": LONG},
        native("bank.add", LONG), {LONG: 1}, {"name": LONG}, old(proc=LONG), old(name=LONG), old(name=LONG, proc=LONG),
        old(name=LONG, proc="list_methods"), old(name=LONG, proc="list_methods", dealer={"client": LONG}),
        old(kwargs={LONG: 1}), old(args=[1, LONG]), old(proc="end", args=[LONG]), old(name=[LONG]), old(proc=[LONG]),
    ],
    ids=lambda body: json.dumps(body).replace(LONG, "LONG")[:80],
)  # fmt: skip
def test_what_is_wrong_is_said_in_few_words(
    served: tuple[str, Bank], body: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = raw(served[0], body)
    assert len(answer) < MAX_CHARACTERS
    assert json.loads(answer) is not None
    assert sum(len(record.getMessage()) for record in caplog.records) < MAX_CHARACTERS
    with OriginalClient(served[0]) as client:
        assert client.ask("add", 2, 2) == 4


def test_an_end_of_a_text_is_said_and_what_is_left_out(served: tuple[str, Bank]) -> None:
    with ThreadHub() as hub, pytest.raises(ProxyError) as told:
        ZMQJSONProxyClient(None, "bank", served[0], hub=hub).remote.add(1, 1, **{LONG: 1})
    text = str(told.value)
    assert "got an unexpected keyword argument 'xxx" in text
    assert "characters ...]" in text
    assert text.endswith("the signature is add(x: Any, y: Any) -> Any")


def test_reasons_of_aborts_and_texts_of_progress_are_kept_short(served: tuple[str, Bank]) -> None:
    url, bank = served
    bank.progress_text = LONG
    with ThreadHub() as hub:
        proxy = ZMQJSONProxyClient(None, "bank", url, hub=hub)
        operation = proxy.begin("set_mode", "A")
        assert bank.begun.wait(10)
        assert len(operation.look().text) < MAX_CHARACTERS
        hub.call(url, "rpc", "abort", (operation.id, LONG))
        with pytest.raises(OperationAbortedError) as told:
            operation.result(10)
        assert len(str(told.value)) < MAX_CHARACTERS
        assert len(json.dumps(hub.call(url, "rpc", "operations"))) < MAX_CHARACTERS

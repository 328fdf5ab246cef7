"""Whoever asks for too much is refused or waits; the others are served meanwhile."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support.original_client import OriginalClient
from support.rpc_bank import Bank, serving

from zmqjsonproxy import ServerSettings, command, query
from zmqjsonproxy.interface import Interface
from zmqjsonproxy.protocol.operations import OperationTable
from zmqjsonproxy.rpc.ownmethods import OwnMethods

LARGE = 15_000_000
"""Bytes; the largest request has 16 MiB."""
HEAD = b'{"jsonrpc":"2.0","method":"bank.echo","id":1,"params":['
DEEP, OBJECTS = b"[" * 90 + b"]" * 90, b'{"a":' * 90 + b"1" + b"}" * 90


def list_of(piece: bytes, last: bytes = b"1") -> bytes:
    """So many pieces with commas between that they are a large request."""
    return piece * (LARGE // len(piece)) + last


TOO_MANY = {
    "an array of empty arrays": b"[" + list_of(b"[],") + b"]",
    "deep groups": HEAD + list_of(DEEP + b",") + b"]}",
    "deep groups of objects": HEAD + list_of(OBJECTS + b",") + b"]}",
    "texts": HEAD + list_of(b'"",') + b"]}",
    "texts that end with a backslash": HEAD + list_of(b'"\\\\",') + b"]}",
    "numbers": HEAD + list_of(b"1,") + b"]}",
    "NaN": HEAD + list_of(b"NaN,") + b"]}",
    "escapes": HEAD + b'"' + list_of(b'\\"') + b'"]}',
    "names": HEAD + b"{" + b",".join(b'"K%d":1' % n for n in range(700_000)) + b"}]}",
    "brackets": b"[" * LARGE,
}


class Crowded(Bank):
    """A Bank that says who calls, and where."""

    @query
    def wait(self) -> str:
        """Wait until the test says so; the name of the thread."""
        self.begun.set()
        self.go_on.wait(30)
        return threading.current_thread().name

    @query
    def linger(self) -> str:
        """Take as long as makes a batch long."""
        threading.Event().wait(0.01)
        return threading.current_thread().name

    @command
    def note(self, value: Any) -> None:
        """Keep a value in the order of the calls."""
        self.written.append(value)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(bank=Crowded()) as (url, _):
        yield url


@pytest.mark.parametrize("attack", TOO_MANY)
def test_what_would_take_long_to_decode_is_refused_before(url: str, attack: str) -> None:
    with OriginalClient(url) as hostile, OriginalClient(url) as honest:
        assert "TooLargeError" in json.dumps(hostile.raw(TOO_MANY[attack]))
        assert honest.ask("add", 2, 3) == 5


@pytest.mark.parametrize(
    "values",
    [
        [1.5] * 250_000, ["x"] * 90_000, [[]] * 90_000, "x" * LARGE, ",[{\"" * 250_000,
        {f"K{n}": n for n in range(90_000)},
    ],
    ids=["numbers", "texts", "arrays", "a text", "a text of JSON", "an object"],
)  # fmt: skip
def test_what_is_large_and_soon_decoded_is_taken(url: str, values: Any) -> None:
    with OriginalClient(url) as client:
        assert client.rpc("bank.echo", [values])["result"] == values


def test_the_rest_of_a_batch_that_takes_long_holds_up_nobody() -> None:
    bank = Crowded()
    calls = [{"jsonrpc": "2.0", "method": f"bank.{name}", "params": [], "id": n}
             for n, name in enumerate(["linger"] * 20 + ["wait"] * 3)]  # fmt: skip
    with (
        serving(ServerSettings(slow_query_s=0.1), bank) as (url, _),
        OriginalClient(url) as long,
        OriginalClient(url) as honest,
        ThreadPoolExecutor(1) as pool,
    ):
        answer = pool.submit(long.raw, json.dumps(calls).encode())
        assert bank.begun.wait(30)
        assert honest.ask("add", 2, 3) == 5
        assert not answer.done()
        bank.go_on.set()
        threads = {reply["id"]: reply["result"] for reply in answer.result(30)}
        assert sorted(threads) == list(range(23))
        assert threads[0] != threads[22]


def test_a_batch_that_asks_for_large_answers_again_and_again_is_answered(url: str) -> None:
    calls = [{"jsonrpc": "2.0", "method": "rpc.discover", "params": [], "id": n} for n in range(1000)]
    with OriginalClient(url) as hostile, OriginalClient(url) as honest:
        replies = hostile.raw(json.dumps(calls).encode())
        assert sorted(reply["id"] for reply in replies) == list(range(1000))
        assert honest.ask("add", 2, 3) == 5


def test_the_document_of_what_is_exposed_is_made_once_for_each_exposure() -> None:
    interfaces = {"bank": Interface.of("bank", Bank())}
    own = OwnMethods("title", interfaces, {}, OperationTable("instance"))
    document = own.discover()
    assert own.discover() is document
    interfaces["bank"] = Interface.of("bank", Crowded())
    assert {method["name"] for method in own.discover()["methods"]} > {method["name"] for method in document["methods"]}

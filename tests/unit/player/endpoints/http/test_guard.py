"""The guard before routes: peers, what is read in two ways, and refusals in the words of each
endpoint."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any

import pytest

from player.endpoints.http.guard import Guard, GuardRules


def asked(peer: str, method: str = "GET", *headers: tuple[bytes, bytes]) -> tuple[int, bytes]:
    """Return status and body for a request of a peer."""
    rules = GuardRules(
        names={"localhost"},
        only_get="only GET",
        longest_target=100,
        networks=[ipaddress.ip_network("10.0.0.0/8")],
        body=lambda status, why: f"{status} {why}".encode(),
    )
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"let through"})

    scope = {
        "type": "http",
        "method": method,
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), *headers],
        "client": (peer, 1),
        "server": ("10.0.0.1", 80),
    }
    asyncio.run(Guard(app, rules)(scope, None, send))
    return sent[0]["status"], sent[1]["body"]


@pytest.mark.parametrize(
    ("peer", "status"), [("127.0.0.1", 200), ("10.9.9.9", 200), ("192.168.0.1", 403)]
)
def test_only_peers_that_were_named_are_let_through(peer: str, status: int) -> None:
    told, body = asked(peer)
    assert (told, b"`peers`" in body) == (status, status == 403)


def test_a_refusal_is_in_the_words_of_the_endpoint() -> None:
    assert asked("127.0.0.1", "POST") == (405, b"405 only GET")


LENGTH, CHUNKED = (b"content-length", b"5"), (b"transfer-encoding", b"chunked")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([LENGTH], 200),
        ([CHUNKED], 200),
        ([LENGTH, CHUNKED], 400),
        ([CHUNKED, LENGTH], 400),
        ([(b"range", b"bytes=" + b",".join([b"1-2"] * 16))], 200),
        ([(b"range", b"bytes=" + b",".join([b"1-2"] * 17))], 416),
    ],
)
def test_a_request_that_two_may_read_in_two_ways_is_refused(
    headers: list[tuple[bytes, bytes]], status: int
) -> None:
    assert asked("127.0.0.1", "GET", *headers)[0] == status

"""Requests that are not let through to any route."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from player.endpoints.http.guard import Guard


def answer(*headers: tuple[bytes, bytes]) -> int:
    """Return the status of the answer to a request; 0: it was let through."""
    messages: list[Any] = []

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        messages.append({"status": 0})

    async def send(message: Any) -> None:
        messages.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "server": ("127.0.0.1", 80),
        "headers": [(b"host", b"127.0.0.1:80"), *headers],
    }
    asyncio.run(Guard(app, ["localhost"])(scope, None, send))
    return int(messages[0]["status"])


LENGTH, CHUNKED = (b"content-length", b"5"), (b"transfer-encoding", b"chunked")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([LENGTH], 0),
        ([CHUNKED], 0),
        ([LENGTH, CHUNKED], 400),
        ([CHUNKED, LENGTH], 400),
        ([(b"range", b"bytes=" + b",".join([b"1-2"] * 16))], 0),
        ([(b"range", b"bytes=" + b",".join([b"1-2"] * 17))], 416),
    ],
)
def test_a_request_that_two_may_read_in_two_ways_is_refused(
    headers: list[tuple[bytes, bytes]], status: int
) -> None:
    assert answer(*headers) == status

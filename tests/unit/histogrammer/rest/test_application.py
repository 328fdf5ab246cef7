"""Answers as an ASGI server is handed them."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from support.rest_client import rest_client

from groundwork.peers import Peers
from histogrammer.rest.application import Application
from histogrammer.rest.handlers import contents


def test_pieces_are_made_no_more_when_the_client_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Generator[bytes, None, None]] = []
    closed: list[bool] = []

    def pieces(*_: object, most: int) -> Generator[bytes, None, None]:
        def endless() -> Generator[bytes, None, None]:
            try:
                while True:
                    yield b" "
            finally:
                closed.append(True)

        made.append(endless())
        return made[0]

    monkeypatch.setattr(contents, "contents_pieces", pieces)
    monkeypatch.setattr(contents, "SMALL_CELLS", 1)
    monkeypatch.setattr(contents, "WHOLE_CELLS", -1)
    sent: list[MutableMapping[str, Any]] = []
    scope = {
        "type": "http",
        "asgi": {"spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "path": "/spectcl/spectrum/contents",
        "raw_path": b"/spectcl/spectrum/contents",
        "query_string": b"name=h",
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }

    async def ask(application: Application) -> None:
        is_gone = asyncio.Event()

        async def receive() -> dict[str, str]:
            await is_gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)
            if len(sent) == 3:
                is_gone.set()
                await asyncio.Event().wait()  # as long as the peer takes nothing

        await application.asgi(scope, receive, send)

    with rest_client(tmp_path) as rest, asyncio.Runner() as runner:
        rest.book("h", "1", "a", "0 8 8")
        runner.run(ask(Application(rest.program, {"localhost"})))
    assert [message.get("status") for message in sent] == [200, None, None]
    assert not any(name == b"content-length" for name, _ in sent[0]["headers"])
    assert closed == [True]


def test_a_role_allows_some_requests_and_the_others_are_told_which_they_need(
    tmp_path: Path,
) -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def ask(application: Application, request: str, query: str = "") -> tuple[int, str]:
        sent.clear()
        scope = {
            "type": "http",
            "asgi": {"spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "path": f"/spectcl/{request}",
            "raw_path": f"/spectcl/{request}".encode(),
            "query_string": query.encode(),
            "headers": [(b"host", b"localhost"), (b"accept", b"application/json")],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        await application.asgi(scope, None, send)
        return sent[0]["status"], sent[1]["body"].decode()

    asked = ("spectrum/list", ""), ("spectrum/zero", "pattern=*"), ("exit", "")
    statuses = {"observe": [200, 403, 403], "operate": [200, 200, 403]}
    with rest_client(tmp_path) as rest, asyncio.Runner() as runner:
        rest.book("h", "1", "a", "0 8 8")
        for role, expected in statuses.items():
            application = Application(rest.program, {"localhost"}, Peers([f"127.0.0.0/8={role}"]))
            answers = [runner.run(ask(application, *one)) for one in asked]
            assert [status for status, _ in answers] == expected
            assert f"give {role} to 127.0.0.1" in answers[-1][1]

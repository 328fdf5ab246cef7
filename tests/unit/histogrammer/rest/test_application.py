"""Answers as an ASGI server is handed them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator, MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.rest_client import rest_client

from groundwork.peers import Peers
from histogrammer.flavors import SPECTCL
from histogrammer.rest.application import RestApplication
from histogrammer.rest.handlers import contents
from player.endpoints.changes import Changes
from zmqjsonproxy.engine.callrecords import CallOutcome, CallRecord
from zmqjsonproxy.errors import NotInControlError


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

    async def ask(application: RestApplication) -> None:
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
        runner.run(ask(RestApplication(rest.program, {"localhost"})))
    assert [message.get("status") for message in sent] == [200, None, None]
    assert not any(name == b"content-length" for name, _ in sent[0]["headers"])
    assert closed == [True]


class Asker:
    """Hands requests of a client to an application."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._sent: list[MutableMapping[str, Any]] = []

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        self._sent.append(message)

    def __call__(
        self, application: RestApplication, request: str, query: str = ""
    ) -> tuple[int, str]:
        """Return status and body."""
        self._sent.clear()
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
        self._runner.run(application.asgi(scope, None, self._send))
        return self._sent[0]["status"], self._sent[1]["body"].decode()


def test_a_role_allows_some_requests_and_the_others_are_told_which_they_need(
    tmp_path: Path,
) -> None:
    asked = ("spectrum/list", ""), ("spectrum/zero", "pattern=*"), ("exit", "")
    statuses = {"observe": [200, 403, 403], "operate": [200, 200, 403]}
    with rest_client(tmp_path) as rest, asyncio.Runner() as runner:
        ask = Asker(runner)
        rest.book("h", "1", "a", "0 8 8")
        for role, expected in statuses.items():
            application = RestApplication(
                rest.program, {"localhost"}, Peers([f"127.0.0.0/8={role}"])
            )
            answers = [ask(application, *one) for one in asked]
            assert [status for status, _ in answers] == expected
            assert f"give {role} to 127.0.0.1" in answers[-1][1]


def test_observers_change_nothing_by_what_only_spectcl_carries_out(tmp_path: Path) -> None:
    with rest_client(tmp_path, flavor=SPECTCL) as rest, asyncio.Runner() as runner:
        application = RestApplication(rest.program, {"localhost"}, Peers(["127.0.0.0/8"]))
        query = "pseudo=p&parameter=a&computation=$a"
        status, told = Asker(runner)(application, "pseudo/create", query)
        assert (status, "is for the role operate" in told) == (403, True)
        assert Asker(runner)(application, "pseudo/list")[0] == 200
        assert rest.ok("pseudo/list") == []


def test_changes_that_observers_ask_for_are_journaled_as_refused(tmp_path: Path) -> None:
    records: list[CallRecord] = []
    with rest_client(tmp_path) as rest, asyncio.Runner() as runner:
        program = replace(rest.program, changes=Changes(on_command=records.append))
        application = RestApplication(program, {"localhost"}, Peers(["127.0.0.0/8"]))
        for request in ("spectrum/zero", "spectrum/list", "trace/establish", "exit"):
            Asker(runner)(application, request, "pattern=*")
    told = [(record.target, record.outcome, record.kwargs["pattern"]) for record in records]
    refused = CallOutcome.REFUSED
    assert told == [
        ("endpoint.spectrum/zero", refused, ["*"]),
        ("endpoint.exit", refused, ["*"]),
    ]


def test_changes_wait_for_control_and_are_journaled_with_their_peer(tmp_path: Path) -> None:
    records: list[CallRecord] = []
    owner: list[str] = []

    def check() -> None:
        if owner:
            raise NotInControlError(f"{owner[0]} has control")

    def take(record: CallRecord) -> None:
        if record not in records:
            records.append(record)

    with rest_client(tmp_path) as rest, asyncio.Runner() as runner:
        changes = Changes(endpoint="rest", check_control=check, on_command=take)
        ended: list[bool] = []
        program = replace(rest.program, changes=changes, end=lambda: ended.append(True))
        application, ask = RestApplication(program, {"localhost"}), Asker(runner)
        book = "spectrum/create", "name=h&type=1&parameters=a&axes={0%208%208}"
        assert json.loads(ask(application, *book)[1])["status"] == "OK"
        assert "exists" in json.loads(ask(application, *book)[1])["detail"]
        owner.append("night")
        for request, query in [
            ("spectrum/zero", "pattern=*"),
            ("swrite", "file=f&format=json&spectrum=h"),
            ("exit", ""),
        ]:
            status, body = ask(application, request, query)
            assert (status, json.loads(body)["status"]) == (200, "night has control")
        for request in ("spectrum/list", "shmem/key", "trace/establish"):
            assert json.loads(ask(application, request, "retention=30")[1])["status"] == "OK"
        assert not ended
        owner.clear()
        assert json.loads(ask(application, "exit")[1])["status"] == "OK"
        assert ended == [True]
    told = [(record.target, record.outcome) for record in records]
    assert told == [
        ("rest.spectrum/create", CallOutcome.DONE),
        ("rest.spectrum/create", CallOutcome.FAILED),
        ("rest.spectrum/zero", CallOutcome.REFUSED),
        ("rest.swrite", CallOutcome.REFUSED),
        ("rest.exit", CallOutcome.REFUSED),
        ("rest.exit", CallOutcome.DONE),
    ]
    assert {record.caller.name for record in records} == {"rest@127.0.0.1:1"}
    assert records[0].kwargs["name"] == "h"

"""The guard before routes: peers, what is read in two ways, and refusals in the words of each
endpoint."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from groundwork.peers import Peers
from groundwork.roles import Role
from player.endpoints.http.guard import BURST, PERSON, ROLE, Guard, GuardRules
from player.endpoints.http.logins import Logins
from zmqjsonproxy.keys import ClientKey


def asked(peer: str, method: str = "GET", *headers: tuple[bytes, bytes]) -> tuple[int, bytes]:
    """Return status and body for a request of a peer."""
    rules = GuardRules(
        names={"localhost"},
        only_get="only GET",
        longest_target=100,
        peers=Peers(["10.0.0.0/8"]),
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


KEY = ClientKey(name="ann", role=Role.OPERATE, public="")
BROWSER = {"origin": "http://localhost:80", "sec-fetch-site": "same-origin", "x-dealer-player": "1"}


class Asking:
    """A guard that demands proofs, and what it lets through."""

    def __init__(self, known: dict[str, ClientKey]) -> None:
        self.let_through: list[dict[str, Any]] = []
        rules = GuardRules(
            names={"localhost"},
            only_get="only GET",
            longest_target=100,
            logins=Logins(known.get, port=80, is_secure=False),
            public=("/login", "/static/"),
            changes=("/login",),
            peers=Peers(),
        )
        self.guard = Guard(self._answer, rules)
        self.running: list[Any] = []

    async def _answer(self, scope: Any, _receive: Any, send: Any) -> None:
        self.let_through.append(scope)
        self.running = self.guard.running
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def ask(
        self, path: str = "/", method: str = "GET", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str]]:
        named = {"host": "localhost:80", **(headers or {})}
        scope = {
            "type": "http",
            "scheme": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(name.encode(), text.encode()) for name, text in named.items()],
            "client": ("127.0.0.1", 1234),
            "server": ("127.0.0.1", 80),
        }
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.guard(scope, None, send))
        told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], told


def test_who_proves_nothing_is_shown_the_login_and_programs_are_told_so() -> None:
    asking = Asking({})
    status, headers = asking.ask()
    assert (status, headers["www-authenticate"]) == (401, "Bearer")
    status, headers = asking.ask("/Controls", headers={"sec-fetch-mode": "navigate"})
    assert (status, headers["location"]) == (303, "/login?to=/Controls")
    assert asking.ask("/login")[0] == asking.ask("/static/style.css")[0] == 200
    assert [scope.get(PERSON) for scope in asking.let_through] == [None, None]


def test_a_token_in_the_header_proves_who_asks_as_long_as_it_is_answered() -> None:
    asking = Asking({"right": KEY})
    assert asking.ask(headers={"authorization": "Bearer right"})[0] == 200
    (scope,) = asking.let_through
    assert (scope[PERSON].key, scope[PERSON].role, scope[ROLE]) == ("ann", Role.OPERATE, Role.ADMIN)
    assert asking.running == [(scope[PERSON], ("127.0.0.1", 1234), "127.0.0.1")]
    assert asking.guard.running == []
    assert asking.ask(headers={"authorization": "Bearer wrong"})[0] == 401


@pytest.mark.parametrize(
    ("path", "change", "status"),
    [
        ("/login", {}, 200),
        ("/login", {"origin": "http://localhost:81"}, 403),
        ("/login", {"x-dealer-player": "0"}, 403),
        ("/login", {"sec-fetch-site": "same-site"}, 403),
        ("/login", {"content-type": "text/plain", "content-length": "2"}, 403),
        ("/", {}, 405),
    ],
)
def test_what_changes_something_comes_from_our_own_pages(
    path: str, change: dict[str, str], status: int
) -> None:
    assert Asking({}).ask(path, "POST", {**BROWSER, **change})[0] == status


def test_a_flood_of_one_address_is_answered_429_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asking = Asking({"right": KEY})
    bearer = {"authorization": "Bearer right"}
    answers = [asking.ask(headers=bearer) for _ in range(int(BURST) + 200)]
    assert answers[0][0] == 200
    refused = [headers for status, headers in answers if status == 429]
    assert refused[0]["retry-after"] == "1"
    assert caplog.text.count("asks too often") == 1

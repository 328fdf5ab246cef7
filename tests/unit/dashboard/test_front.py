"""The front: requests that came through a web server, as the browser sent them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dashboard.front import Front, FrontRules, forwarded_for
from player.endpoints.http.guard import address_of

ORIGIN = "https://vegas.example.org"
RULES = FrontRules(
    origins=[ORIGIN, "http://[fd00::7]:8000"], proxies=["127.0.0.1", "::1"], prefix="/vegas"
)


def through(rules: FrontRules, path: str = "/", **scope: Any) -> tuple[dict[str, Any], list[Any]]:
    """Send a request; what comes behind the front, and the headers that come out of it."""
    seen: list[dict[str, Any]] = []
    sent: list[Any] = []

    async def app(scope: dict[str, Any], _receive: Any, send: Any) -> None:
        seen.append(scope)
        headers = [(b"location", b"/login?to=/hosts"), (b"x", b"/y")]
        await send({"type": "http.response.start", "status": 303, "headers": headers})

    async def send(message: dict[str, Any]) -> None:
        sent.extend(message["headers"])

    headers = [
        (name.replace("_", "-").encode(), value.encode())
        for name, value in scope.pop("headers", {}).items()
    ]
    asked = {
        "type": "http",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "client": ("127.0.0.1", 5),
        "headers": headers,
        **scope,
    }
    asyncio.run(Front(app, rules)(asked, None, send))
    return seen[0], sent


def host_of(scope: dict[str, Any]) -> str:
    return "".join(value.decode() for name, value in scope["headers"] if name == b"host")


@pytest.mark.parametrize(
    ("values", "address"),
    [
        (["203.0.113.7"], "203.0.113.7"),
        (["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        (["198.51.100.1", "203.0.113.7, 127.0.0.1"], "203.0.113.7"),
        (["::ffff:203.0.113.7"], "203.0.113.7"),
        (["fd00::9"], "fd00::9"),
        (["203.0.113.7, nonsense"], ""),
        (["unknown"], ""),
        (["127.0.0.1"], ""),
        ([""], ""),
        ([], ""),
    ],
)
def test_the_last_address_that_is_no_proxy_is_that_of_the_client(
    values: list[str], address: str
) -> None:
    assert forwarded_for(values, RULES.proxies) == address


def test_only_proxies_that_are_named_are_believed() -> None:
    told = {"x_forwarded_for": "203.0.113.7"}
    assert address_of(through(RULES, headers=told)[0]) == "203.0.113.7"
    assert (
        address_of(through(RULES, headers=told, client=("::ffff:127.0.0.1", 1))[0]) == "203.0.113.7"
    )
    assert address_of(through(RULES, headers=told, client=("10.0.0.9", 1))[0]) == "10.0.0.9"
    assert address_of(through(FrontRules(), headers=told)[0]) == "127.0.0.1"


def test_a_host_of_an_origin_has_its_scheme() -> None:
    for kind, scheme in (("http", "https"), ("websocket", "wss")):
        scope, _ = through(RULES, headers={"host": "Vegas.example.org"}, type=kind)
        assert scope["scheme"] == scheme
    for host in ("127.0.0.1:8080", "vegas.example.org:8080", "[fd00::7]:8000", "evil.example.org"):
        scope, _ = through(RULES, headers={"host": host})
        assert (scope["scheme"], host_of(scope)) == ("http", host)


def test_an_own_origin_stands_for_a_host_that_the_web_server_has_changed() -> None:
    scope, _ = through(RULES, headers={"host": "127.0.0.1:8080", "origin": ORIGIN})
    assert (scope["scheme"], host_of(scope)) == ("https", "vegas.example.org")
    for origin in ("https://evil.example.org", "http://vegas.example.org", "null"):
        scope, _ = through(RULES, headers={"host": "127.0.0.1:8080", "origin": origin})
        assert (scope["scheme"], host_of(scope)) == ("http", "127.0.0.1:8080")


@pytest.mark.parametrize(
    ("path", "inner"),
    [
        ("/vegas", "/"),
        ("/vegas/", "/"),
        ("/vegas/api/site", "/api/site"),
        ("/vegas2/api", "/vegas2/api"),
        ("/api/site", "/api/site"),
    ],
)
def test_the_path_below_which_it_is_seen_is_taken_away(path: str, inner: str) -> None:
    scope, _ = through(RULES, path)
    assert (scope["path"], scope["raw_path"]) == (inner, inner.encode())


def test_redirections_lead_to_where_the_browser_sees_it() -> None:
    assert dict(through(RULES)[1]) == {b"location": b"/vegas/login?to=/hosts", b"x": b"/y"}
    assert dict(through(FrontRules())[1])[b"location"] == b"/login?to=/hosts"


def test_names_of_origins_are_names_of_the_host() -> None:
    assert RULES.names == {"vegas.example.org", "fd00::7"}

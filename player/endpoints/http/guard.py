"""Guard before all routes: whom is answered, by which methods, with which headers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote

from groundwork.peers import Peers
from groundwork.roles import Role
from player.endpoints.http.logins import Logins, NotProvedError
from player.endpoints.http.protocol.backoff import Buckets, source_of
from player.endpoints.http.protocol.origins import change_refusal, refusal
from player.endpoints.http.protocol.sessions import Person
from player.endpoints.http.protocol.texts import write_json

__all__ = [
    "ADDRESS",
    "HEAD",
    "PERSON",
    "ROLE",
    "Guard",
    "GuardRules",
    "RunningRequest",
    "address_of",
    "content_policy",
]

log = logging.getLogger(__name__)

HEAD = "dealer_player.head"
"""Key of a scope: the body is not wanted."""
PERSON = "dealer_player.person"
"""Key of a scope: the Person who asks; not there where nobody has to prove who they are."""
ROLE = "dealer_player.role"
"""Key of a scope: the Role of the address that it comes from; None: there are no peers."""
ADDRESS = "dealer_player.address"
"""Key of a scope: address that a trusted proxy has told; not there without one."""
LOGIN = "/login"
RATE, BURST = 50.0, 200.0
"""Requests of one address, per second and at once, where people log in."""
MAX_RANGES = 16
"""Of one request: many would be much work for few bytes."""
_LOG_EVERY_S = 60.0


def content_policy(script_hash: str = "") -> str:
    """Return the content security policy of a page.

    Args:
        script_hash: Of the inline script that it may have, as "sha256-..."; empty: of none.
    """
    scripts = f"'self' '{script_hash}'" if script_hash else "'self'"
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", content_policy().encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]
Scope = MutableMapping[str, Any]


def _detail(_status: int, why: str) -> bytes:
    return write_json({"detail": why}).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRules:
    """Rules of a guard.

    Attributes:
        names: By which the host may be called, in lower case.
        only_get: Sentence for who asks by another method than GET and HEAD.
        longest_target: Bytes of path and query.
        streams: Paths that have no end, so that HEAD has no sense.
        links: Pages of other origins may have links to it: to follow one changes nothing.
        peers: Those that may ask; None: any may.
        logins: Prove who asks; None: nobody has to.
        public: Beginnings of paths that are for all.
        changes: Paths that take POST.
        body: JSON of a refusal, of status and sentence.
    """

    names: Collection[str]
    only_get: str
    longest_target: int
    streams: Collection[str] = ()
    links: bool = True
    peers: Peers | None = None
    logins: Logins | None = None
    public: tuple[str, ...] = ()
    changes: Collection[str] = ()
    body: Callable[[int, str], bytes] = _detail


class RunningRequest(NamedTuple):
    """Request of a person that is being answered.

    Attributes:
        person: Who asks.
        peer: Address and port of its connection.
        address: Where the person is, as far as that is known.
    """

    person: Person
    peer: tuple[str, int]
    address: str


class Guard:
    """ASGI application before another one.

    Args:
        app: Answers what is let through.
        rules: What is.
    """

    def __init__(self, app: Any, rules: GuardRules) -> None:
        self._app, self._rules = app, rules
        self._logged_at = float("-inf")
        self._buckets = Buckets(RATE, BURST)
        self._running: dict[object, RunningRequest] = {}
        self.refused = 0

    @property
    def running(self) -> list[RunningRequest]:
        """Requests of people that are being answered."""
        return list(self._running.values())

    def count_at(self, address: str) -> int:
        """Return the number of requests of people at an address that are being answered."""
        return sum(each.address == address for each in self._running.values())

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer a request, or let it through."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = _headers(scope)
        refused = self._refusal(scope, headers)
        if refused is not None:
            await self._refuse(scope, send, *refused)
            return
        try:
            person, role = self._proved(scope, headers)
        except NotProvedError as error:
            await self._not_proved(scope, send, headers, error)
            return

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"].endswith("response.start"):
                own = {name.lower() for name, _ in message.get("headers", ())}
                added = [pair for pair in _HEADERS if pair[0] not in own]
                message["headers"] = [*message.get("headers", ()), *added]
            await send(message)

        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET", HEAD: True}  # the server leaves the body out
        known = {PERSON: person} if person is not None else {}
        with self._attended(person, scope):
            await self._app({**scope, **known, ROLE: role}, receive, send_with_headers)

    @contextmanager
    def _attended(self, person: Person | None, scope: Scope) -> Iterator[None]:
        """Know of a person's request as long as it is being answered."""
        if person is None:
            yield
            return
        this = object()
        host, port = (scope.get("client") or ("", 0))[:2]
        self._running[this] = RunningRequest(person, (host, port), address_of(scope))
        try:
            yield
        finally:
            del self._running[this]

    def _refusal(self, scope: Scope, headers: Mapping[str, str]) -> tuple[int, str] | None:
        """Return status and sentence for a request that is not answered."""
        rules = self._rules
        is_websocket = scope["type"] == "websocket"
        if why := self._stranger(scope, headers):
            self._note(why)
            return 403, why
        if rules.logins is not None:
            source = source_of(address_of(scope))
            if not self._buckets.take(source, time.monotonic()):
                why = f"{source} asks too often: {RATE:g} requests in a second are answered"
                self._note(why)
                return 429, why
        if not is_websocket:
            method = scope["method"]
            is_endless = method == "HEAD" and scope["path"] in rules.streams
            if method == "POST" and scope["path"] in rules.changes:
                if why := change_refusal(headers, scheme=scope.get("scheme", "http")):
                    self._note(why)
                    return 403, why
            elif method not in ("GET", "HEAD") or is_endless:
                return 405, rules.only_get
        longest = rules.longest_target
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > longest:
            return 414, f"an address here has at most {longest} characters"
        if "transfer-encoding" in headers and "content-length" in headers:  # request smuggling
            return 400, "a request has either Content-Length or Transfer-Encoding, not both"
        if (ranges := headers.get("range", "").count(",") + 1) > MAX_RANGES:
            return 416, f"{ranges} ranges in one request; at most {MAX_RANGES}: ask again"
        return None

    def _proved(
        self, scope: Scope, headers: Mapping[str, str]
    ) -> tuple[Person | None, Role | None]:
        """Return who asks, and the role of their address, as far as rules ask for that;
        NotProvedError: it is asked for, and not proved."""
        rules, peer = self._rules, address_of(scope)
        role = None if rules.peers is None else rules.peers.role(peer)
        if rules.logins is None or scope["path"].startswith(rules.public):
            return None, role
        is_act = scope.get("method") == "POST" or _is_navigation(headers)
        return rules.logins.person(headers, peer, is_act=is_act), role

    async def _not_proved(
        self, scope: Scope, send: Any, headers: Mapping[str, str], error: NotProvedError
    ) -> None:
        if error.status == 401 and scope["type"] == "http" and _is_navigation(headers):
            to = scope["path"] if scope["path"] not in ("", "/") else ""
            place = f"{LOGIN}?to={quote(to, safe='/')}" if to else LOGIN
            await self._refuse(scope, send, 303, "log in", {"location": place})
            return
        self._note(error.why)
        await self._refuse(scope, send, error.status, error.why, error.headers)

    def _stranger(self, scope: Scope, headers: Mapping[str, str]) -> str:
        """Return why who asks is not answered; empty: they are."""
        rules = self._rules
        peer = address_of(scope)
        if rules.peers is not None and rules.peers.role(peer) is None:
            return f"{peer} is none of the `peers` in the table of this endpoint; add it there"
        return refusal(
            headers,
            is_websocket=scope["type"] == "websocket",
            local=(scope.get("server") or ("",))[0],
            names=rules.names,
            links=rules.links,
        )

    def _note(self, why: str) -> None:
        """Count a refusal, and log one a minute."""
        self.refused += 1
        now = time.monotonic()
        if now - self._logged_at > _LOG_EVERY_S:
            self._logged_at = now
            log.warning("a request was refused (%d so far): %s", self.refused, why)

    async def _refuse(
        self,
        scope: Scope,
        send: Any,
        status: int,
        why: str,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
        body = self._rules.body(status, why)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
            *_HEADERS,
            *((name.encode(), value.encode()) for name, value in more.items()),
        ]
        if status == 405:
            headers.append((b"allow", b"GET, HEAD"))
        elif status == 429 and not more:
            headers.append((b"retry-after", b"1"))
        await send({"type": f"{kind}.start", "status": status, "headers": headers})
        await send({"type": f"{kind}.body", "body": body})


def address_of(scope: Mapping[str, Any]) -> str:
    """Return the address that a request comes from; empty: not known."""
    return str(scope.get(ADDRESS) or (scope.get("client") or ("",))[0])


def _is_navigation(headers: Mapping[str, str]) -> bool:
    """Tell whether a person opens a page; of programs and scripts nothing says so."""
    return headers.get("sec-fetch-mode") == "navigate"


def _headers(scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found

"""Guard before all routes: whom is answered, by which methods, with which headers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, MutableMapping
from dataclasses import dataclass
from typing import Any

from player.endpoints.http.protocol.origins import Network, is_admitted, refusal
from player.endpoints.http.protocol.texts import write_json

__all__ = ["HEAD", "Guard", "GuardRules"]

log = logging.getLogger(__name__)

HEAD = "dealer_player.head"
"""Key of a scope: the body is not wanted."""
RANGES_MOST = 16
"""Of one request: many would be much work for few bytes."""
_LOG_EVERY_S = 60.0
_HEADERS = [
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        b"connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
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
        networks: Of peers that may ask besides those of this host; None: any peer may.
        body: JSON of a refusal, of status and sentence.
    """

    names: Collection[str]
    only_get: str
    longest_target: int
    streams: Collection[str] = ()
    links: bool = True
    networks: Collection[Network] | None = None
    body: Callable[[int, str], bytes] = _detail


class Guard:
    """ASGI application before another one.

    Args:
        app: Answers what is let through.
        rules: What is.
    """

    def __init__(self, app: Any, rules: GuardRules) -> None:
        self._app, self._rules = app, rules
        self._logged_at = float("-inf")
        self.refused = 0

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer a request, or let it through."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refused = self._refusal(scope)
        if refused is not None:
            await self._refuse(scope, send, *refused)
            return

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"].endswith("response.start"):
                own = {name.lower() for name, _ in message.get("headers", ())}
                added = [pair for pair in _HEADERS if pair[0] not in own]
                message["headers"] = [*message.get("headers", ()), *added]
            await send(message)

        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET", HEAD: True}  # the server leaves the body out
        await self._app(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Return status and sentence for a request that is not answered."""
        rules, headers = self._rules, _headers(scope)
        is_websocket = scope["type"] == "websocket"
        if why := self._stranger(scope, headers):
            self._note(why)
            return 403, why
        if not is_websocket:
            method = scope["method"]
            is_endless = method == "HEAD" and scope["path"] in rules.streams
            if method not in ("GET", "HEAD") or is_endless:
                return 405, rules.only_get
        longest = rules.longest_target
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > longest:
            return 414, f"an address here has at most {longest} characters"
        if "transfer-encoding" in headers and "content-length" in headers:  # request smuggling
            return 400, "a request has either Content-Length or Transfer-Encoding, not both"
        if (ranges := headers.get("range", "").count(",") + 1) > RANGES_MOST:
            return 416, f"{ranges} ranges in one request; at most {RANGES_MOST}: ask again"
        return None

    def _stranger(self, scope: Scope, headers: dict[str, str]) -> str:
        """Return why who asks is not answered; empty: they are."""
        rules = self._rules
        peer = (scope.get("client") or ("",))[0]
        if rules.networks is not None and not is_admitted(peer, rules.networks):
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

    async def _refuse(self, scope: Scope, send: Any, status: int, why: str) -> None:
        kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
        body = self._rules.body(status, why)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
            *_HEADERS,
        ]
        if status == 405:
            headers.append((b"allow", b"GET, HEAD"))
        await send({"type": f"{kind}.start", "status": status, "headers": headers})
        await send({"type": f"{kind}.body", "body": body})


def _headers(scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found

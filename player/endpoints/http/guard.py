"""Guard before all routes: whom is answered, by which methods, with which headers."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, MutableMapping
from typing import Any

from player.endpoints.http.protocol.origins import refusal
from player.endpoints.http.protocol.texts import write_json

__all__ = ["HEAD", "STREAMS", "Guard"]

log = logging.getLogger(__name__)

HEAD = "dealer_player.head"
"""Key of a scope: the body is not wanted."""
STREAMS = ("/events", "/ws")
RANGES_MOST = 16
"""Of one request: many would be much work for few bytes."""
LONGEST_TARGET = 4096
_LOG_EVERY_S = 60.0
_ONLY_READS = "this address only reads: GET and HEAD. A Bank is changed by calls, as with the command `dealer`"
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


class Guard:
    """ASGI application before another one.

    Args:
        app: Answers what is let through.
        names: By which the host may be called, in lower case.
    """

    def __init__(self, app: Any, names: Collection[str]) -> None:
        self._app, self._names = app, frozenset(names)
        self._logged_at = float("-inf")
        self.refused = 0

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer a request, or let it through."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refused = self._refusal(scope)
        if refused is not None:
            await _refuse(scope, send, *refused)
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
        headers = _headers(scope)
        local = (scope.get("server") or ("",))[0]
        is_websocket = scope["type"] == "websocket"
        why = refusal(headers, is_websocket=is_websocket, local=local, names=self._names)
        if why:
            self._note(why)
            return 403, why
        if not is_websocket:
            method = scope["method"]
            if method not in ("GET", "HEAD") or (method == "HEAD" and scope["path"] in STREAMS):
                return 405, _ONLY_READS
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > LONGEST_TARGET:
            return 414, f"an address here has at most {LONGEST_TARGET} characters"
        if "transfer-encoding" in headers and "content-length" in headers:  # request smuggling
            return 400, "a request has either Content-Length or Transfer-Encoding, not both"
        if (ranges := headers.get("range", "").count(",") + 1) > RANGES_MOST:
            return 416, f"{ranges} ranges in one request; at most {RANGES_MOST}: ask again"
        return None

    def _note(self, why: str) -> None:
        """Count a refusal, and log one a minute."""
        self.refused += 1
        now = time.monotonic()
        if now - self._logged_at > _LOG_EVERY_S:
            self._logged_at = now
            log.warning("a request was refused (%d so far): %s", self.refused, why)


def _headers(scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


async def _refuse(scope: Scope, send: Any, status: int, why: str) -> None:
    kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
    body = write_json({"detail": why}).encode()
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

"""Front of the dashboard towards a web server before it: requests as browsers sent them.

A web server may end TLS, may serve the dashboard below a path, and is one address for all. What the
configuration names is translated back, and the guard judges the request as if there were none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from groundwork.peers import plain_address
from player.endpoints.http.guard import ADDRESS

__all__ = ["Front", "FrontRules", "forwarded_for"]

Scope = MutableMapping[str, Any]
_FORWARDED, _HOST, _ORIGIN, _LOCATION = b"x-forwarded-for", b"host", b"origin", b"location"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontRules:
    """Rules of a front.

    Attributes:
        origins: Where browsers see the dashboard, as `https://HOST[:PORT]`, in lower case.
        proxies: Addresses whose `X-Forwarded-For` is believed.
        prefix: Path below which browsers see it; empty: they see it at the top.
    """

    origins: Collection[str] = ()
    proxies: Collection[str] = ()
    prefix: str = ""

    @property
    def names(self) -> set[str]:
        """Names of hosts in the origins."""
        places = (origin.partition("://")[2] for origin in self.origins)
        return {
            place.partition("]")[0][1:] if place.startswith("[") else place.partition(":")[0]
            for place in places
        }


def forwarded_for(values: Iterable[str], proxies: Collection[str]) -> str:
    """Return the address that a request comes from, as proxies tell it; empty: they do not.

    Args:
        values: Of the headers `X-Forwarded-For`, in their order.
        proxies: Addresses that are believed: the last one of others is that of the client, and what
            stands before it anybody may have written.
    """
    for text in reversed([part.strip() for value in values for part in value.split(",")]):
        try:
            address = str(plain_address(text))
        except ValueError:
            return ""
        if address not in proxies:
            return address
    return ""


class Front:
    """ASGI application before another one.

    Args:
        app: Gets the requests.
        rules: How they are translated.
    """

    def __init__(self, app: Any, rules: FrontRules) -> None:
        self._app, self._rules = app, rules
        self._by_place = {origin.partition("://")[2]: origin for origin in rules.origins}

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Let a request through."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        translated = self._with_path(self._with_origin(self._with_address(dict(scope))))

        async def send_translated(message: MutableMapping[str, Any]) -> None:
            if message["type"].endswith("response.start"):
                message["headers"] = [
                    (name, self._outside(value) if name.lower() == _LOCATION else value)
                    for name, value in message.get("headers", ())
                ]
            await send(message)

        await self._app(translated, receive, send_translated if self._rules.prefix else send)

    def _with_address(self, scope: Scope) -> Scope:
        peer = str((scope.get("client") or ("",))[0])
        with suppress(ValueError):
            peer = str(plain_address(peer))
        if peer in self._rules.proxies:
            address = forwarded_for(_values(scope, _FORWARDED), self._rules.proxies)
            if address:
                scope[ADDRESS] = address
        return scope

    def _with_origin(self, scope: Scope) -> Scope:
        """Let the request have the scheme and the `Host` that the browser knows of."""
        host = "".join(_values(scope, _HOST)).lower()
        origin = "".join(_values(scope, _ORIGIN)).lower()
        known = self._by_place.get(host)
        if known is None and origin in self._rules.origins:
            known, place = origin, origin.partition("://")[2].encode()
            others = [pair for pair in scope["headers"] if pair[0].lower() != _HOST]
            scope["headers"] = [*others, (_HOST, place)]
        if known is not None and known.startswith("https://"):
            scope["scheme"] = "wss" if scope["type"] == "websocket" else "https"
        return scope

    def _with_path(self, scope: Scope) -> Scope:
        """Take the prefix away, which web servers may have done before."""
        prefix = self._rules.prefix
        if prefix and (scope["path"] == prefix or scope["path"].startswith(f"{prefix}/")):
            scope["path"] = scope["path"].removeprefix(prefix) or "/"
            raw = scope.get("raw_path")
            if raw is not None:
                scope["raw_path"] = raw.removeprefix(prefix.encode()) or b"/"
        return scope

    def _outside(self, location: bytes) -> bytes:
        is_own = location.startswith(b"/") and not location.startswith(b"//")
        return self._rules.prefix.encode() + location if is_own else location


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]

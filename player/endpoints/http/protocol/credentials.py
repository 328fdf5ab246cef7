"""Credentials of a request: the token in its header, the cookie of its session, the body of a login;
and the cookie that a login is answered with. No I/O.

Sources: RFC 6750 (bearer tokens), RFC 6265bis (cookies, prefix `__Host-`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

__all__ = [
    "cookie_name",
    "cookie_that_ends",
    "has_bearer",
    "read_bearer",
    "read_cookies",
    "read_login",
    "session_cookie",
]

_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{1,256}\Z")
_BEARER = re.compile(r"bearer +(\S+)\Z", re.IGNORECASE)


def has_bearer(headers: Mapping[str, str]) -> bool:
    """Tell whether a request brings a token, of whatever form; no page of another site can make a
    browser send this header."""
    return headers.get("authorization", "").lower().startswith("bearer ")


def read_bearer(headers: Mapping[str, str]) -> str:
    """Return the token of a request; empty: it has none that could be one.

    Args:
        headers: By lower-case name; a name that came twice has both values, joined by a comma.
    """
    match = _BEARER.match(headers.get("authorization", "").strip())
    return match[1] if match and _TOKEN.match(match[1]) else ""


def read_login(body: bytes) -> str:
    """Return the token of a login, `{"token": "..."}`.

    Raises:
        ValueError: It is no such JSON.
    """
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    token = told.get("token") if isinstance(told, dict) else None
    if not isinstance(token, str) or not _TOKEN.match(token.strip()):
        raise ValueError('a login is JSON, {"token": "..."}, or has the token in a header')
    return token.strip()


def cookie_name(port: int, *, is_secure: bool) -> str:
    """Return the name of the cookie of a server: cookies of one host ignore ports, so it has the
    port in it."""
    return f"{'__Host-' if is_secure else ''}dealer_player_{port}"


def read_cookies(headers: Mapping[str, str], name: str) -> list[str]:
    """Return the values of the cookies of a name. There may be several: a neighbouring host can put
    one of its own before ours."""
    pairs = (pair.strip().partition("=") for pair in re.split("[;,]", headers.get("cookie", "")))
    return [value for key, _, value in pairs if key == name][:4]


def session_cookie(name: str, secret: str, *, is_secure: bool) -> str:
    """Return the header `Set-Cookie` of a session; it ends with the browser at the latest."""
    return f"{name}={secret}; HttpOnly; SameSite=Strict; Path=/{'; Secure' if is_secure else ''}"


def cookie_that_ends(name: str, *, is_secure: bool) -> str:
    """Return the header `Set-Cookie` that has a browser forget a session."""
    return session_cookie(name, "", is_secure=is_secure) + "; Max-Age=0"

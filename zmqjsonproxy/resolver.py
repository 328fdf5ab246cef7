"""Resolvers of servers under names: a URL of another scheme than ZeroMQ's is turned into an address whenever a
connection is made.

So a server that came back elsewhere is found again, by whoever calls it next. What turns names into
addresses is given to the hub: this package knows no name service.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from groundwork.errors import text_of

__all__ = ["AsyncResolvers", "NotResolvedError", "Resolvers", "scheme_of", "unresolved"]


class NotResolvedError(Exception):
    """There is no address for a URL now; the text says why, for the PeerLostError of the calls that
    wait for it."""


Resolvers = Mapping[str, Callable[[str, float], str]]
"""Scheme -> what turns its URLs, within some seconds, into addresses (`tcp://...`), or raises
NotResolvedError."""

AsyncResolvers = Mapping[str, Callable[[str, float], Awaitable[str]]]
"""The same for hubs that use asyncio."""


def unresolved(error: Exception) -> str:
    """Return why there is no address if whoever should know it fails, which is anybody's code."""
    return f"its address could not be found out: {type(error).__name__}: {text_of(error)}"


def scheme_of(url: str) -> str:
    """Return what stands before `://`; empty if nothing does."""
    scheme, found, _ = url.partition("://")
    return scheme if found else ""

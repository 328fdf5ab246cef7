"""Connections of HTTP endpoints, watched: those that take nothing, ask nothing, or are too many
are ended. A browser that is frozen, or out of reach, keeps nothing for longer than that.

TCP finds the peer that is out of reach, whose host acknowledges nothing, and new kernels the one
that reads nothing, too, which the write buffer of its connection shows in any case.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["MAX_CONNECTIONS", "TAKES_NOTHING_S", "ConnectionWatch", "listen"]

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 256
"""Above the number of streams; each takes some 100 kB at most."""
TAKES_NOTHING_S = 10.0
"""A peer that takes nothing for so long is gone."""
ASKS_NOTHING_S = 10.0
"""A request has so long to come, headers and all."""
_SEND_BUFFER_BYTES = 32 * 1024
"""The kernel keeps so much for a peer: what is beyond is seen here."""
_BACKLOG = 64
_LOOK_EVERY_S = 1.0


def listen(address: str, port: int, *, is_bulky: bool = False) -> socket.socket:
    """Listen at an address. Accepted connections inherit the options.

    Args:
        address: Its number.
        port: 0: any free one.
        is_bulky: Answers are large: the kernel keeps as much for a peer as it thinks best.

    Raises:
        OSError: It cannot be had.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    dual = address == "::"
    made = socket.create_server(
        (address, port), family=family, backlog=_BACKLOG, dualstack_ipv6=dual
    )
    if not is_bulky:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 2)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(TAKES_NOTHING_S * 1000))
    return made


@dataclass(slots=True)
class _Watched:
    """A connection, as it was when it was looked at.

    Attributes:
        protocol: Its first protocol.
        waiting: Bytes that it did not take.
        takes_since: Since when these are so many, s, monotonic.
        asks_since: Since when no request of it is answered, s, monotonic; None: one is.
    """

    protocol: Any
    waiting: int
    takes_since: float
    asks_since: float | None


class ConnectionWatch:
    """All connections of one server, in its loop.

    Args:
        base: Protocol of uvicorn for HTTP.

    Attributes:
        protocol: The same, watched.
        ended: Connections that took or asked nothing.
        refused: Those that were too many.
    """

    def __init__(self, base: Any = H11Protocol) -> None:
        self._watched: dict[asyncio.Transport, _Watched] = {}
        self.ended = self.refused = 0
        watch = self

        class WatchedProtocol(base):  # type: ignore[misc]  # whichever it is
            """HTTP, each of whose connections is watched."""

            def connection_made(self, transport: asyncio.Transport) -> None:
                super().connection_made(transport)
                watch.take(transport, self)

        self.protocol = WatchedProtocol

    def take(self, transport: asyncio.Transport, protocol: Any) -> None:
        """Watch a new connection; one too many is ended at once."""
        if len(self._watched) >= MAX_CONNECTIONS:
            self.look(time.monotonic())
        if len(self._watched) >= MAX_CONNECTIONS:
            self.refused += 1
            transport.abort()
            return
        # a send waits until the kernel, or TLS, has all; with 0, TLS would hold up all for ever
        transport.set_write_buffer_limits(high=1)
        now = time.monotonic()
        self._watched[transport] = _Watched(protocol, 0, now, now)

    def cut(self, peer: tuple[str, int]) -> None:
        """End the connection of a peer at once."""
        for transport in self._watched:
            name = None if _is_let_go(transport) else transport.get_extra_info("peername")
            if name is not None and tuple(name[:2]) == peer:
                transport.abort()

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Look at them each second, and end all at the end."""
        looking = asyncio.create_task(self._run())
        try:
            yield
        finally:
            looking.cancel()
            self.abort()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            try:
                self.look(time.monotonic())
            except Exception:  # of transports, which are the loop's: the others are watched on
                log.exception("a connection could not be looked at")

    def look(self, now: float) -> None:
        """End connections that take or ask nothing for too long."""
        for transport, known in list(self._watched.items()):
            waiting = _waiting_of(transport)
            if transport.is_closing() and not waiting:
                del self._watched[transport]
                continue
            if waiting != known.waiting or not waiting:
                known.waiting, known.takes_since = waiting, now
            is_busy = transport.get_protocol() is not known.protocol or _is_answering(
                known.protocol
            )
            known.asks_since = None if is_busy else (known.asks_since or now)
            takes_nothing = now - known.takes_since > TAKES_NOTHING_S
            if takes_nothing or now - (known.asks_since or now) > ASKS_NOTHING_S:
                self.ended += 1
                del self._watched[transport]
                transport.abort()

    def abort(self) -> None:
        """End all connections at once."""
        for transport in self._watched:
            if not _is_let_go(transport):
                transport.abort()
        self._watched.clear()

    def __len__(self) -> int:
        return sum(not transport.is_closing() for transport in self._watched)


def _waiting_of(transport: asyncio.Transport) -> int:
    """Return how many bytes wait to be sent."""
    return 0 if _is_let_go(transport) else transport.get_write_buffer_size()


def _is_let_go(transport: asyncio.Transport) -> bool:
    """Tell if it is one of TLS that was closed twice: asyncio's has no connection then, and whatever
    is asked of it raises AttributeError."""
    return getattr(transport, "_ssl_protocol", transport) is None


def _is_answering(protocol: Any) -> bool:
    cycle = protocol.cycle
    return cycle is not None and not cycle.response_complete

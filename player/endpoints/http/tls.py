"""TLS of an HTTP server: its certificate files, which are read again when they change, and its
listening, which bounds those that connect and say nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

from zmqjsonproxy.errors import RefusedError

__all__ = ["Certificate", "TlsLoop"]

log = logging.getLogger(__name__)

_BY_ALL = 0o007
_HANDSHAKE_S = 5.0
MAX_HALF_OPEN = 64
"""Connections whose handshake goes on; of more the oldest is ended."""
_PAUSE_S = 0.5
"""After a connection that cannot be accepted: the process has as many files open as it may."""


class Certificate:
    """A certificate and its key.

    Args:
        certificate: File, PEM, of the certificate and those that signed it.
        key: File, PEM, of its key; None: it is in the same one.

    Attributes:
        context: For connections; new ones have the newest certificate.

    Raises:
        RefusedError: They cannot be used; says which, and what to do.
    """

    def __init__(self, certificate: Path, key: Path | None) -> None:
        self._certificate, self._key = certificate, key
        self._seen = self._state()
        self.context = self._made()

    def _made(self) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        made.set_alpn_protocols(["http/1.1"])
        self._load(made)
        return made

    def _load(self, into: ssl.SSLContext) -> None:
        key = self._key or self._certificate
        try:
            if key.stat().st_mode & _BY_ALL:
                raise RefusedError(f"{key} holds a secret that every user reads: chmod o= {key}")
            into.load_cert_chain(self._certificate, self._key, password=_no_password)
        except FileNotFoundError as error:
            missing = error.filename or next(
                (path for path in (self._certificate, key) if not path.exists()), key
            )
            raise RefusedError(f"{missing} is not there: it is for TLS of this endpoint") from error
        except ssl.SSLError as error:
            raise RefusedError(
                f"{self._certificate} and {key} are no certificate and its key, PEM: "
                f"{error.reason or error}"
            ) from error
        except OSError as error:
            raise RefusedError(f"{key} cannot be read: {error.strerror}") from error

    def _state(self) -> tuple[tuple[int, int, int], ...]:
        found = []
        for path in (self._certificate, self._key):
            try:
                state = path.stat() if path else None
            except OSError:
                state = None
            found.append((state.st_ino, state.st_size, state.st_mtime_ns) if state else (0, 0, 0))
        return tuple(found)

    def look(self) -> bool:
        """Read the files again if they have changed; True: new connections have what they hold now.

        What cannot be used is logged, and the certificate stays.
        """
        state = self._state()
        if state == self._seen:
            return False
        self._seen = state
        try:
            self._made()  # a context keeps half of a pair that does not match
            self._load(self.context)
        except RefusedError as error:
            log.error("the old certificate stays: %s", error)
            return False
        log.info("the certificate %s was read again", self._certificate)
        return True


def _no_password() -> str:
    """Refuse: OpenSSL would ask the terminal for the password of an encrypted key."""
    raise RefusedError("the key has a password: write one without, openssl rsa -in KEY -out NEW")


class TlsLoop(asyncio.SelectorEventLoop):
    """Event loop whose servers bound connections that have not finished their handshake: those of
    asyncio keep any number of them for a minute."""

    async def create_server(
        self, protocol_factory: Callable[[], asyncio.BaseProtocol], *args: Any, **options: Any
    ) -> asyncio.Server:
        """Serve at a socket that listens already, `sock`, with the context `ssl`."""
        made = _TlsServer(self, protocol_factory, options["sock"], options["ssl"])
        return cast(asyncio.Server, made)


class _TlsServer:
    """Server of one listening socket, as far as servers of an event loop are used here.

    Args:
        loop: Its event loop.
        protocol_factory: Makes the protocol of a connection.
        listening: The socket.
        context: Of TLS.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        listening: socket.socket,
        context: ssl.SSLContext,
    ) -> None:
        listening.setblocking(False)
        self._loop, self._factory, self._listening = loop, protocol_factory, listening
        self._context = context
        self._half_open: dict[asyncio.Task[None], None] = {}
        self._accepting = loop.create_task(self._accept())

    async def _accept(self) -> None:
        while True:
            try:
                accepted, _ = await self._loop.sock_accept(self._listening)
            except OSError as error:
                log.warning("a connection cannot be accepted: %s", error.strerror)
                await asyncio.sleep(_PAUSE_S)
                continue
            if len(self._half_open) >= MAX_HALF_OPEN:
                oldest = next(iter(self._half_open))
                del self._half_open[oldest]
                oldest.cancel()
            task = self._loop.create_task(self._greet(accepted))
            self._half_open[task] = None
            task.add_done_callback(partial(self._end_greeting, accepted))

    def _end_greeting(self, accepted: socket.socket, task: asyncio.Task[None]) -> None:
        self._half_open.pop(task, None)
        if task.cancelled():  # before it had begun
            accepted.close()

    async def _greet(self, accepted: socket.socket) -> None:
        """Shake hands with a new connection, which goes on by itself then."""
        accepted.setblocking(False)
        try:
            await self._loop.connect_accepted_socket(
                self._factory,
                accepted,
                ssl=self._context,
                ssl_handshake_timeout=_HANDSHAKE_S,
                ssl_shutdown_timeout=_HANDSHAKE_S,
            )
        except (OSError, asyncio.CancelledError):  # a peer that speaks no TLS, or nothing
            accepted.close()

    def close(self) -> None:
        """Accept no more."""
        self._accepting.cancel()
        for task in self._half_open:
            task.cancel()
        self._listening.close()

    async def wait_closed(self) -> None:
        """Wait until none is accepted any more."""
        tasks = [self._accepting, *self._half_open]
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)

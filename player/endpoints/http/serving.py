"""Server of an ASGI application, in a thread, as all HTTP servers here are set: bounds, no log of
strangers' mistakes, no proxies believed."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from uvicorn import Config, Server

if TYPE_CHECKING:
    from player.endpoints.http.connections import ConnectionWatch

__all__ = ["ServerThread", "WebApplication", "names_of_host", "url_of"]

log = logging.getLogger(__name__)

_STREAMS_END_WITHIN_S = 0.5
_END_WITHIN_S = 1.5
_OF_STRANGERS = ("ASGI callable returned without", "Invalid UTF-8 sequence")
"""Beginnings of what uvicorn writes as errors when a WebSocket was refused, or sent no text."""


class WebApplication(Protocol):
    """An ASGI application with its connections."""

    @property
    def asgi(self) -> Any:
        """To be given to a server."""

    @property
    def watch(self) -> ConnectionWatch:
        """Its connections."""

    def end(self, within: float) -> None:
        """Have its streams end; connections that do not within so many s are cut. In the loop."""


def names_of_host(more: Iterable[str]) -> Collection[str]:
    """Return the names by which this host may be called, in lower case: its own, and others."""
    name = socket.gethostname().lower()
    return {"localhost", name, name.partition(".")[0], *map(str.lower, more)}


def url_of(listening: socket.socket, tls: ssl.SSLContext | None) -> str:
    """Return the address of the first page that is served at a socket."""
    host, port = listening.getsockname()[:2]
    scheme = "http" if tls is None else "https"
    return f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"


class ServerThread:
    """Serves an application from `start` to `close`.

    Args:
        application: What it serves.
        listening: Socket; it stays its owner's.
        tls: What TLS is spoken with; None: it is not.
        name: Of the thread.
        loop: Makes its event loop.
        on_end: Called with the reason if it ends before it was closed.
        **settings: Of uvicorn, besides those that all have.
    """

    def __init__(
        self,
        application: WebApplication,
        listening: socket.socket,
        tls: ssl.SSLContext | None,
        *,
        name: str,
        loop: Callable[[], asyncio.AbstractEventLoop],
        on_end: Callable[[str], object],
        **settings: Any,
    ) -> None:
        self._application, self._socket = application, listening
        self._make_loop, self._on_end = loop, on_end
        self._server = _make_server(application, tls, settings)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def _run(self) -> None:
        reason = "its loop ended"
        try:
            with asyncio.Runner(loop_factory=self._make_loop) as runner:
                runner.run(self._serve())
        except (Exception, SystemExit) as error:
            log.exception("the HTTP server failed")
            reason = f"{type(error).__name__}: {error}"
        if not self._closing:
            self._on_end(reason)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._server.serve(sockets=[self._socket])

    def close(self) -> None:
        """End all streams and connections."""
        self._closing = True
        if not self._thread.is_alive():
            return
        self._server.should_exit = True
        if self._loop is not None and self._server.started:
            try:
                self._loop.call_soon_threadsafe(self._application.end, _STREAMS_END_WITHIN_S)
            except RuntimeError:  # it has just ended
                pass
        self._thread.join(_END_WITHIN_S)
        if self._thread.is_alive():
            log.warning("the HTTP server does not end and is left")


def _make_server(
    application: WebApplication, tls: ssl.SSLContext | None, settings: dict[str, Any]
) -> Server:
    logging.getLogger("uvicorn.error").addFilter(_is_of_ours)
    config = Config(
        application.asgi,
        http=application.watch.protocol,
        loop="none",  # that of the thread
        lifespan="on",
        log_config=None,
        log_level="error",  # of a stranger's mistakes nothing is written
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=1,
        **settings,
    )
    config.load()
    config.ssl = tls
    return Server(config)


def _is_of_ours(record: logging.LogRecord) -> bool:
    """Tell whether a record of uvicorn is of no stranger's mistake."""
    return not str(record.msg).startswith(_OF_STRANGERS)

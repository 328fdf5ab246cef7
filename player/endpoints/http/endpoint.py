"""The HTTP endpoint: its address, its thread, its end."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from groundwork.addresses import is_loopback_host
from groundwork.extras import EXTRAS, install_advice
from player.bank import Bank
from player.endpoints.base import EndpointContext, SiteEndpoint
from player.endpoints.http.config import HttpEndpointConfig
from player.findings import Finding
from player.ports import address_of_device
from player.tables import EndpointConfig
from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.files.areas import Areas

if TYPE_CHECKING:
    from uvicorn import Server

    from player.endpoints.http.application import Application

__all__ = ["HttpEndpoint"]

_STREAMS_END_WITHIN_S = 0.5
_END_WITHIN_S = 1.5
_REQUEST_BYTES_MOST = 16 * 1024
_OF_STRANGERS = ("ASGI callable returned without", "Invalid UTF-8 sequence")
"""Beginnings of what uvicorn writes as errors when a WebSocket was refused, or sent no text."""


class HttpEndpoint(SiteEndpoint):
    """Serves pages, JSON, metrics and streams of a Bank, and changes nothing.

    What it tells it asks of its own Player, over the endpoint for calls, as any client does.

    Raises:
        RefusedError: The packages of the extra `web` are not installed, or an area or the folder of
            the site is not there.
        OSError: The address cannot be had.
    """

    def __init__(self, context: EndpointContext) -> None:
        super().__init__(context)
        assert isinstance(context.config, HttpEndpointConfig)
        self._config = context.config
        try:  # now, so that what is missing is told before a device is touched
            import player.endpoints.http.application
            import player.endpoints.http.connections
        except ModuleNotFoundError as error:
            if advice := install_advice(error.name):
                raise RefusedError(advice) from error
            raise
        self._home, self._areas = self._home_folder(), self._served_areas()
        listen = player.endpoints.http.connections.listen
        address = address_of_device(context.bind)
        self._socket = context.serve(self._config.port, lambda port: listen(address, port))
        self._server: Server | None = None
        self._application: Application | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = False
        host, port = self._socket.getsockname()[:2]
        self._url = f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
        if not is_loopback_host(address):
            self.log.warning("%s is open to the network, and nothing asks who looks", self._url)

    @classmethod
    def config_model(cls) -> type[EndpointConfig]:
        """Return the model of its table."""
        return HttpEndpointConfig

    @classmethod
    def diagnose(cls, config: EndpointConfig, bank: str) -> list[Finding]:
        """Return which packages are not installed."""
        missing = [
            package
            for package, extra in EXTRAS.items()
            if extra == "web" and not find_spec(package)
        ]
        advices = (install_advice(package).partition(": ") for package in missing[:1])
        return [Finding("packages", what, remedy, bank) for what, _, remedy in advices]

    @property
    def url(self) -> str:
        """Address of its home page."""
        return self._url

    def _home_folder(self) -> Path | None:
        if self._config.home is None:
            return None
        folder = self.context.directory / self._config.home
        if not folder.is_dir():
            raise RefusedError(
                f"home: {folder} is no folder; make it, or correct the table of this endpoint"
            )
        return folder

    def _served_areas(self) -> Areas:
        bank, known = self.context.bank, self.context.areas
        for area in self._config.areas:
            if area not in known:
                raise RefusedError(
                    f"areas: {bank} has no area {area}; there are {', '.join(known) or 'none'}: add it to "
                    f"[banks.{bank}.files] or [instrument.files]"
                )
        folders = {area: known[area] for area in self._config.areas}
        remedy = "; `areas` in the table of its http endpoint names those that it serves"
        return Areas(folders, f"the http endpoint of {bank}", remedy)

    def open(self, bank: Bank) -> None:
        """Serve, in a thread."""
        from uvicorn import Config, Server

        logging.getLogger("uvicorn.error").addFilter(_is_of_ours)

        from player.endpoints.http.application import Application, Served

        name = socket.gethostname().lower()
        names = {"localhost", name, name.partition(".")[0], *map(str.lower, self._config.hosts)}
        self._application = Application(
            Served(
                bank=bank.name,
                kind=bank.context.config.kind,
                url=self.context.url,
                simulated=bank.context.simulate,
                names=names,
                areas=self._areas,
                file_bytes_per_s=self._config.file_bytes_per_s,
                home=None if self._home is None else Areas({"home": self._home}),
                viewers=self._config.viewers,
                ping_every=self._config.ping_every,
            )
        )
        self._server = Server(
            Config(
                self._application.asgi,
                http=self._application.watch.protocol,
                ws="websockets-sansio",
                loop="asyncio",
                lifespan="on",
                log_config=None,
                log_level="error",  # of a stranger's mistakes nothing is written
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=5,
                timeout_graceful_shutdown=1,
                h11_max_incomplete_event_size=_REQUEST_BYTES_MOST,
                ws_max_size=_REQUEST_BYTES_MOST,
                ws_ping_interval=10.0,
                ws_ping_timeout=10.0,
                ws_per_message_deflate=False,
            )
        )
        self._thread = threading.Thread(
            target=self._run, args=(self._server,), name=f"http {bank.name}", daemon=True
        )
        self._thread.start()

    def _run(self, server: Server) -> None:
        reason = "its loop ended"
        try:
            asyncio.run(self._serve(server))
        except (Exception, SystemExit) as error:
            self.log.exception("the HTTP server failed")
            reason = f"{type(error).__name__}: {error}"
        if not self._closing:
            self.context.on_end(reason)

    async def _serve(self, server: Server) -> None:
        self._loop = asyncio.get_running_loop()
        await server.serve(sockets=[self._socket])

    def close(self) -> None:
        """End all streams and connections, and give the address back."""
        self._closing = True
        if self._thread is not None and self._thread.is_alive():
            self._end_server()
            self._thread.join(_END_WITHIN_S)
            if self._thread.is_alive():
                self.log.warning("the HTTP server does not end and is left")
        self._socket.close()

    def _end_server(self) -> None:
        server, application, loop = self._server, self._application, self._loop
        if server is None or application is None:
            return
        server.should_exit = True
        if loop is not None and server.started:
            try:
                loop.call_soon_threadsafe(application.end, _STREAMS_END_WITHIN_S)
            except RuntimeError:  # it has just ended
                pass


def _is_of_ours(record: logging.LogRecord) -> bool:
    """Tell whether a record of uvicorn is of no stranger's mistake."""
    return not str(record.msg).startswith(_OF_STRANGERS)

"""Base of endpoints that serve HTTP: their address, their thread, their end."""

from __future__ import annotations

import asyncio
import importlib
import logging
import socket
import ssl
import threading
from abc import abstractmethod
from collections.abc import Collection
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Protocol

from pydantic import AfterValidator, Discriminator, Field, Tag

from groundwork.addresses import checked_host
from groundwork.extras import EXTRAS, install_advice
from player.bank import Bank
from player.endpoints.base import EndpointContext, SiteEndpoint
from player.findings import Finding
from player.ports import address_of_device
from player.tables import EndpointConfig, PortRange, ServiceName, form_of_port
from zmqjsonproxy.errors import RefusedError

if TYPE_CHECKING:
    from uvicorn import Server

    from player.endpoints.http.connections import ConnectionWatch

__all__ = ["FreePortOrService", "WebApplication", "WebEndpoint", "WebEndpointConfig"]

_STREAMS_END_WITHIN_S = 0.5
_END_WITHIN_S = 1.5
_OF_STRANGERS = ("ASGI callable returned without", "Invalid UTF-8 sequence")
"""Beginnings of what uvicorn writes as errors when a WebSocket was refused, or sent no text."""

FreePort = Annotated[int, Field(ge=0, le=65535)]
FreePortOrService = Annotated[
    Annotated[FreePort, Tag("port")]
    | Annotated[PortRange, Tag("range")]
    | Annotated[ServiceName, Tag("service")],
    Discriminator(form_of_port),
]


class WebEndpointConfig(EndpointConfig):
    """The table of such an endpoint: where it serves, and under which names."""

    port: FreePortOrService = Field(
        0, description="TCP port, FIRST-LAST, or service:NAME; 0: any free one"
    )
    hosts: list[Annotated[str, AfterValidator(checked_host)]] = Field(
        default_factory=list,
        description="names by which people open it, besides its address and the host's own name",
    )


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


class WebEndpoint(SiteEndpoint):
    """An HTTP server in a thread.

    Subclasses name the modules that need the packages of the extra `web`, and make the application.

    Raises:
        RefusedError: These packages are not installed.
        OSError: The address cannot be had.
    """

    modules: ClassVar[tuple[str, ...]]
    """Imported by the constructor, so that what is missing is told before a device is touched."""
    settings: ClassVar[dict[str, Any]] = {}
    """Of uvicorn, besides those that all have."""
    is_bulky: ClassVar[bool] = False
    """Answers are large."""
    port: int
    """Port that it serves at."""

    def __init__(self, context: EndpointContext) -> None:
        super().__init__(context)
        assert isinstance(context.config, WebEndpointConfig)
        self._hosts = context.config.hosts
        try:
            for module in ("player.endpoints.http.connections", *self.modules):
                importlib.import_module(module)
        except ModuleNotFoundError as error:
            if advice := install_advice(error.name):
                raise RefusedError(advice) from error
            raise
        from player.endpoints.http.connections import listen

        self._address = self.address(address_of_device(context.bind))
        self._tls = self.tls()
        self._socket = context.serve(
            context.config.port, lambda port: listen(self._address, port, is_bulky=self.is_bulky)
        )
        self._server: Server | None = None
        self._application: WebApplication | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = False
        host, port = self._socket.getsockname()[:2]
        self.port = int(port)
        scheme = "http" if self._tls is None else "https"
        self._url = f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"

    def address(self, bind: str) -> str:
        """Return the address to serve on, of the one that the file says."""
        return bind

    def tls(self) -> ssl.SSLContext | None:
        """Return what TLS is spoken with; None: it is not."""
        return None

    @abstractmethod
    def application(self, bank: Bank, names: Collection[str]) -> WebApplication:
        """Return what is served of a Bank.

        Args:
            bank: It.
            names: By which the host may be called, in lower case.
        """

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
        """Address of its first page."""
        return self._url

    def open(self, bank: Bank) -> None:
        """Serve, in a thread."""
        from uvicorn import Config, Server

        logging.getLogger("uvicorn.error").addFilter(_is_of_ours)
        name = socket.gethostname().lower()
        names = {"localhost", name, name.partition(".")[0], *map(str.lower, self._hosts)}
        self._application = self.application(bank, names)
        config = Config(
            self._application.asgi,
            http=self._application.watch.protocol,
            loop="none",  # that of the thread
            lifespan="on",
            log_config=None,
            log_level="error",  # of a stranger's mistakes nothing is written
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=1,
            **self.settings,
        )
        config.load()
        config.ssl = self._tls
        self._server = Server(config)
        self._thread = threading.Thread(
            target=self._run,
            args=(self._server,),
            name=f"{self.context.name} {bank.name}",
            daemon=True,
        )
        self._thread.start()

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return a new event loop."""
        if self._tls is None:
            return asyncio.new_event_loop()
        from player.endpoints.http.tls import TlsLoop

        return TlsLoop()

    def _run(self, server: Server) -> None:
        reason = "its loop ended"
        try:
            with asyncio.Runner(loop_factory=self.loop) as runner:
                runner.run(self._serve(server))
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

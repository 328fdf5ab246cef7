"""Base of endpoints that serve HTTP: their address, their thread, their end."""

from __future__ import annotations

import asyncio
import importlib
import ssl
from abc import abstractmethod
from collections.abc import Collection, Mapping
from importlib.util import find_spec
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from groundwork.addresses import checked_host
from groundwork.extras import EXTRAS, install_advice
from player.bank import Bank
from player.endpoints.base import EndpointContext, SiteEndpoint
from player.findings import Finding
from player.ports import address_of_device
from player.tables import EndpointConfig, FreePortOrService
from zmqjsonproxy.errors import RefusedError

if TYPE_CHECKING:
    from player.endpoints.http.serving import ServerThread, WebApplication

__all__ = ["WebEndpoint", "WebEndpointConfig"]


class WebEndpointConfig(EndpointConfig):
    """The table of such an endpoint: where it serves, and under which names."""

    port: FreePortOrService = Field(
        0, description="TCP port, FIRST-LAST, or service:NAME; 0: any free one"
    )
    hosts: list[Annotated[str, AfterValidator(checked_host)]] = Field(
        default_factory=list,
        description="names by which people open it, besides its address and the host's own name",
    )


class WebEndpoint(SiteEndpoint):
    """An HTTP server in a thread.

    Subclasses name the modules that need the packages of the extra `web`, and make the application.

    Raises:
        RefusedError: These packages are not installed.
        OSError: The address cannot be had.
    """

    modules: ClassVar[tuple[str, ...]]
    """Imported by the constructor, so that what is missing is told before a device is touched."""
    settings: ClassVar[Mapping[str, Any]] = MappingProxyType({})
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
        from player.endpoints.http.serving import url_of

        self._address = self.address(address_of_device(context.bind))
        self._tls = self.tls()
        self._socket = context.serve(
            context.config.port, lambda port: listen(self._address, port, is_bulky=self.is_bulky)
        )
        self._serving: ServerThread | None = None
        self.port = int(self._socket.getsockname()[1])
        self._url = url_of(self._socket, self._tls)

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
        from player.endpoints.http.serving import ServerThread, names_of_host

        self._serving = ServerThread(
            self.application(bank, names_of_host(self._hosts)),
            self._socket,
            self._tls,
            name=f"{self.context.name} {bank.name}",
            loop=self.loop,
            on_end=self.context.on_end,
            **self.settings,
        )
        self._serving.start()

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return a new event loop."""
        if self._tls is None:
            return asyncio.new_event_loop()
        from player.endpoints.http.tls import TlsLoop

        return TlsLoop()

    def close(self) -> None:
        """End all streams and connections, and give the address back."""
        if self._serving is not None:
            self._serving.close()
        self._socket.close()

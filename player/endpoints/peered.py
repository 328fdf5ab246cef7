"""Endpoints of foreign protocols, whose clients have no keys: they serve this host, or peers.

A protocol over HTTP has only the table from here; one on a socket of its own the endpoint too, which is an event
loop in a thread.
"""

from __future__ import annotations

import socket
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, model_validator

from groundwork.listening import listen
from groundwork.peers import Peers, checked_peer, checked_peers_of
from player.bank import Bank
from player.endpoints.base import EndpointContext, SiteEndpoint
from player.endpoints.loopthread import LoopThread, Serve
from player.ports import address_for_peers, address_of_device, tcp_url
from player.tables import EndpointConfig, FreePortOrService

__all__ = ["PeeredEndpoint", "PeeredEndpointConfig"]


class PeeredEndpointConfig(EndpointConfig):
    """The part of a table that says where it serves, and whom."""

    port: FreePortOrService = Field(
        0, description="TCP port, FIRST-LAST, or service:NAME; 0: any free one"
    )
    peers: list[Annotated[str, AfterValidator(checked_peer)]] = Field(
        default_factory=list,
        description="networks whose hosts may connect, and their role, as 192.168.1.0/24=operate; "
        "without a role it is observe; without them only this host may",
    )

    @model_validator(mode="after")
    def _is_for_somebody(self) -> PeeredEndpointConfig:
        """Refuse an address that others reach, if none of them may connect. That of a device is not
        known here."""
        checked_peers_of(self.bind, self.peers)
        return self


class PeeredEndpoint(SiteEndpoint):
    """An event loop in a thread, with a listening socket. Subclasses call `_begin` in `open`.

    Without peers of other hosts it serves on the loopback address only.

    Attributes:
        peers: Whom it serves.
        socket: Listens.

    Raises:
        RefusedError: There is an address of its own beyond this host, and no peers there.
        OSError: The address cannot be had.
    """

    what: ClassVar[str]
    """The server, as the log calls it."""

    def __init__(self, context: EndpointContext) -> None:
        super().__init__(context)
        config = context.config
        assert isinstance(config, PeeredEndpointConfig)
        self.peers = Peers(config.peers)
        address = address_for_peers(
            address_of_device(context.bind), self.peers, is_own=config.bind is not None
        )
        self.socket: socket.socket = context.serve(config.port, lambda port: listen(address, port))
        host, port = self.socket.getsockname()[:2]
        self._url = tcp_url(host, port)
        self._serving: LoopThread | None = None

    @property
    def url(self) -> str:
        """tcp://HOST:PORT."""
        return self._url

    def _begin(self, bank: Bank, serve: Serve) -> None:
        """Serve a Bank, in a thread."""
        self._serving = LoopThread(
            serve,
            what=self.what,
            name=f"{self.context.name} {bank.name}",
            log=self.log,
            on_end=self.context.on_end,
        )
        self._serving.start()

    def close(self) -> None:
        """End all connections, and give the address back."""
        if self._serving is not None:
            self._serving.close()
        self.socket.close()

"""The endpoint for REST clients of SpecTcl and Rustogramer, `kind = "spectcl"`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from groundwork.peers import Peers
from histogrammer.hosted import histogrammer_of
from player.bank import Bank
from player.endpoints.base import EndpointContext
from player.endpoints.http.webendpoint import WebEndpoint, WebEndpointConfig
from player.endpoints.peered import PeeredEndpointConfig
from player.ports import address_for_peers
from player.tables import EndpointConfig, FreePortOrService

if TYPE_CHECKING:
    from histogrammer.rest.application import RestApplication

__all__ = ["DEFAULT_PORT", "SpecTclEndpoint", "SpecTclEndpointConfig"]

DEFAULT_PORT = 8000
"""Rustogramer's."""


class SpecTclEndpointConfig(PeeredEndpointConfig, WebEndpointConfig):
    """The table: where it serves, and whom."""

    port: FreePortOrService = Field(
        DEFAULT_PORT, description="TCP port, or service:NAME; 0: any free one"
    )


class SpecTclEndpoint(WebEndpoint):
    """Serves a histogrammer to REST clients, which may what the role of their address allows.

    Without peers it serves on the loopback address only.

    Raises:
        RefusedError: The packages of the extra `web` are not installed, or there is an address of
            its own beyond this host and no peers.
        OSError: The address cannot be had.
    """

    modules = ("uvloop", "histogrammer.rest.application")
    settings: ClassVar[Mapping[str, Any]] = MappingProxyType({"ws": "none"})
    is_bulky = True

    def __init__(self, context: EndpointContext) -> None:
        assert isinstance(context.config, SpecTclEndpointConfig)
        self._config = context.config
        super().__init__(context)

    @classmethod
    def config_model(cls) -> type[EndpointConfig]:
        """Return the model of its table."""
        return SpecTclEndpointConfig

    def address(self, bind: str) -> str:
        """Return the address to serve on; that of the Bank is meant for calls."""
        peers = Peers(self._config.peers)
        return address_for_peers(bind, peers, is_own=self._config.bind is not None)

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop that is fastest with large answers."""
        import uvloop

        return uvloop.new_event_loop()

    def application(self, bank: Bank, names: Collection[str]) -> RestApplication:
        """Return its requests."""
        from histogrammer.rest.application import RestApplication
        from histogrammer.rest.program import Program

        histogrammer = histogrammer_of(bank)
        program = Program(
            worker=histogrammer.worker,
            analyzer=histogrammer.analyzer,
            roots=histogrammer.roots,
            folder=str(Path(sys.executable).parent),
            flavor=histogrammer.settings.flavor,
            end=partial(self.context.on_quit, f"a client of {self.url} asked for it"),
            mirrors=lambda: histogrammer.mirrors.entries,
            changes=self.context.changes,
        )
        return RestApplication(program, names, Peers(self._config.peers))

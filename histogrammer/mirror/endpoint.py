"""The endpoint for mirrors of a display memory, `kind = "mirror"`: an event loop in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from histogrammer.hosted import histogrammer_of
from histogrammer.mirror.endpointconfig import MirrorEndpointConfig
from histogrammer.mirror.server import MirrorServer, MirrorServerSettings
from histogrammer.mirror.updates import Updates
from player.bank import Bank
from player.endpoints.base import EndpointContext
from player.endpoints.peered import PeeredEndpoint
from player.tables import EndpointConfig

__all__ = ["MirrorEndpoint"]


class MirrorEndpoint(PeeredEndpoint):
    """Sends the display memory of a histogrammer to those who keep copies of it.

    Without peers it serves on the loopback address only.

    Raises:
        RefusedError: There is an address of its own beyond this host, and no peers.
        OSError: The address cannot be had.
    """

    what = "the mirror server"

    def __init__(self, context: EndpointContext) -> None:
        super().__init__(context)
        assert isinstance(context.config, MirrorEndpointConfig)
        self._mirrors = context.config
        self.server: MirrorServer | None = None

    @classmethod
    def config_model(cls) -> type[EndpointConfig]:
        """Return the model of its table."""
        return MirrorEndpointConfig

    def open(self, bank: Bank) -> None:
        """Serve, in a thread."""
        histogrammer = histogrammer_of(bank)
        settings = MirrorServerSettings(
            peers=self.peers,
            max_clients=self._mirrors.max_clients,
            max_clients_per_host=self._mirrors.max_clients_per_host,
        )
        updates = Updates(histogrammer.worker)
        self.server = MirrorServer(updates, histogrammer.mirrors, self.log, settings)
        self._begin(bank, self._serve)

    async def _serve(self, ended: asyncio.Event, begun: Callable[[], None]) -> None:
        assert self.server is not None
        begun()
        await self.server.serve(self.socket, ended)

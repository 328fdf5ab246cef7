"""The endpoint for mirrors of a display memory, `kind = "mirror"`: an event loop in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from groundwork.peers import Peers
from histogrammer.mirror.endpointconfig import MirrorEndpointConfig
from histogrammer.mirror.server import MirrorServer, MirrorServerSettings, listen
from histogrammer.mirror.updates import Updates
from player.bank import Bank
from player.endpoints.base import EndpointContext, SiteEndpoint
from player.endpoints.loopthread import LoopThread
from player.ports import address_for_peers, address_of_device, tcp_url
from player.tables import EndpointConfig
from zmqjsonproxy.errors import RefusedError

__all__ = ["MirrorEndpoint"]


class MirrorEndpoint(SiteEndpoint):
    """Sends the display memory of a histogrammer to those who keep copies of it.

    Without peers it serves on the loopback address only.

    Raises:
        RefusedError: There is an address of its own beyond this host, and no peers.
        OSError: The address cannot be had.
    """

    def __init__(self, context: EndpointContext) -> None:
        super().__init__(context)
        assert isinstance(context.config, MirrorEndpointConfig)
        self._config = context.config
        self._peers = Peers(self._config.peers)
        address = address_for_peers(
            address_of_device(context.bind), self._peers, is_own=self._config.bind is not None
        )
        self._socket = context.serve(self._config.port, lambda port: listen(address, port))
        host, port = self._socket.getsockname()[:2]
        self._url = tcp_url(host, port)
        self.server: MirrorServer | None = None
        self._serving: LoopThread | None = None

    @classmethod
    def config_model(cls) -> type[EndpointConfig]:
        """Return the model of its table."""
        return MirrorEndpointConfig

    @property
    def url(self) -> str:
        """tcp://HOST:PORT."""
        return self._url

    def open(self, bank: Bank) -> None:
        """Serve, in a thread."""
        from histogrammer.service import Histogrammer  # late: it loads numpy, and what compiles

        histogrammer = getattr(bank, "histogrammer", None)
        if not isinstance(histogrammer, Histogrammer):
            raise RefusedError(
                f'{bank.name} is no histogrammer: give it `kind = "histogrammer"`, or take the table of '
                "this endpoint away"
            )
        settings = MirrorServerSettings(
            peers=self._peers,
            max_clients=self._config.max_clients,
            max_clients_per_host=self._config.max_clients_per_host,
        )
        updates = Updates(histogrammer.worker)
        self.server = MirrorServer(updates, histogrammer.mirrors, self.log, settings)
        self._serving = LoopThread(
            self._serve,
            what="the mirror server",
            name=f"{self.context.name} {bank.name}",
            log=self.log,
            on_end=self.context.on_end,
        )
        self._serving.start()

    async def _serve(self, ended: asyncio.Event, begun: Callable[[], None]) -> None:
        assert self.server is not None
        begun()
        await self.server.serve(self._socket, ended)

    def close(self) -> None:
        """End all connections, and give the address back."""
        if self._serving is not None:
            self._serving.close()
        self._socket.close()

"""The endpoint for clients of a DiFX guiServer, `kind = "guiserver"`: an event loop in a thread."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from gateways.difx.capture import CaptureFile
from gateways.difx.endpointconfig import GuiServerEndpointConfig
from gateways.difx.monitor import LiveMonitor
from gateways.difx.multicast import Bridges
from gateways.difx.relay import Relay, RelaySettings
from gateways.difx.server import GuiServer
from gateways.difx.share import Threads
from player.bank import Bank
from player.endpoints.base import EndpointContext
from player.endpoints.peered import PeeredEndpoint
from player.remotes import resolvers
from player.tables import EndpointConfig
from zmqjsonproxy.errors import RefusedError

if TYPE_CHECKING:
    from gateways.difx.bank import DifxService

__all__ = ["GuiServerEndpoint"]

_THREADS = 64
"""For what may wait: files, the Bank, other Players."""


class GuiServerEndpoint(PeeredEndpoint):
    """Serves jobs and files to clients of a guiServer.

    Without peers of other hosts it serves on the loopback address only.

    Attributes:
        server: Its clients; None: it is not open.

    Raises:
        RefusedError: There is an address of its own beyond this host, and no peers there.
        OSError: The address cannot be had.
    """

    what = "the server of DiFX clients"

    def __init__(self, context: EndpointContext) -> None:
        super().__init__(context)
        assert isinstance(context.config, GuiServerEndpointConfig)
        self._config = context.config
        self.server: GuiServer | None = None

    @classmethod
    def config_model(cls) -> type[EndpointConfig]:
        """Return the model of its table."""
        return GuiServerEndpointConfig

    def open(self, bank: Bank) -> None:
        """Serve, in a thread."""
        from gateways.difx.bank import DifxBank  # late: it loads numpy

        if not isinstance(bank, DifxBank):
            raise RefusedError(
                f'{bank.name} has no correlator jobs: give it `kind = "difx"`, or take the table of '
                "this endpoint away"
            )
        self._begin(bank, functools.partial(self._serve, bank.service))

    async def _serve(
        self, service: DifxService, ended: asyncio.Event, begun: Callable[[], None]
    ) -> None:
        config = self._config
        async with AsyncExitStack() as stack:
            executor = ThreadPoolExecutor(_THREADS, f"{self.context.name} files")
            stack.callback(executor.shutdown, wait=False, cancel_futures=True)
            bridges = None
            if config.multicast.settings is not None:
                bridges = Bridges(config.multicast.settings)
                stack.callback(bridges.close)
                bridges.open()
            players = {name: service.players.url(name) for name in service.players.names}
            settings = RelaySettings(
                name=self.context.bank, players=players, queue=config.relay_queue
            )
            keys = None if self.context.access is None else self.context.access.client_keys()
            publish = None if bridges is None else bridges.publish
            relay = Relay(settings, resolvers(keys), publish, keys=keys)
            stack.push_async_callback(relay.close)
            relay.open()
            service.listen(lambda job, event: relay.tell_job(job.name, job.request.input, event))
            monitor = LiveMonitor(service.find_products, players, resolvers(keys), keys=keys)
            stack.push_async_callback(monitor.close)
            service.listen(lambda job, event: monitor.tell_job(job.request, event))
            capture = None
            if config.capture:
                path = self.context.directory / config.capture
                capture = stack.enter_context(CaptureFile(path, self.url.removeprefix("tcp://")))
            self.server = GuiServer(
                config,
                service,
                self.log,
                Threads(executor),
                relay,
                monitor,
                bridges,
                capture,
                self.context.changes,
            )
            begun()
            await self.server.serve(self.socket, ended)

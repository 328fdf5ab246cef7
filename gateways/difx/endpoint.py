"""The endpoint for clients of a DiFX guiServer, `kind = "guiserver"`: an event loop in a thread."""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from gateways.difx.capture import CaptureFile
from gateways.difx.endpointconfig import GuiServerEndpointConfig
from gateways.difx.monitor import LiveMonitor
from gateways.difx.multicast import Bridges
from gateways.difx.relay import Relay, RelaySettings
from gateways.difx.server import GuiServer
from gateways.difx.share import Threads
from groundwork.addresses import is_loopback_host
from groundwork.peers import Peers, no_peers
from player.bank import Bank
from player.endpoints.base import EndpointContext, SiteEndpoint
from player.ports import address_of_device, tcp_url
from player.remotes import locators
from player.tables import EndpointConfig
from zmqjsonproxy.errors import RefusedError

if TYPE_CHECKING:
    from gateways.difx.bank import DifxService

__all__ = ["GuiServerEndpoint"]

_LOOPBACK = "127.0.0.1"
_THREADS = 64
"""For what may wait: files, the Bank, other Players."""
_END_WITHIN_S = 1.5


class GuiServerEndpoint(SiteEndpoint):
    """Serves jobs and files to clients of a guiServer.

    Without peers of other hosts it serves on the loopback address only.

    Attributes:
        server: Its clients; None: it is not open.

    Raises:
        RefusedError: There is an address of its own beyond this host, and no peers there.
        OSError: The address cannot be had.
    """

    def __init__(self, context: EndpointContext) -> None:
        super().__init__(context)
        assert isinstance(context.config, GuiServerEndpointConfig)
        self._config = context.config
        address = self._address(address_of_device(context.bind))
        self._socket = context.serve(self._config.port, lambda port: _listen(address, port))
        host, port = self._socket.getsockname()[:2]
        self._url = tcp_url(host, port)
        self.server: GuiServer | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._closing = False

    def _address(self, bind: str) -> str:
        """Return the address to serve on; that of the Bank is meant for calls."""
        if Peers(self._config.peers).has_others or is_loopback_host(bind):
            return bind
        if self._config.bind is not None:
            raise RefusedError(no_peers(bind))
        return _LOOPBACK

    @classmethod
    def config_model(cls) -> type[EndpointConfig]:
        """Return the model of its table."""
        return GuiServerEndpointConfig

    @property
    def url(self) -> str:
        """tcp://HOST:PORT."""
        return self._url

    def open(self, bank: Bank) -> None:
        """Serve, in a thread."""
        from gateways.difx.bank import DifxBank  # late: it loads numpy

        if not isinstance(bank, DifxBank):
            raise RefusedError(
                f'{bank.name} has no correlator jobs: give it `kind = "difx"`, or take the table of '
                "this endpoint away"
            )
        ready: Future[None] = Future()
        self._thread = threading.Thread(
            target=self._run,
            args=(bank.service, ready),
            name=f"{self.context.name} {bank.name}",
            daemon=True,
        )
        self._thread.start()
        ready.result()

    def _run(self, service: DifxService, ready: Future[None]) -> None:
        reason = "its loop ended"
        try:
            with asyncio.Runner() as runner:
                runner.run(self._serve(service, ready))
        except Exception as error:
            if not ready.done():
                ready.set_exception(error)
                return
            self.log.exception("the server of DiFX clients failed")
            reason = f"{type(error).__name__}: {error}"
        if not self._closing:
            self.context.on_end(reason)

    async def _serve(self, service: DifxService, ready: Future[None]) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
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
            relay = Relay(settings, locators(keys), publish, keys=keys)
            stack.push_async_callback(relay.close)
            relay.open()
            service.listen(lambda job, event: relay.tell_job(job.name, job.request.input, event))
            monitor = LiveMonitor(service.find_products, players, locators(keys), keys=keys)
            stack.push_async_callback(monitor.close)
            service.listen(lambda job, event: monitor.tell_job(job.request, event))
            capture = None
            if config.capture:
                path = self.context.directory / config.capture
                capture = stack.enter_context(CaptureFile(path, self._url.removeprefix("tcp://")))
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
            ready.set_result(None)
            await self.server.serve(self._socket, self._ended)

    def close(self) -> None:
        """End all connections, and give the address back."""
        self._closing = True
        if self._thread is not None and self._thread.is_alive():
            loop, ended = self._loop, self._ended
            if loop is not None and ended is not None:
                try:
                    loop.call_soon_threadsafe(ended.set)
                except RuntimeError:  # it has just ended
                    pass
            self._thread.join(_END_WITHIN_S)
            if self._thread.is_alive():
                self.log.warning("the server of DiFX clients does not end and is left")
        self._socket.close()


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family, dualstack_ipv6=address == "::")

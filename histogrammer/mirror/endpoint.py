"""The endpoint for mirrors of a display memory, `kind = "mirror"`: an event loop in a thread."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future

from groundwork.addresses import is_loopback_host
from groundwork.peers import Peers, no_peers
from histogrammer.mirror.endpointconfig import MirrorEndpointConfig
from histogrammer.mirror.server import MirrorServer, MirrorServerSettings, listen
from histogrammer.mirror.updates import Updates
from player.bank import Bank
from player.endpoints.base import EndpointContext, SiteEndpoint
from player.ports import address_of_device, tcp_url
from player.tables import EndpointConfig
from zmqjsonproxy.errors import RefusedError

__all__ = ["MirrorEndpoint"]

_LOOPBACK = "127.0.0.1"
_END_WITHIN_S = 1.5


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
        address = self._address(address_of_device(context.bind))
        self._socket = context.serve(self._config.port, lambda port: listen(address, port))
        host, port = self._socket.getsockname()[:2]
        self._url = tcp_url(host, port)
        self.server: MirrorServer | None = None
        self._thread: threading.Thread | None = None
        self._end: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._closing = False

    @classmethod
    def config_model(cls) -> type[EndpointConfig]:
        """Return the model of its table."""
        return MirrorEndpointConfig

    def _address(self, bind: str) -> str:
        """Return the address to serve on; that of the Bank is meant for calls."""
        if self._peers.has_others or is_loopback_host(bind):
            return bind
        if self._config.bind is not None:
            raise RefusedError(no_peers(bind))
        return _LOOPBACK

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
        settings = MirrorServerSettings(peers=self._peers, max_clients=self._config.max_clients)
        updates = Updates(histogrammer.worker)
        self.server = MirrorServer(updates, histogrammer.mirrors, self.log, settings)
        self._thread = threading.Thread(
            target=self._run,
            args=(self.server,),
            name=f"{self.context.name} {bank.name}",
            daemon=True,
        )
        self._thread.start()

    def _run(self, server: MirrorServer) -> None:
        reason = "its loop ended"
        try:
            with asyncio.Runner() as runner:
                runner.run(self._serve(server))
        except Exception as error:
            self.log.exception("the mirror server failed")
            reason = f"{type(error).__name__}: {error}"
        if not self._closing:
            self.context.on_end(reason)

    async def _serve(self, server: MirrorServer) -> None:
        ended = asyncio.Event()
        self._end.set_result((asyncio.get_running_loop(), ended))
        await server.serve(self._socket, ended)

    def close(self) -> None:
        """End all connections, and give the address back."""
        self._closing = True
        if self._thread is not None and self._thread.is_alive():
            try:
                loop, ended = self._end.result(_END_WITHIN_S)
                loop.call_soon_threadsafe(ended.set)
            except (TimeoutError, RuntimeError):  # it has not begun, or has just ended
                pass
            self._thread.join(_END_WITHIN_S)
            if self._thread.is_alive():
                self.log.warning("the mirror server does not end and is left")
        self._socket.close()

"""The dashboard as a whole: its address, its keys, its thread, its end."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from dashboard.application import Dashboard, ServedArray
from dashboard.assets import STATIC
from dashboard.config import Array
from dashboard.panels import find_panels
from groundwork.addresses import is_loopback_host, tcp_url
from player.endpoints.http.bounds import STREAM_BOUNDS
from player.endpoints.http.connections import listen
from player.endpoints.http.logins import Logins
from player.endpoints.http.serving import ServerThread, names_of_host, url_of
from player.endpoints.http.tls import Certificate, TlsLoop
from player.errors import PortTakenError
from player.ports import address_of_device
from player.services import Registration
from portmanager.protocol.urls import LOCAL, ManagerAddress, ServiceAddress
from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.keys.folder import KeyFolder
from zmqjsonproxy.rights import ClientKeys

__all__ = ["DashboardService", "Where"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Address that is served at.

    Attributes:
        host: Address, or name of a network device.
        port: 0: any free one.
        service: Name under which a port is lent; empty: `port` holds.
    """

    host: str
    port: int
    service: str = ""


class DashboardService:
    """Serves an array's pages, in a thread, from `start` to `close`; or within a block.

    Args:
        array: It.
        where: Address.
        keys: By which Players are called; None: without.
        on_end: Called with the reason if it ends before it was closed.
        static: Folder of the page.
        store: File of what outlives the dashboard; None: nothing does.
        control: People may run the array.

    Attributes:
        url: Of the first page.

    Raises:
        OSError: The address cannot be had.
        PlayerError: Likewise.
        RefusedError: The certificate cannot be used, or anybody might run the array.
        KeyFileError: People have to log in, and the key folder cannot be used.
    """

    def __init__(
        self,
        array: Array,
        where: Where,
        keys: ClientKeys | None,
        on_end: Callable[[str], object],
        static: Path = STATIC,
        *,
        store: Path | None = None,
        control: bool = False,
    ) -> None:
        address = address_of_device(where.host)
        certificate = _certificate(array)
        tls = None if certificate is None else certificate.context
        if control and array.site.origins and not (array.demands_keys(address) or array.insecure):
            raise RefusedError(
                "--control behind a web server ([dashboard] origins): whoever reaches that would run "
                "the array; write keys = true into [instrument], so that people log in"
            )
        with ExitStack() as stack:
            folder = _key_folder(array, address, stack)
            listening = _listen(array, address, where, stack)
            self.url = url_of(listening, tls)
            logins = None
            if folder is not None:
                port = int(listening.getsockname()[1])
                logins = Logins(folder.find_token, port=port, is_secure=tls is not None)
            served = ServedArray(
                array=array,
                names=names_of_host(array.site.hosts),
                keys=keys,
                logins=logins,
                certificate=certificate,
                panels=find_panels(),
                static=static,
                store=store,
                control=control,
            )
            self._serving = ServerThread(
                Dashboard(served),
                listening,
                tls,
                name="dashboard",
                loop=asyncio.new_event_loop if tls is None else TlsLoop,
                on_end=on_end,
                **STREAM_BOUNDS,
            )
            stack.callback(self._serving.close)
            self._held = stack.pop_all()
        if not is_loopback_host(address):
            self._warn(asks=logins is not None, is_secure=tls is not None)

    def _warn(self, *, asks: bool, is_secure: bool) -> None:
        if not asks:
            log.warning("%s is open to the network, and nothing asks who looks", self.url)
        elif not is_secure:
            log.warning(
                "%s is open to the network, and tokens travel there as they are: name a certificate",
                self.url,
            )

    def start(self) -> None:
        """Begin to serve."""
        self._serving.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End all streams and connections, and give the address back; may be called twice."""
        self._held.close()


def _key_folder(array: Array, address: str, stack: ExitStack) -> KeyFolder | None:
    """Return the keys of people, which are read again when they change; None: nobody logs in."""
    if not array.demands_keys(address):
        return None
    folder = KeyFolder(array.key_dir)
    stack.callback(folder.close)
    folder.watch()
    return folder


def _listen(array: Array, address: str, where: Where, stack: ExitStack) -> socket.socket:
    def serve(port: int) -> socket.socket:
        try:
            return stack.enter_context(listen(address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortTakenError(tcp_url(address, port), port) from error
            raise

    if not where.service:
        return serve(where.port)
    manager = ManagerAddress.read(array.portmanager) if array.portmanager else LOCAL
    registration = Registration(ServiceAddress(where.service, manager))
    stack.callback(registration.close)
    return registration.take(serve)


def _certificate(array: Array) -> Certificate | None:
    site, folder = array.site, array.directory
    if site.certificate is None:
        return None
    key = None if site.certificate_key is None else folder / site.certificate_key
    return Certificate(folder / site.certificate, key)

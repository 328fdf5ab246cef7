"""The endpoint for calls: a JSON proxy server in a thread of its own."""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import zmq

from groundwork.addresses import bind_address
from groundwork.portranges import split_ports
from player.access import Access
from player.alarms.served import ALARMS, BankAlarms
from player.bank import Bank
from player.controlfile import seconds_since_boot
from player.endpoints.base import Endpoint
from player.errors import AddressError, PlayerError, PortTakenError
from player.hostproperties import HostProperties
from player.ports import first_free, port_of, tcp_url
from player.records import Records
from zmqjsonproxy import ServerSettings, ZMQJSONProxyServer
from zmqjsonproxy.channels.properties import PropertyTable, has_properties, publishing, table_of
from zmqjsonproxy.control.protocol.lease import Lease
from zmqjsonproxy.control.served import ServedControl
from zmqjsonproxy.files.areas import Areas
from zmqjsonproxy.files.served import ServedFiles
from zmqjsonproxy.rights import ServerKeys

__all__ = ["RpcEndpoint"]

log = logging.getLogger(__name__)

_SETTINGS = ServerSettings(end_within=1.0)  # the whole Player has to end within 5 s


def _bind_error(url: str, error: zmq.ZMQError) -> PlayerError:
    """Return what the failure to bind means to the operator."""
    match error.errno:
        case errno.EADDRINUSE:
            return PortTakenError(url, port_of(url))
        case errno.EADDRNOTAVAIL | errno.ENODEV:
            return AddressError(url, "that is no address of this host")
        case errno.EACCES:
            return AddressError(url, "no right to use that port")
    return AddressError(url, error.strerror or str(error))


class RpcEndpoint(Endpoint):
    """Serves the Bank as `bank`, its parts as `bank.<part>`, its files as `files`, control of it as
    `control`, its journal and history as `journal` and `history`, its alarms as `alarms`.

    Args:
        ctx: ZeroMQ context.
        url: `tcp://HOST:PORT`; port `*` takes a free one, `FIRST-LAST` the first that is free.
        name: Bank name, for logs.
        on_end: Called with a sentence if the server ends by itself.
        areas: Folders whose files may be fetched, by name.
        control: Makes what has control of the Bank, when nobody else serves at the address; None: a
            lease that is not kept.
        access: Says who is let in; None: everybody is.
        settings: Limits of the server.

    Raises:
        PortTakenError: Another process serves there, or others on all ports of the range.
        AddressError: The URL cannot be bound.
        KeysMissingError: Callers need keys, and those of this host cannot be used.
    """

    def __init__(
        self,
        ctx: zmq.Context[Any],
        url: str,
        *,
        name: str,
        on_end: Callable[[str], None],
        areas: Mapping[str, Path] = MappingProxyType({}),
        control: Callable[[], ServedControl] | None = None,
        access: Access | None = None,
        settings: ServerSettings = _SETTINGS,
    ) -> None:
        self._name, self._on_end = name, on_end
        self._keys: ServerKeys | None = None
        if access is not None:
            self._keys = access.server_keys()
            settings = replace(settings, original_role=access.original_role)
        self._settings = settings
        remedy = f"; [banks.{name}.files] or [instrument.files] of its configuration names areas"
        self._files = ServedFiles(Areas(areas, name, remedy))
        self._make_control = control or partial(ServedControl, Lease(name), now=seconds_since_boot)
        self._records: Records | None = None
        self._alarms: BankAlarms | None = None
        self._thread: threading.Thread | None = None
        self._properties: HostProperties | None = None
        self._closing = False
        try:
            host, ports = split_ports(url)
        except ValueError as error:
            raise AddressError(url, str(error)) from error
        self._server = first_free(
            ports, lambda port: self._bound(ctx, tcp_url(bind_address(host), port), settings)
        )
        self._url = self._server.url

    def _bound(
        self, ctx: zmq.Context[Any], url: str, settings: ServerSettings
    ) -> ZMQJSONProxyServer:
        if port_of(url) == 0:
            url = url.removesuffix("0") + "*"
        try:
            return ZMQJSONProxyServer(ctx, url, settings, name=self._name, keys=self._keys)
        except zmq.ZMQError as error:
            raise _bind_error(url, error) from error
        except RuntimeError as error:  # a ZeroMQ that is not fit for keys
            raise AddressError(url, str(error)) from error

    @property
    def url(self) -> str:
        """Where it serves; of several addresses the latest."""
        return self._url

    def serve_also(self, url: str) -> None:
        """Serve an opened endpoint at a further address, too; errors as of the first."""
        try:
            self._server.bind_also(url)
        except zmq.ZMQError as error:
            raise _bind_error(url, error) from error
        except TimeoutError as error:
            raise AddressError(url, "the thread that serves does not take it on") from error
        self._url = url

    def tell_endpoints(self, urls: Mapping[str, str]) -> None:
        """Let `rpc.ping` tell where the other endpoints are, name -> URL."""
        self._server.tell_endpoints(urls)

    def keep(self, records: Records) -> None:
        """Serve journal and history, too, from `open` on."""
        self._records = records

    def raise_alarms(self, alarms: BankAlarms) -> None:
        """Serve alarms, too, from `open` on, and end them at the end."""
        self._alarms = alarms

    def open(self, bank: Bank) -> None:
        """Expose the Bank, its parts and files, and serve."""
        control = self._make_control()
        self._properties = HostProperties(table_of(bank), self._server, control)
        self._server.engine.gate = control
        self._server.expose("bank", bank)
        parts = bank.parts()
        for part, device in parts.items():
            self._server.expose(f"bank.{part}", device)
        self._server.expose("files", self._files)
        self._server.expose("control", control)
        objects = {"": bank, **parts}
        tables = {name: table_of(one) for name, one in objects.items() if has_properties(one)}
        if self._records is not None:
            self._serve_records(self._records, tables)
        if self._alarms is not None:
            self._alarms.begin(tables)
            self._server.expose(ALARMS, self._alarms)
        self._thread = threading.Thread(
            target=self._run, args=(bank, control), name=f"calls {self._name}", daemon=True
        )
        self._thread.start()

    def _serve_records(self, records: Records, tables: Mapping[str, PropertyTable]) -> None:
        records.begin_history(tables)
        with publishing:
            tables[""].properties["control"].listeners[records] = records.take_control
        self._server.engine.on_command = records.on_command
        self._server.expose("journal", records.served_journal)
        self._server.expose("history", records.served_history)

    def _run(self, bank: Bank, control: ServedControl) -> None:
        def each_second() -> None:
            control.tick()
            bank.watchdog()

        reason = "its loop ended"
        try:
            self._server.run_loop(each_second)
        except Exception as error:
            log.exception("%s: the server of calls failed", self._name)
            reason = f"{type(error).__name__}: {error}"
        if not self._closing:
            self._on_end(f"the server of calls ended: {reason}")

    def close(self) -> None:
        """End the loop; a call that is being carried out is asked to end, and left after a
        second."""
        self._closing = True
        if self._alarms is not None:
            self._alarms.close()
        if self._properties is not None:
            self._properties.close()
        if self._thread is None:
            self._server.close()
            return
        self._server.quit_loop()
        self._thread.join(self._settings.end_within + 1.0)
        if self._thread.is_alive():
            log.warning("%s: the server of calls does not end and is left", self._name)

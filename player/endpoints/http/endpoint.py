"""The HTTP endpoint: the files that it serves, and its application."""

from __future__ import annotations

import ssl
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from groundwork.addresses import is_loopback_host
from player.bank import Bank
from player.endpoints.base import EndpointContext
from player.endpoints.http.bounds import STREAM_BOUNDS
from player.endpoints.http.config import HttpEndpointConfig
from player.endpoints.http.webendpoint import WebEndpoint
from player.tables import EndpointConfig
from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.files.areas import Areas

if TYPE_CHECKING:
    from player.endpoints.http.application import PlayerApplication
    from player.endpoints.http.tls import Certificate

__all__ = ["HttpEndpoint"]


class HttpEndpoint(WebEndpoint):
    """Serves pages, JSON, metrics and streams of a Bank, and changes nothing.

    What it tells it asks of its own Player, over the endpoint for calls, as any client does. Where
    keys are demanded of callers, people log in with the token of theirs, and their questions are
    asked in their name.

    Raises:
        RefusedError: The packages of the extra `web` are not installed, or an area, the folder of
            the site or the certificate cannot be used.
        ProxyError: Keys are demanded, and the key folder of this host cannot be used.
        OSError: The address cannot be had.
    """

    modules = ("player.endpoints.http.application",)
    settings = STREAM_BOUNDS

    def __init__(self, context: EndpointContext) -> None:
        assert isinstance(context.config, HttpEndpointConfig)
        self.context, self._config = context, context.config
        self._home, self._areas = self._home_folder(), self._served_areas()
        self._certificate: Certificate | None = None
        super().__init__(context)
        access = context.access
        self._keys = access.folder() if access and access.is_demanded(self._address) else None
        if not is_loopback_host(self._address):
            if self._keys is None:
                self.log.warning("%s is open to the network, and nothing asks who looks", self.url)
            elif self._tls is None:
                self.log.warning(
                    "%s is open to the network, and tokens travel there as they are: name a certificate",
                    self.url,
                )

    @classmethod
    def config_model(cls) -> type[EndpointConfig]:
        """Return the model of its table."""
        return HttpEndpointConfig

    def tls(self) -> ssl.SSLContext | None:
        """Return what TLS is spoken with; None: no certificate is named."""
        from player.endpoints.http.tls import Certificate

        config, folder = self._config, self.context.directory
        if config.certificate is None:
            return None
        key = None if config.certificate_key is None else folder / config.certificate_key
        self._certificate = Certificate(folder / config.certificate, key)
        return self._certificate.context

    def _home_folder(self) -> Path | None:
        if self._config.home is None:
            return None
        folder = self.context.directory / self._config.home
        if not folder.is_dir():
            raise RefusedError(
                f"home: {folder} is no folder; make it, or correct the table of this endpoint"
            )
        return folder

    def _served_areas(self) -> Areas:
        bank, known = self.context.bank, self.context.areas
        for area in self._config.areas:
            if area not in known:
                raise RefusedError(
                    f"areas: {bank} has no area {area}; there are {', '.join(known) or 'none'}: add it to "
                    f"[banks.{bank}.files] or [instrument.files]"
                )
        folders = {area: known[area] for area in self._config.areas}
        remedy = "; `areas` in the table of its http endpoint names those that it serves"
        return Areas(folders, f"the http endpoint of {bank}", remedy)

    def application(self, bank: Bank, names: Collection[str]) -> PlayerApplication:
        """Return its pages, JSON, metrics and streams."""
        from player.endpoints.http.application import PlayerApplication, Served
        from player.endpoints.http.logins import Logins

        access, folder, logins = self.context.access, self._keys, None
        if folder is not None:
            is_secure = self._tls is not None
            logins = Logins(folder.find_token, port=self.port, is_secure=is_secure)
        return PlayerApplication(
            Served(
                bank=bank.name,
                kind=bank.context.config.kind,
                url=self.context.url,
                simulated=bank.context.simulate,
                names=names,
                areas=self._areas,
                file_bytes_per_s=self._config.file_bytes_per_s,
                home=None if self._home is None else Areas({"home": self._home}),
                viewers=self._config.viewers,
                ping_every=self._config.ping_every,
                keys=None if access is None else access.client_keys(),
                logins=logins,
                certificate=self._certificate,
            )
        )

"""The table of the dashboard in the configuration."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from groundwork.peers import plain_address
from player.tablebase import Host, Table

__all__ = ["DashboardConfig"]

_ORIGIN = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?\Z")


def _origin(text: str) -> str:
    """Return the origin of pages, in lower case, as browsers send it."""
    if not _ORIGIN.match(text):
        raise ValueError(
            f"{text!r} is no origin; write one as https://vegas.example.org, without a path"
        )
    scheme, _, place = text.lower().partition("://")
    return f"{scheme}://{place.removesuffix(':443' if scheme == 'https' else ':80')}"


def _loopback(text: str) -> str:
    """Refuse an address that other hosts have."""
    with suppress(ValueError):
        if (address := plain_address(text)).is_loopback:
            return str(address)
    raise ValueError(f"{text!r} is no loopback address, as 127.0.0.1: no other host is believed")


class DashboardConfig(Table):
    """`[dashboard]`: the site, as the pages of the dashboard show it; here so that its faults are
    found by whoever checks the file."""

    name: str = Field(default="", max_length=60, description="of the site, in the bar of each page")
    colour: str = Field(
        default="#44546a",
        pattern=r"^#[0-9a-fA-F]{6}$",
        description="of the strip that tells sites apart",
    )
    zone: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_+/-]{1,60}$",
        description="of the site's time, as Europe/Berlin",
    )
    longitude: float | None = Field(
        default=None, ge=-180, le=360, description="of the site, degrees, east is positive"
    )
    hosts: list[Host] = Field(
        default_factory=list,
        description="names by which people open it, besides its address and the host's own name",
    )
    url: str | None = Field(
        default=None,
        pattern=r"^https?://[^?#@\s]+$",
        description="address at which programs find it, as http://hpc1:8080; for `dealer alarms`",
    )
    origins: list[Annotated[str, AfterValidator(_origin)]] = Field(
        default_factory=list,
        description="where browsers see it behind a web server, as https://vegas.example.org",
    )
    proxies: list[Annotated[str, AfterValidator(_loopback)]] = Field(
        default_factory=list,
        description="addresses of web servers of this host whose X-Forwarded-For is believed, as 127.0.0.1",
    )
    prefix: str = Field(
        default="",
        pattern=r"^(/[A-Za-z0-9._~-]+)*$",
        max_length=200,
        description="path below which browsers see it, as /vegas",
    )
    certificate: str | None = Field(
        default=None,
        min_length=1,
        description="file of a TLS certificate, PEM; with it https is spoken",
    )
    certificate_key: str | None = Field(
        default=None,
        min_length=1,
        description="file of its key, PEM; without, it is in the same file",
    )

    @model_validator(mode="after")
    def _key_has_a_certificate(self) -> Self:
        """Refuse the key of a certificate that is not named."""
        if self.certificate_key is not None and self.certificate is None:
            raise ValueError("certificate_key: name its certificate, too, certificate = FILE")
        return self

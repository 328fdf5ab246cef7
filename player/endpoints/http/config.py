"""The table of the HTTP endpoint, `[banks.X.endpoints.http]`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Discriminator, Field, Tag

from groundwork.addresses import checked_host
from player.tables import EndpointConfig, ServiceName
from portmanager.protocol.urls import is_service

__all__ = ["HttpEndpointConfig"]

FreePort = Annotated[int, Field(ge=0, le=65535)]
FreePortOrService = Annotated[
    Annotated[FreePort, Tag("port")] | Annotated[ServiceName, Tag("service")],
    Discriminator(lambda value: "service" if is_service(value) else "port"),
]


class HttpEndpointConfig(EndpointConfig):
    """The table: where it serves, under which names, to how many."""

    port: FreePortOrService = Field(0, description="TCP port, or service:NAME; 0: any free one")
    hosts: list[Annotated[str, AfterValidator(checked_host)]] = Field(
        default_factory=list,
        description="names by which people open it, besides its address and the host's own name",
    )
    areas: list[str] = Field(
        default_factory=list,
        description="areas of [banks.X.files] and [instrument.files] that /Files/ serves",
    )
    file_bytes_per_s: int = Field(
        0,
        ge=0,
        le=10**12,
        description="bytes of files that are sent per second, to all together; 0: as fast as it goes",
    )
    home: str | None = Field(
        None, min_length=1, description="folder of static files that /home/ serves"
    )
    viewers: int = Field(64, ge=1, le=1000, description="streams at the same time")
    ping_every: float = Field(
        1.0, ge=0.2, le=10.0, description="time between heartbeats of a stream, s"
    )

"""The table of the endpoint for mirrors: where it serves, whom, and how many."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from groundwork.peers import checked_peer, checked_peers_of
from player.endpoints.http.webendpoint import FreePortOrService
from player.tables import EndpointConfig

__all__ = ["DEFAULT_PORT", "MirrorEndpointConfig"]

DEFAULT_PORT = 8001
"""Rustogramer's."""


class MirrorEndpointConfig(EndpointConfig):
    """The table."""

    port: FreePortOrService = Field(
        DEFAULT_PORT, description="TCP port, or service:NAME; 0: any free one"
    )
    peers: list[Annotated[str, AfterValidator(checked_peer)]] = Field(
        default_factory=list,
        description="networks whose hosts may have a copy, as 192.168.1.0/24, whatever their role; "
        "without them only this host may",
    )
    max_clients: int = Field(256, ge=1, description="clients at a time")
    max_clients_per_host: int = Field(
        64, ge=1, description="of those at one address, so that no host keeps the others out"
    )

    @model_validator(mode="after")
    def _is_for_somebody(self) -> MirrorEndpointConfig:
        """Refuse an address that others reach, if none of them may connect."""
        checked_peers_of(self.bind, self.peers)
        return self

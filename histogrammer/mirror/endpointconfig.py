"""The table of the endpoint for mirrors: where it serves, whom, and how many."""

from __future__ import annotations

from pydantic import Field

from player.endpoints.peered import PeeredEndpointConfig
from player.tables import FreePortOrService

__all__ = ["DEFAULT_PORT", "MirrorEndpointConfig"]

DEFAULT_PORT = 8001
"""Rustogramer's."""


class MirrorEndpointConfig(PeeredEndpointConfig):
    """The table."""

    port: FreePortOrService = Field(
        DEFAULT_PORT, description="TCP port, or service:NAME; 0: any free one"
    )
    max_clients: int = Field(256, ge=1, description="clients at a time")
    max_clients_per_host: int = Field(
        64, ge=1, description="of those at one address, so that no host keeps the others out"
    )

"""The table of the endpoint for mirrors: where it serves, whom, and how many."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from groundwork.addresses import checked_network, is_of_others
from player.endpoints.http.webendpoint import FreePortOrService
from player.tables import EndpointConfig

__all__ = ["DEFAULT_PORT", "MirrorEndpointConfig", "no_peers"]

DEFAULT_PORT = 8001
"""Rustogramer's."""


def no_peers(bind: str) -> str:
    """Return the sentence on an address that others reach in vain."""
    return (
        f"bind: other hosts reach {bind}, and none of them may have a copy: name those that may, "
        '`peers = ["192.168.1.0/24"]` in the table of this endpoint, or --peers'
    )


class MirrorEndpointConfig(EndpointConfig):
    """The table."""

    port: FreePortOrService = Field(
        DEFAULT_PORT, description="TCP port, or service:NAME; 0: any free one"
    )
    peers: list[Annotated[str, AfterValidator(checked_network)]] = Field(
        default_factory=list,
        description="networks whose hosts may have a copy, as 192.168.1.0/24; without them only this "
        "host may",
    )
    max_clients: int = Field(256, ge=1, description="clients at a time")

    @model_validator(mode="after")
    def _is_for_somebody(self) -> MirrorEndpointConfig:
        """Refuse an address that others reach, if none of them may connect."""
        if self.bind is not None and not self.peers and is_of_others(self.bind):
            raise ValueError(no_peers(self.bind))
        return self

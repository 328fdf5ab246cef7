"""The table of the endpoint for clients of a guiServer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateways.difx.multicast import BridgeSettings, group_fault
from gateways.difx.protocol.frames import MAX_PACKET_BYTES
from gateways.difx.protocol.items import MAX_INTEGER
from gateways.difx.protocol.xmltexts import MAX_DOCUMENT_BYTES
from player.endpoints.peered import PeeredEndpointConfig
from player.tables import FreePortOrService, Table

__all__ = [
    "DEFAULT_GROUP",
    "DEFAULT_PORT",
    "GuiServerEndpointConfig",
    "MulticastConfig",
]

DEFAULT_PORT = 50200
"""The original's."""
DEFAULT_GROUP = "224.2.2.1"


def _group(text: str) -> str:
    """Refuse what is neither a multicast group nor loopback."""
    if why := group_fault(text):
        raise ValueError(why)
    return text


class MulticastConfig(Table):
    """`[banks.X.endpoints.NAME.multicast]`: the bridge to a DiFX network."""

    enable: bool = Field(
        default=False, description="relay its messages, and send there what clients send"
    )
    group: Annotated[str, AfterValidator(_group)] = Field(
        default=DEFAULT_GROUP, description="multicast group, or an address of the loopback network"
    )
    port: int = Field(default=DEFAULT_PORT, ge=1, le=65535, description="UDP port")
    interface: str = Field(
        default="lo",
        description="name or address of the one interface that is used; empty: the only one",
    )

    @property
    def settings(self) -> BridgeSettings | None:
        """Settings of the bridge; None: there is none."""
        if not self.enable:
            return None
        return BridgeSettings(group=self.group, port=self.port, interface=self.interface)


class GuiServerEndpointConfig(PeeredEndpointConfig):
    """The table: where it serves, whom, and how much of anything a client may have."""

    port: FreePortOrService = Field(
        DEFAULT_PORT, description="TCP port, or service:NAME; 0: any free one"
    )
    max_packet: int = Field(
        MAX_PACKET_BYTES, ge=1024, le=MAX_INTEGER, description="payload of a packet, bytes"
    )
    max_document: int = Field(
        MAX_DOCUMENT_BYTES, ge=1024, description="command document, or other request, bytes"
    )
    max_file: int = Field(1 << 30, ge=0, le=MAX_INTEGER, description="file of a transfer, bytes")
    max_clients: int = Field(1024, ge=1, description="clients at a time")
    max_tasks: int = Field(32, ge=1, description="tasks of a client at a time")
    max_queued: int = Field(
        16 << 20, ge=1 << 20, description="bytes that wait for a client, and of its channels"
    )
    relay_queue: int = Field(
        1000, ge=1, description="relayed messages that wait for a client; the oldest is replaced"
    )
    connect_back: Literal["peer", "never"] = Field(
        "peer", description="task connections to the client's own address, or channels only"
    )
    connect_timeout: float = Field(5.0, gt=0, le=600, description="of a task connection, s")
    takes_nothing: float = Field(
        60.0,
        gt=0,
        description="a client that takes nothing of what waits for it is cut after it, s",
    )
    idle_limit: float = Field(
        0.0, ge=0, description="a client that asks nothing is cut after it, s; 0: never"
    )
    multicast: MulticastConfig = Field(default_factory=MulticastConfig)
    capture: str = Field("", description="file for every packet with its time; empty: none")

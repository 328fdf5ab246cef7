"""Answer to GUISERVER_VERSION: a series of packets in the order that both clients need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateways.difx.protocol.frames import pack_frame
from gateways.difx.protocol.packets import Packet, pack_text

__all__ = ["ServerFacts", "handshake"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """Facts that a server tells of itself.

    Attributes:
        version: Name and version of the server.
        difx_version: Version of DiFX; empty: not told.
        base: Base folder, may be empty.
        user: Name that stands for the rights of this client; empty: not told.
        versions: Names of versions that can be used.
        environment: Variables that this client may see.
    """

    version: str
    difx_version: str = ""
    base: str
    user: str = ""
    versions: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def handshake(facts: ServerFacts) -> list[bytes]:
    """Return the packets of the series, to be sent one after the other.

    The GUI client empties its list of variables at the version, and its list of versions at the
    base; the script client waits for the last packet.
    """
    series = [pack_text(Packet.GUISERVER_VERSION, facts.version)]
    if facts.difx_version:
        series.append(pack_text(Packet.GUISERVER_DIFX_VERSION, facts.difx_version))
    series.append(pack_text(Packet.DIFX_BASE, facts.base))
    if facts.user:
        series.append(pack_text(Packet.GUISERVER_USER, facts.user))
    series += [pack_text(Packet.AVAILABLE_DIFX_VERSION, name) for name in sorted(facts.versions)]
    if not facts.versions:
        series.append(pack_text(Packet.WARNING, "no DiFX version is configured (versions)"))
    series += [
        pack_text(Packet.GUISERVER_ENVIRONMENT, f"{name}={value}")
        for name, value in facts.environment.items()
    ]
    series.append(pack_frame(Packet.CHANNEL_ALL_DATA))
    return series

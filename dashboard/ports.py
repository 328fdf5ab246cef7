"""Ports that the port managers of an array's hosts have lent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from groundwork.addresses import is_loopback_host
from groundwork.errors import text_of
from groundwork.values import JsonObject
from portmanager.aio import AsyncPortManager
from portmanager.errors import PortManagerError
from portmanager.protocol.urls import LOCAL, ManagerAddress

__all__ = ["list_ports", "managers"]

WITHIN_S = 2.0


def managers(told: str, hosts: Iterable[str]) -> list[ManagerAddress]:
    """Return where port managers are.

    Args:
        told: What the file says; one that it calls localhost is on each of the hosts. Empty: it says
            nothing.
        hosts: Those of the Banks.
    """
    manager = ManagerAddress.read(told) if told else LOCAL
    if not is_loopback_host(manager.host):
        return [manager]
    return [ManagerAddress(host, manager.port) for host in dict.fromkeys(hosts) if host]


async def list_ports(places: Iterable[ManagerAddress]) -> JsonObject:
    """Return what port managers tell of their ports, or why they do not."""
    return {"managers": await asyncio.gather(*map(_ask, places))}


async def _ask(place: ManagerAddress) -> JsonObject:
    told: JsonObject = {"manager": str(place), "error": "", "ports": []}
    try:
        async with AsyncPortManager(place.host, place.port, timeout=WITHIN_S) as client:
            found = await client.list_ports()
    except (OSError, PortManagerError) as error:
        return told | {"error": text_of(error)}
    ports = [{"port": one.port, "service": one.service, "user": one.user} for one in found]
    return told | {"ports": ports}

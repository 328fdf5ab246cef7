"""Names under which clients find a histogrammer at the port manager, if several have the same."""

from __future__ import annotations

from collections.abc import Iterable

from portmanager import PortManager, PortManagerError
from portmanager.allocation import Allocation
from portmanager.conversation import own_user
from portmanager.protocol.urls import ManagerAddress

__all__ = ["listed_otherwise", "namesakes"]

ANSWER_S = 1.0


def listed_otherwise(
    listed: Iterable[Allocation], service: str, user: str, port: int, option: str
) -> list[str]:
    """Return sentences on what a port manager lists of a service, unless it is there once.

    Of several of one name it lists one under that name, the others as `NAME_1`, `NAME_2`, ...;
    which of them is which changes with each that comes or goes.

    Args:
        listed: All allocations.
        service: Name that was asked for.
        user: Whose it is.
        port: The one that was given.
        option: By which another name is chosen.
    """
    same = {one.port: one.service for one in listed if one.user == user and _is_like(one, service)}
    if same.get(port) == service and len(same) == 1:
        return []
    others = ", ".join(f"port {at} as {name}" for at, name in same.items() if at != port)
    if port not in same or not others:
        return []
    return [
        f"service {service} of {user} is there several times: port {port}, which is ours, as "
        f"{same[port]}, and {others}; clients that look for {service} find one of them: give each "
        f"histogrammer a name of its own ({option})"
    ]


def _is_like(one: Allocation, service: str) -> bool:
    name, underscore, number = one.service.rpartition("_")
    return one.service == service or (bool(underscore) and name == service and number.isdecimal())


def namesakes(manager: ManagerAddress, service: str, port: int, option: str) -> list[str]:
    """Ask the port manager, and return what `listed_otherwise` says."""
    try:
        with PortManager(manager.host, manager.port, timeout=ANSWER_S) as client:
            listed = client.list_ports()
    except (OSError, PortManagerError) as error:
        return [f"the services of the port manager at {manager} cannot be listed: {error}"]
    return listed_otherwise(listed, service, own_user(), port, option)

"""Servers that took the first free port of a range: found by asking all its ports who is there.

Each time a connection is made, so that a server that came back at another port is found again.
"""

from __future__ import annotations

from groundwork.portranges import ServerInRange
from zmqjsonproxy.hubs import BlockingHub, Hub, run
from zmqjsonproxy.resolver import NotResolvedError
from zmqjsonproxy.rights import ClientKeys

__all__ = ["SCHEME", "locate", "locate_in_task"]

SCHEME = "ports"
_SHARES = (0.3, 0.6)
"""Of the time, of the first question and of a second one to those that did not answer: what has a
port and says nothing does not hold up those that answer."""


def locate(url: str, within: float, keys: ClientKeys | None = None) -> str:
    """Return the address of a server, `tcp://HOST:PORT`.

    Args:
        url: `ports://HOST:FIRST-LAST/NAME`.
        within: s.
        keys: Of the client; None: without keys.

    Raises:
        NotResolvedError: None of that name answers there.
    """
    from zmqjsonproxy.rpc.hub import ThreadHub

    with ThreadHub(keys=keys) as hub:
        return run(_located(BlockingHub(hub), url, within))


async def locate_in_task(url: str, within: float, keys: ClientKeys | None = None) -> str:
    """Return the same, in a task."""
    from zmqjsonproxy.rpc.aiohub import AsyncHub

    async with AsyncHub(keys=keys) as hub:
        return await _located(hub, url, within)


async def _located(hub: Hub, url: str, within: float) -> str:
    wanted, others = ServerInRange.read(url), list[str]()
    left = wanted.addresses
    for share in _SHARES:
        results = await hub.call_each(left, "rpc", "ping", (), {}, share * within)
        for address, result in zip(left, results, strict=True):
            name = result.value.get("name") if isinstance(result.value, dict) else None
            if name == wanted.name:
                return address
            others += [str(name)[:80]] if name else []
        left = [at for at, result in zip(left, results, strict=True) if result.error is not None]
    found = f"; there are {', '.join(others)}" if others else ""
    raise NotResolvedError(
        f"no server {wanted.name} at the ports {wanted.ports} of {wanted.host}{found}"
    )

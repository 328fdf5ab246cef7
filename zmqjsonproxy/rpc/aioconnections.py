"""The sockets to all servers, watched by the event loop of a program that uses asyncio."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import zmq

from zmqjsonproxy.locating import AsyncLocators, NotLocatedError, scheme_of, unlocated
from zmqjsonproxy.rpc.connections import Connections, HubSettings
from zmqjsonproxy.rpc.peer import Peer, Pending

__all__ = ["WatchedConnections"]

_POLLIN = int(zmq.POLLIN)


class WatchedConnections(Connections):
    """Connections whose sockets a loop watches."""

    _looks = 15  # about 0.02 ms: the loop has others to serve

    def __init__(
        self,
        context: zmq.Context[Any],
        settings: HubSettings,
        ready: Callable[[], None],
        locators: AsyncLocators | None = None,
    ) -> None:
        super().__init__(context, settings)
        self._ready, self._names = ready, locators or {}
        self._searches: dict[Peer, asyncio.Task[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def has_message(self) -> bool:
        """Whether the ROUTER socket has one; to be asked after each use, for its descriptor may be
        silent then."""
        return bool(int(self._router.get(zmq.EVENTS)) & _POLLIN)

    @property
    def has_bridges(self) -> bool:
        """Whether there are servers of the original's generation."""
        return bool(self._bridges)

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have all sockets watched by a loop."""
        self._loop = loop
        loop.add_reader(int(self._router.get(zmq.FD)), self._ready)
        for bridge in self._bridges.values():
            loop.add_reader(int(bridge.socket.get(zmq.FD)), self._ready)

    def drop(self, peer: Peer, reason: str) -> None:
        """Give a connection up."""
        bridge = self._bridges.get(peer)
        if bridge is not None and self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(int(bridge.socket.get(zmq.FD)))
        super().drop(peer, reason)

    def _bridge(self, peer: Peer, now: float) -> None:
        super()._bridge(peer, now)
        bridge = self._bridges.get(peer)
        if bridge is not None and self._loop is not None:
            self._loop.add_reader(int(bridge.socket.get(zmq.FD)), self._ready)

    def _connect(self, peer: Peer, p: Pending, now: float) -> bool:
        if scheme_of(peer.url) not in self._names:
            return super()._connect(peer, p, now)
        if peer not in self._searches and self._loop is not None:
            within = max(min(self.settings.hello_within, p.deadline - now), 0.05)
            self._searches[peer] = self._loop.create_task(
                self._search(peer, p.what.object_name, within)
            )
        return True  # it waits with the others

    async def _search(self, peer: Peer, hello_name: str, within: float) -> None:
        """Find out where a server is, and connect there."""
        try:
            address = await self._names[scheme_of(peer.url)](peer.url, within)
            self._connect_at(address, peer, hello_name, time.monotonic())
        except NotLocatedError as error:
            self._not_located(peer, str(error))
        except Exception as error:  # whoever should know it is anybody's code
            self._not_located(peer, unlocated(error))
        finally:
            del self._searches[peer]
        self._ready()  # the descriptor tells of changes only, and the socket was used

    def leave_to_parent(self) -> None:
        """Let go as others do; the loop is the parent's, too."""
        super().leave_to_parent()
        self._loop = None
        self._searches.clear()

    def close(self, reason: str) -> None:
        """Give all connections up and close the sockets."""
        for search in self._searches.values():
            search.cancel()
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(int(self._router.get(zmq.FD)))
        super().close(reason)

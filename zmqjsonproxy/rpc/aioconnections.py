"""The sockets of a client core, watched by the event loop of a program that uses asyncio."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import zmq

from zmqjsonproxy.rpc.connections import Connections
from zmqjsonproxy.rpc.core import HubSettings
from zmqjsonproxy.rpc.locating import AsyncLocators, NotLocatedError, scheme_of, unlocated
from zmqjsonproxy.rpc.peer import Peer

__all__ = ["WatchedConnections"]

_POLLIN = int(zmq.POLLIN)


class WatchedConnections(Connections):
    """Connections whose sockets a loop watches; nothing here waits.

    Args:
        context: ZeroMQ context.
        settings: How servers are watched.
        ready: Called in the loop when a socket may have something.
        locators: For URLs that are names.
    """

    _looks = 15  # about 0.02 ms: the loop has others to serve
    _slice_ms = 0

    def __init__(
        self,
        context: zmq.Context[Any],
        settings: HubSettings,
        ready: Callable[[], None],
        locators: AsyncLocators | None = None,
    ) -> None:
        super().__init__(context, settings, locators)
        self._ready = ready
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
        for socket in (self._router, *(bridge.socket for bridge in self._bridges.values())):
            loop.add_reader(int(socket.get(zmq.FD)), self._ready)

    def _unwatch(self, socket: zmq.Socket[bytes]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(int(socket.get(zmq.FD)))

    def _disconnect(self, peer: Peer, address: str, now: float) -> None:
        if peer in self._bridges:
            self._unwatch(self._bridges[peer].socket)
        super()._disconnect(peer, address, now)

    def _bridge(self, peer: Peer, address: str, now: float) -> None:
        super()._bridge(peer, address, now)
        if peer in self._bridges and self._loop is not None:
            self._loop.add_reader(int(self._bridges[peer].socket.get(zmq.FD)), self._ready)

    def _locate(self, peer: Peer, url: str, now: float) -> None:
        if self._loop is not None and peer not in self._searches:
            within = self.core.locate_within(peer.waiting[0], now)
            self._searches[peer] = self._loop.create_task(self._search(peer, url, within))

    async def _search(self, peer: Peer, url: str, within: float) -> None:
        """Find out where a server is, and connect there."""
        try:
            address = await self._locators[scheme_of(url)](url, within)
            self.core.located(peer, address, time.monotonic())
        except NotLocatedError as error:
            self.core.drop(peer, str(error), time.monotonic())
        except Exception as error:  # whoever should know it is anybody's code
            self.core.drop(peer, unlocated(error), time.monotonic())
        finally:
            del self._searches[peer]
        self.carry_out(time.monotonic())
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
        self._unwatch(self._router)
        super().close(reason)

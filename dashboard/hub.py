"""Hub of the array: one subscription to each Player, and one question for all viewers, whatever
their number. For one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator

from dashboard.alarms import ArrayAlarms
from dashboard.bandpass import Bandpasses
from dashboard.bankstate import WatchedBank
from dashboard.bankwatch import LINK, BankWatch
from dashboard.board import BANDPASS, BATCH_HZ, HOSTS, Board
from dashboard.config import Array
from dashboard.frames import FrameFeeds
from dashboard.hostwatch import HostWatch
from dashboard.store import Store
from dealer.services import AsyncServices, Services
from zmqjsonproxy import AsyncHub
from zmqjsonproxy.rights import ClientKeys
from zmqjsonproxy.subscriptions import Subscriptions

__all__ = ["ArrayHub"]

log = logging.getLogger(__name__)


class ArrayHub:
    """All that the dashboard knows of the array; use as an asynchronous context manager.

    Args:
        array: It.
        keys: By which Players are called and subscribed to; None: without.
        store: Keeps alarms of absence; None: they end with this program.

    Attributes:
        array: It.
        keys: By which Players are called.
        calls: Makes calls.
        board: Topics and viewers.
        states: Bank -> what is known of it.
        hosts: View of the hosts.
        alarms: Those of the Players, and of their absence.
    """

    def __init__(self, array: Array, keys: ClientKeys | None, store: Store | None = None) -> None:
        self.array, self.keys = array, keys
        self.calls = AsyncHub(resolvers=AsyncServices(keys).resolvers, keys=keys)
        self._subscriptions = Subscriptions(Services(keys).resolvers, LINK, keys)
        self._feeds = FrameFeeds(array.urls, self._subscriptions)
        self.board = Board(array.urls, self._feeds)
        board, wall = self.board, time.time()
        self.states = {
            bank: WatchedBank(
                bank,
                url,
                array.hosts.get(bank, ""),
                (board.overview, board.values[bank], board.operations, board.log),
                wall,
            )
            for bank, url in array.urls.items()
        }
        self._bandpasses = Bandpasses(list(self.states.values()), self._feeds, board.bandpass)
        self.alarms = ArrayAlarms(list(self.states.values()), board.alarms, _own(store))
        self.hosts = HostWatch(array.installation, board.hosts)
        self._watches: list[BankWatch] = []

    async def __aenter__(self) -> ArrayHub:
        self._running = contextlib.AsyncExitStack()
        await self._running.enter_async_context(self._run())
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._running.aclose()

    @contextlib.asynccontextmanager
    async def _run(self) -> AsyncIterator[None]:
        self._watches = [
            BankWatch(state, self.calls, self._subscriptions) for state in self.states.values()
        ]
        await self.alarms.load()
        works = (*(watch.run() for watch in self._watches), self._look())
        tasks = [asyncio.create_task(work) for work in works]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.alarms.close()
            for watch in self._watches:
                watch.close()
            self._feeds.close()
            self.hosts.close()
            await asyncio.to_thread(self._subscriptions.close)
            await self.calls.close()

    async def _look(self) -> None:
        """Look what follows from the time, and end a batch, a few times a second."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            try:
                for watch in self._watches:
                    watch.tick()
                self._bandpasses.look(self.board.is_wanted(BANDPASS))
                self.alarms.look()
                self.hosts.look(self.board.is_wanted(HOSTS))
                self.board.seal()
            except Exception:  # of what Players told: the next look may do
                log.exception("the array cannot be looked at")
            due = max(due + 1 / BATCH_HZ, loop.time())
            await asyncio.sleep(due - loop.time())

    def silent(self) -> dict[str, float]:
        """Return Bank -> time since it was heard, s, of those that are late."""
        now = time.monotonic()
        found = {bank: state.liveness.silence(now) for bank, state in self.states.items()}
        return {bank: round(since, 1) for bank, since in found.items() if since is not None}


def _own(store: Store | None) -> Store | None:
    """Return the store if alarms of absence may be kept there: they are those of one dashboard."""
    if store is None or not store.is_shared:
        return store
    log.warning(
        "another dashboard of this array runs here, and keeps the alarms of absence: those that are "
        "acknowledged at this one end with it; saved views are those of both"
    )
    return None

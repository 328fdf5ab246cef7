"""A long call, for programs that use asyncio: begun, watched, awaited, aborted, and found again by
its identity."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self
from weakref import WeakKeyDictionary

from zmqjsonproxy.errors import ProxyError
from zmqjsonproxy.rpc.aiosteps import take_in_task
from zmqjsonproxy.rpc.asking import LOOK_WITHIN_S, Watched, aborts, finds, looks, only, waits
from zmqjsonproxy.rpc.heard import LOST_AFTER_S, HeardOperation

if TYPE_CHECKING:
    from zmqjsonproxy.rpc.aiohub import AsyncHub

__all__ = ["AsyncOperation"]

log = logging.getLogger(__name__)


class AsyncOperation(HeardOperation):
    """One operation of a server, for the tasks of one event loop: as `Operation`, but what waits is
    awaited.

    Attributes such as `state` cannot ask: they tell what was heard last, by `look`, `wait`, or by
    whoever wants to hear of progress. To cancel what waits leaves the operation alone; `abort` ends
    it.

    Args:
        hub: To ask with.
        url: Server.
        described: What the server said of it: `id`, `method`, `state`, ...
        lost_after: s.
    """

    def __init__(
        self, hub: AsyncHub, url: str, described: dict[str, Any], lost_after: float = LOST_AFTER_S
    ) -> None:
        super().__init__(url, described, lost_after)
        self._hub = hub

    @classmethod
    async def find(
        cls,
        hub: AsyncHub,
        url: str,
        identity: str,
        timeout: float,
        lost_after: float = LOST_AFTER_S,
    ) -> Self:
        """Ask a server for one of its operations; errors as those of `Operation.find`."""
        make = partial(cls, hub, lost_after=lost_after)
        return only(await take_in_task(hub, finds(make, [(url, identity)], timeout)))

    async def look(self) -> Self:
        """Ask for news now; returns itself."""
        await take_in_task(self._hub, looks([self]))
        return self

    async def wait(self, timeout: float | None = None) -> bool:
        """Wait for its final state, whichever that is; whether it has one.

        Args:
            timeout: s; None: as long as it takes.
        """
        return await take_in_task(self._hub, waits([self], timeout))

    async def exception(self, timeout: float | None = None) -> ProxyError | None:
        """Wait for the end and return its error, None if it has a value; raises TimeoutError if it
        has not ended."""
        await self.wait(timeout)
        return self._end(timeout)

    async def result(self, timeout: float | None = None) -> Any:
        """Wait for the value; errors as those of `Operation.result`.

        Args:
            timeout: s; None: as long as it takes.
        """
        await self.wait(timeout)
        return self._value(timeout)

    async def abort(self, reason: str = "", timeout: float = LOOK_WITHIN_S) -> None:
        """Ask it to end; arguments and errors as those of `Operation.abort`. `wait` waits for the
        end."""
        only(await take_in_task(self._hub, aborts([self], reason, timeout)))

    def on_done(self, tell: Callable[[AsyncOperation], object]) -> None:
        """Call `tell(operation)` once, in the loop, when it has its final state, soon if it has;
        awaits a coroutine."""
        self._on_done.append(tell)
        _Watcher.of(self._hub).add(self)

    def on_progress(self, tell: Callable[[AsyncOperation], object]) -> None:
        """Call `tell(operation)` whenever state, fraction or text are others than before; as
        `on_done`."""
        self._on_progress.append(tell)
        _Watcher.of(self._hub).add(self)

    @property
    def is_told(self) -> bool:
        """Whether it has ended, and all who wanted to hear of that have."""
        return self.has_ended and not self._on_done and not self._on_progress

    async def tell(self) -> None:
        """Tell those who want to hear of news. For the one task that watches."""
        listeners, _ = self._news()
        for listener in listeners:
            try:
                told = listener(self)
                if inspect.isawaitable(told):
                    await told
            except Exception:  # others want to hear of it, too
                log.exception("%s: whoever wanted to hear of it raised", self.method)


class _Watcher:
    """The task that asks for the operations of one hub that somebody wants to hear of; it ends with
    the last."""

    _all: ClassVar[WeakKeyDictionary[AsyncHub, _Watcher]] = WeakKeyDictionary()

    def __init__(self) -> None:
        self._watched: Watched[AsyncOperation] = Watched()
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, hub: AsyncHub) -> _Watcher:
        """Return the one of a hub."""
        return cls._all.setdefault(hub, cls())

    def add(self, operation: AsyncOperation) -> None:
        """Watch one more."""
        self._watched.add(operation)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(
                self._watch(operation._hub), name="operations"
            )

    async def _watch(self, hub: AsyncHub) -> None:
        try:
            while True:
                watched = self._watched.all()
                await take_in_task(hub, looks(watched))
                for operation in watched:
                    await operation.tell()
                if not self._watched.drop(
                    [operation for operation in watched if operation.is_told]
                ):
                    return
                await asyncio.sleep(self._watched.pause)
        finally:
            self._watched = Watched()  # if it was cancelled, with its loop: nobody is told any more

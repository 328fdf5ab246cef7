"""The threads in which files are read and the Bank is asked, and a client's share of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from typing import ParamSpec, TypeVar

__all__ = ["AT_ONCE", "SPARE", "Share", "Threads"]

AT_ONCE = 4
"""Calls of one client at a time; the others of it wait for their turn, and nobody else does."""
SPARE = 16
"""Threads for second and further calls of clients, all together: what is left is for first ones."""

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """Threads for all clients. In their loop.

    Args:
        executor: Has them, more than `spare`.
        spare: See SPARE.

    Attributes:
        spare: Those that are free for further calls of a client.
    """

    def __init__(self, executor: Executor, spare: int = SPARE) -> None:
        self.executor, self.spare = executor, spare


class Share:
    """Calls functions that may wait in threads, a few at a time.

    A client has one call at a time of its own, and further ones only as long as threads are to
    spare: clients with many slow calls do not stop those with few.

    Args:
        threads: Of all clients.
    """

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._own = asyncio.Lock()
        self._further = 0

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a function returns.

        A task that is cancelled meanwhile ends when the function has returned, not before: what it
        works with is not closed under it. A function that has no thread yet is not called then.
        """
        async with self._turn():
            begun = self._threads.executor.submit(lambda: function(*args, **kwargs))
            running = asyncio.wrap_future(begun)
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                if not begun.cancel():
                    await asyncio.wait([running])
                    if not running.cancelled():
                        running.exception()  # nobody else asks for it
                raise

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        threads = self._threads
        if not self._own.locked() or self._further >= AT_ONCE - 1 or not threads.spare:
            async with self._own:
                yield
            return
        threads.spare -= 1
        self._further += 1
        try:
            yield
        finally:
            threads.spare += 1
            self._further -= 1

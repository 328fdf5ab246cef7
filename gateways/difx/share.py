"""A client's share of the threads in which files are read and the Bank is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import ParamSpec, TypeVar

__all__ = ["AT_ONCE", "Share"]

AT_ONCE = 4
"""Calls of one client at a time; the others of it wait for their turn, and nobody else does."""

P = ParamSpec("P")
T = TypeVar("T")


class Share:
    """Calls functions that may wait in threads, a few at a time.

    Args:
        executor: Has the threads.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a function returns.

        A task that is cancelled meanwhile ends when the function has returned, not before: what it
        works with is not closed under it.
        """
        async with self._turns:
            running = asyncio.get_running_loop().run_in_executor(
                self._executor, lambda: function(*args, **kwargs)
            )
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                await asyncio.wait([running])
                if not running.cancelled():
                    running.exception()  # nobody else asks for it
                raise

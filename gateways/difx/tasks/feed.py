"""Items that a thread makes for a task: the thread never waits for the client."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Generic, TypeVar

__all__ = ["MAX_ITEMS", "Feed"]

MAX_ITEMS = 1000
"""Items that wait, of those that may be left out."""

T = TypeVar("T")


class Feed(Generic[T]):
    """Work in a thread of its own, and what it tells. Made in the task's loop.

    Args:
        most: Items that wait, of those that may be left out.

    Attributes:
        omitted: Items that were left out.
    """

    def __init__(self, most: int = MAX_ITEMS) -> None:
        self._most = most
        self._loop, self._come = asyncio.get_running_loop(), asyncio.Event()
        self._waiting: deque[tuple[T, bool]] = deque()
        self._droppable = 0
        self._lock = threading.Lock()
        self._is_over = False
        self._error: BaseException | None = None
        self.omitted = 0

    def start(self, work: Callable[[], object], name: str) -> None:
        """Call a function in a thread; what it raises is raised by the iteration.

        Args:
            work: Tells by `put`.
            name: Of the thread.
        """

        def run() -> None:
            try:
                work()
            except BaseException as error:
                self._error = error
            self._is_over = True
            self._ring()

        threading.Thread(target=run, name=name, daemon=True).start()

    def put_all(self, items: Iterable[T]) -> None:
        """Tell each of several as it comes; in any thread."""
        for item in items:
            self.put(item)

    def put(self, item: T, *, may_be_omitted: bool = False) -> None:
        """Tell something; in any thread, at once."""
        with self._lock:
            if may_be_omitted and self._droppable >= self._most:
                self.omitted += 1
                return
            self._droppable += may_be_omitted
            self._waiting.append((item, may_be_omitted))
        self._ring()

    def _ring(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody reads any more
            self._loop.call_soon_threadsafe(self._come.set)

    async def __aiter__(self) -> AsyncIterator[T]:
        """Yield what is told, to the end of the work."""
        while True:
            self._come.clear()
            is_over = self._is_over
            while True:
                with self._lock:
                    if not self._waiting:
                        break
                    item, may_be_omitted = self._waiting.popleft()
                    self._droppable -= may_be_omitted
                yield item
            if is_over:
                break
            await self._come.wait()
        if self._error is not None:
            raise self._error

"""An asyncio server in a thread of its own: its begin, its end, and how it tells that it failed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import TypeAlias

from player.bank import BankLog

__all__ = ["LoopThread", "Serve"]

Serve: TypeAlias = Callable[[asyncio.Event, Callable[[], None]], Awaitable[None]]
"""Serves until the event is set; calls its second argument when all that can fail at first is done."""

_END_WITHIN_S = 1.5


class LoopThread:
    """An event loop with one server.

    Args:
        serve: The server.
        what: It is called so in the log.
        name: Of the thread.
        log: Is told.
        on_end: Is called with the reason if the server ends by itself.
    """

    def __init__(
        self,
        serve: Serve,
        *,
        what: str,
        name: str,
        log: BankLog,
        on_end: Callable[[str], None],
    ) -> None:
        self._serve, self._what, self._log, self._on_end = serve, what, log, on_end
        self._begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to serve.

        Raises:
            Exception: That of a server which could not begin.
        """
        self._thread.start()
        self._begun.result()

    def _run(self) -> None:
        reason = "its loop ended"
        try:
            with asyncio.Runner() as runner:
                runner.run(self._whole())
        except Exception as error:
            if not self._begun.done():
                self._begun.set_exception(error)
                return
            self._log.exception("%s failed", self._what)
            reason = f"{type(error).__name__}: {error}"
        if not self._closing:
            self._on_end(reason)

    async def _whole(self) -> None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        await self._serve(ended, lambda: self._begun.set_result((loop, ended)))

    def close(self) -> None:
        """Have the server end; one that does not in time is left."""
        self._closing = True
        if self._thread.ident is None or self._begun.exception() is not None:
            return  # it has never served
        loop, ended = self._begun.result()
        try:
            loop.call_soon_threadsafe(ended.set)
        except RuntimeError:  # it has just ended
            pass
        self._thread.join(_END_WITHIN_S)
        if self._thread.is_alive():
            self._log.warning("%s does not end and is left", self._what)

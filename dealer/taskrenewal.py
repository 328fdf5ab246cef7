"""Signs of life of whoever has control, from a task of an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from zmqjsonproxy.control.protocol.lease import RENEW_EVERY_S

__all__ = ["TaskRenewal"]


class TaskRenewal:
    """A task that gives signs of life, in the loop of whoever takes control."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    def begin(self, sign: Callable[[], Coroutine[object, None, bool]]) -> None:
        """See Renewal."""

        async def repeat() -> None:
            await asyncio.sleep(RENEW_EVERY_S)
            while await sign():
                await asyncio.sleep(RENEW_EVERY_S)

        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(repeat(), name="control")

    def end(self) -> None:
        """See Renewal."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

"""Snapshots of a display memory for all clients of a mirror server: one is made when there is a change,
and all who ask until the next one share it.
"""

from __future__ import annotations

import asyncio

from histogrammer.display.snapshot import Snapshot
from histogrammer.engine import Engine
from histogrammer.worker import BusyError, Worker

__all__ = ["Updates"]

_AGAIN_S = 0.1


class Updates:
    """Snapshots. In one event loop.

    Args:
        worker: The thread of the engine that has the display memory.

    Attributes:
        built: Snapshots that were made so far.
    """

    def __init__(self, worker: Worker[Engine]) -> None:
        self._worker = worker
        self._last: Snapshot | None = None
        self._asking: asyncio.Task[Snapshot] | None = None
        self.built = 0

    async def current(self) -> Snapshot:
        """Return what the display memory holds now.

        Raises:
            EndedError: The histogrammer ends.
        """
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def _ask(self) -> Snapshot:
        before = self._last
        while True:
            try:
                future = self._worker.post(lambda engine: engine.snapshot(before))
            except BusyError:
                await asyncio.sleep(_AGAIN_S)
                continue
            found = await asyncio.wrap_future(future)
            if found is not before:
                self.built += 1
            self._last = found
            return found

"""Snapshots of a display memory for all clients of a mirror server: one is made when there is a change,
and all who ask until the next one share it.
"""

from __future__ import annotations

import asyncio

from histogrammer.display.snapshot import Snapshot
from histogrammer.engine import Engine
from histogrammer.worker import Worker, WorkerBusyError

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
        self.built = 0

    async def current(self) -> Snapshot:
        """Return what the display memory holds now.

        Raises:
            EndedError: The histogrammer ends.
        """
        while True:
            try:
                return await asyncio.wrap_future(self._worker.post(self._look))
            except WorkerBusyError:
                await asyncio.sleep(_AGAIN_S)

    def _look(self, engine: Engine) -> Snapshot:
        """Return the last snapshot if nothing has changed, else a new one; in the engine's thread."""
        found = engine.bindings.snapshot(self._last)
        if found is not self._last:
            self.built += 1
            self._last = found
        return found

    def forget(self) -> None:
        """Keep no snapshot while nobody asks."""
        self._last = None

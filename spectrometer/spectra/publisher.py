"""Live spectra as frames of a pipe: those that the data-taking program leaves in shared memory."""

from __future__ import annotations

import threading
from pathlib import Path

from groundwork.watchdog import watch
from spectrometer.daq.liveframes import LiveFrameReader, remove_leftover
from zmqjsonproxy.channels.properties import PropertyTable

__all__ = ["SPECTRUM", "SpectrumPublisher"]

SPECTRUM = "spectrum"
LOOK_EVERY_S = 0.05
_END_WITHIN_S = 1.0


class SpectrumPublisher:
    """Publishes each spectrum that comes, from its making to `close`.

    Args:
        path: Of the memory, which need not be there.
        table: Properties of the Bank, `spectrum` among them.
    """

    def __init__(self, path: Path, table: PropertyTable) -> None:
        self._path, self._table = path, table
        self._reader = LiveFrameReader(path)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live spectra", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        watch(self.look, self._ended, name="live spectra", every=LOOK_EVERY_S)
        self._reader.close()

    def look(self) -> None:
        """Publish the newest spectrum, if it is new."""
        found = self._reader.next()
        if found is None or self._ended.is_set():
            return
        frame = {
            "data": found.data,
            "x_start": found.x_starts[0],
            "x_delta": found.x_delta,
            "x_starts": found.x_starts,
            "rows": found.rows,
            "integration": found.integration,
        }
        self._table.publish(SPECTRUM, frame, round(1e6 * found.time))

    def close(self) -> None:
        """Publish no more, and remove what a program has left that was killed; returns within a
        second."""
        self._ended.set()
        self._thread.join(_END_WITHIN_S)
        remove_leftover(self._path)

"""Live spectra of the data-taking program: the newest integration, at most ten times per second."""

from __future__ import annotations

import logging
import math
from pathlib import Path

from spectrometer.daq.errors import LiveFramesError
from spectrometer.daq.liveframes import FrameWriter
from spectrometer.daq.runs import Run

__all__ = ["LiveSpectra"]

log = logging.getLogger(__name__)

PAUSE_S = 0.1


class LiveSpectra:
    """Shows the spectra of one scan after the other.

    Args:
        path: Of the memory where the Player finds them; None: nobody wants them.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._writer: FrameWriter | None = None
        self._due = -math.inf

    def begin(self, run: Run) -> str:
        """Make room for the spectra of a scan; why there are none, empty if there are."""
        self._due = -math.inf
        size = run.spectrum_bytes
        if self._writer is not None and self._writer.data_bytes == size:
            return ""
        self.close()
        if not size or self._path is None:
            return ""
        try:
            self._writer = FrameWriter(self._path, size)
        except LiveFramesError as error:
            log.warning("%s", error)
            return str(error)
        return ""

    def show(self, run: Run, now: float, *, is_last: bool = False) -> None:
        """Show the newest integration of a scan, if it is time to.

        Args:
            run: The scan.
            now: s, monotonic.
            is_last: There is none after it.
        """
        if self._writer is None or (now < self._due and not is_last):
            return
        spectrum = run.newest_spectrum()
        if spectrum is not None:
            self._due = now + PAUSE_S
            self._writer.write(spectrum)

    def close(self) -> None:
        """Remove the memory; may be called twice."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

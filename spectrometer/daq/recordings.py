"""A recorded file as a source of voltages, of whichever format it is: GUPPI raw or DADA, by its
first bytes."""

from __future__ import annotations

from pathlib import Path

from spectrometer.daq.dadafile import DadaFile
from spectrometer.daq.errors import SourceError
from spectrometer.daq.guppifile import GuppiFile
from spectrometer.daq.protocol.dada import looks_like_dada

__all__ = ["open_recording"]

LOOK_AT_BYTES = 4096


def open_recording(path: Path) -> GuppiFile | DadaFile:
    """Open a recording.

    Raises:
        SourceError: There is none, or it cannot be replayed.
    """
    try:
        with path.open("rb") as file:
            beginning = file.read(LOOK_AT_BYTES)
    except OSError as error:
        raise SourceError(str(path), error.strerror or str(error)) from error
    return DadaFile(path) if looks_like_dada(beginning) else GuppiFile(path)

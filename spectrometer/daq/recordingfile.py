"""Base of recorded files of all formats, as sources of voltages."""

from __future__ import annotations

import logging
import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Generic, TypeVar

from spectrometer.daq.errors import SourceError
from spectrometer.daq.protocol.band import RecordedBand
from spectrometer.daq.protocol.dada import DadaHeader
from spectrometer.daq.protocol.guppiraw import BlockHeader
from spectrometer.status.protocol.cards import MAX_TEXT, plain

__all__ = ["RecordingFile"]

log = logging.getLogger(__name__)

HeaderT = TypeVar("HeaderT", DadaHeader, BlockHeader)


class RecordingFile(ABC, Generic[HeaderT]):
    """A recorded file.

    Args:
        path: The file.
        piece_samples: About how many samples per channel a piece holds.

    Attributes:
        header: Of the file, or of its first block.
        samples: Per channel in one pass; complex ones, each counted once, missing ones too.
        notes: As of `Source`.

    Raises:
        SourceError: No such file, not of this format, or no samples in it.
    """

    header: HeaderT
    samples: int
    notes: list[str]

    def __init__(self, path: str | Path, *, piece_samples: int = 4096) -> None:
        self.path = Path(path)
        self._piece_samples = piece_samples
        try:
            self._file = self.path.open("rb")
        except OSError as error:
            raise SourceError(str(path), error.strerror or str(error)) from error
        try:
            self._size = os.fstat(self._file.fileno()).st_size
            self._look()
        except BaseException:
            self._file.close()
            raise
        for sentence in self.notes[1:]:
            log.warning("%s: %s", self.path.name, sentence)

    @abstractmethod
    def _look(self) -> None:
        """Find header, samples and notes."""

    @property
    def name(self) -> str:
        """The file's name, as a card holds it."""
        return plain(self.path.name)[-MAX_TEXT:]

    @property
    def band(self) -> RecordedBand:
        """Return the band that the header says, of complex voltages."""
        return self.header.band

    def default_rate(self, exposure: float) -> float:
        """Such that one pass fills an exposure (s)."""
        return self.samples / exposure

    def close(self) -> None:
        """Close the file."""
        self._file.close()

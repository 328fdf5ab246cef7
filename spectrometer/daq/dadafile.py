"""A DADA file as a source of voltages: one header, then samples without gaps or overlaps.

Real samples become complex ones at half the rate: the band is shifted by a quarter of the sample
rate to its middle and halved by a filter, so that frequencies are where the header says. Within 3 %
of the band's edges the filter takes away power.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spectrometer.daq.errors import SourceError
from spectrometer.daq.fir import lowpass, through
from spectrometer.daq.protocol.band import SAME
from spectrometer.daq.protocol.dada import (
    DEFAULT_HEADER_BYTES,
    DadaHeader,
    DadaHeaderError,
    DadaHeaderTooShortError,
    read_header,
)
from spectrometer.daq.source import NOT_RECEIVED, Band, Piece, SampleArray, SourceCard, feed_basis
from spectrometer.status.protocol.cards import MAX_TEXT, plain

__all__ = ["DadaFile"]

log = logging.getLogger(__name__)

HALF_BAND_TAPS = 127


class DadaFile:
    """One DADA file.

    Args:
        path: The file.
        piece_samples: How many complex samples per channel a piece holds.

    Raises:
        SourceError: No such file, no DADA file, or no samples in it.
    """

    packets = missing = 0

    def __init__(self, path: str | Path, *, piece_samples: int = 4096) -> None:
        self.path = Path(path)
        self._piece_samples = piece_samples
        try:
            self._file = self.path.open("rb")
        except OSError as error:
            raise SourceError(str(path), error.strerror or str(error)) from error
        try:
            self._size = os.fstat(self._file.fileno()).st_size
            self.header = self._read_header()
            stored = (self._size - self.header.header_bytes) // self.header.sample_bytes
            self.samples = (
                stored if self.header.is_complex else max(0, (stored - HALF_BAND_TAPS + 2) // 2)
            )
            """Complex samples per channel in one pass."""
            if not self.samples:
                reason = f"too few samples: {self._size} bytes, of which the header takes {self.header.header_bytes}"
                raise SourceError(str(path), reason)
        except BaseException:
            self._file.close()
            raise
        self.notes = [NOT_RECEIVED, *self._contradictions()]
        for sentence in self.notes[1:]:
            log.warning("%s: %s", self.path.name, sentence)

    def _read_header(self) -> DadaHeader:
        size = DEFAULT_HEADER_BYTES
        while True:  # a header may be longer than the first look, and says so in it
            self._file.seek(0)
            try:
                return read_header(self._file.read(size))
            except DadaHeaderTooShortError as error:
                if size < error.wanted <= self._size:
                    size = error.wanted
                    continue
                raise SourceError(
                    str(self.path), str(DadaHeaderTooShortError(error.wanted, self._size))
                ) from error
            except DadaHeaderError as error:
                raise SourceError(str(self.path), str(error)) from error

    def _contradictions(self) -> list[str]:
        header, band = self.header, self.band
        by_time = band.coarse_width * band.channels / 1e6
        sentences = []
        if abs(header.bandwidth - by_time) > SAME * abs(by_time):
            sentences.append(
                f"BW = {header.bandwidth:g} MHz contradicts TSAMP = {header.sample_time * 1e6:g} us ({by_time:g} MHz); "
                "TSAMP is used"
            )
        if rest := (self._size - header.header_bytes) % header.sample_bytes:
            sentences.append(f"the last {rest} bytes are no whole sample and are left out")
        return sentences

    @property
    def name(self) -> str:
        """The file's name, as a card holds it."""
        return plain(self.path.name)[-MAX_TEXT:]

    @property
    def band(self) -> Band:
        """As the header says, of complex voltages."""
        return self.header.band

    @property
    def basis(self) -> str:
        """BASIS of the header."""
        return feed_basis(self.header.values.get("BASIS", ""))

    @property
    def cards(self) -> list[SourceCard]:
        """That it is a recording, and what its header says of its origin and time."""
        cards: list[SourceCard] = [
            ("SIMULATE", True, "replayed recording, no live data"),
            ("PASSLEN", self.samples, "complex samples per channel in one pass"),
        ]
        if (moment := self.header.first_sample_time) is not None:
            text = f"{moment:%Y-%m-%dT%H:%M:%S.%f}"
            cards.append(("RECDATE", text, "UTC_START + OBS_OFFSET, UTC"))
        for key, name in (("SOURCE", "RECSRC"), ("TELESCOPE", "RECTEL"), ("INSTRUMENT", "RECINST")):
            if value := self.header.values.get(key, ""):
                cards.append((name, value, f"{key} of the recording"))
        return cards

    def default_rate(self, exposure: float) -> float:
        """Such that one pass fills an exposure (s)."""
        return self.samples / exposure

    @property
    def block_samples(self) -> float:
        """The file is one block."""
        return self.samples

    def longest_run(self) -> int:
        """All of it: there are no gaps in such a file."""
        return self.samples

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def pieces(self) -> Iterator[Piece]:
        """One pass through the recording."""
        for first in range(0, self.samples, self._piece_samples):
            count = min(self._piece_samples, self.samples - first)
            if self.header.is_complex:
                stored = self._read(first, count)
                samples: SampleArray = stored.reshape(count, self.header.channels, -1).transpose(
                    1, 0, 2
                )
            else:
                samples = self._made_complex(first, count)
            yield Piece(samples, first, first > 0)

    def _read(self, first: int, count: int) -> npt.NDArray[np.int8]:
        """Samples as stored: shape (count, bytes of a sample)."""
        size = self.header.sample_bytes
        offset = self.header.header_bytes + first * size
        self._file.seek(offset)
        data = self._file.read(count * size)
        if len(data) < count * size:
            raise SourceError(
                str(self.path), f"cut short while it was read, at byte {offset + len(data)}"
            )
        return np.frombuffer(data, np.int8).reshape(count, size)

    def _made_complex(self, first: int, count: int) -> npt.NDArray[np.float32]:
        """Complex samples from `first` on, of real ones: shape (channels, count, 2 *
        polarizations)."""
        stored = self._read(2 * first, 2 * (count - 1) + HALF_BAND_TAPS)
        turn = np.array([1, -1j, -1, 1j], np.complex64)[(2 * first + np.arange(len(stored))) % 4]
        shifted = stored * turn[:, None]
        halved = through(shifted, _HALF_BAND)[::2]
        parts = np.ascontiguousarray(halved).view(np.float32)
        return np.ascontiguousarray(
            parts.reshape(count, self.header.channels, -1).transpose(1, 0, 2)
        )


_HALF_BAND = (np.sqrt(2.0) * lowpass(HALF_BAND_TAPS, 0.5, "hamming")).astype(np.float32)
"""Lets the inner half of frequencies pass; the factor keeps the mean square of noise what it
was."""

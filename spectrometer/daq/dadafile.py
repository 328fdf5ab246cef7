"""A DADA file as a source of voltages: one header, then samples without gaps or overlaps.

Real samples become complex ones at half the rate: the band is shifted by a quarter of the sample
rate to its middle and halved by a filter, so that frequencies are where the header says. Within 3 %
of the band's edges the filter takes away power.
"""

from __future__ import annotations

from collections.abc import Iterator

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
from spectrometer.daq.recordingfile import RecordingFile
from spectrometer.daq.source import NOT_RECEIVED, Piece, SampleArray, SourceCard, feed_basis

__all__ = ["DadaFile"]

HALF_BAND_TAPS = 127


class DadaFile(RecordingFile[DadaHeader]):
    """One DADA file; see `RecordingFile`."""

    packets = missing = 0

    def _look(self) -> None:
        self.header = self._read_header()
        stored = (self._size - self.header.header_bytes) // self.header.sample_bytes
        self.samples = (
            stored if self.header.is_complex else max(0, (stored - HALF_BAND_TAPS + 2) // 2)
        )
        if not self.samples:
            reason = f"too few samples: {self._size} bytes, of which the header takes {self.header.header_bytes}"
            raise SourceError(str(self.path), reason)
        self.notes = [NOT_RECEIVED, *self._contradictions()]

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

    @property
    def block_samples(self) -> float:
        """The file is one block."""
        return self.samples

    def longest_run(self) -> int:
        """All of it: there are no gaps in such a file."""
        return self.samples

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

"""Voltages of a station by position, of its frequency table: from recordings, or of any other source.

A band is one stream of complex samples around the middle of its frequencies. Positions count samples
from the first one of the station.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from correlator.errors import VoltagesError
from spectrometer.daq.guppifile import GuppiFile
from spectrometer.daq.source import Piece
from spectrometer.status.errors import CardError
from spectrometer.status.protocol.cards import read_number

__all__ = ["Band", "Recordings", "Samples", "Start", "Voltages"]

Samples = npt.NDArray[np.complex64]
Valid = npt.NDArray[np.bool_]

SAME_HZ = 1e-3
"""Frequencies that differ by less are the same."""


@dataclass(frozen=True, slots=True)
class Band:
    """A row of a frequency table.

    Attributes:
        center_hz: Middle of the band on the sky.
        width_hz: Complex samples per second.
    """

    center_hz: float
    width_hz: float

    def is_same(self, other: Band) -> bool:
        """Both are the same band, so that they can be correlated."""
        return (
            abs(self.center_hz - other.center_hz) < SAME_HZ
            and abs(self.width_hz - other.width_hz) < SAME_HZ
        )


@dataclass(frozen=True, slots=True, order=True)
class Start:
    """A time, exact where a single number would not be.

    Attributes:
        mjd: Day, UTC.
        seconds: Of the day.
    """

    mjd: int
    seconds: float

    def since(self, other: Start) -> float:
        """Return the seconds from the other to this."""
        return (self.mjd - other.mjd) * 86400 + (self.seconds - other.seconds)


class Voltages(Protocol):
    """Voltages of one station."""

    @property
    def bands(self) -> Sequence[Band]:
        """Frequency table."""

    @property
    def polarizations(self) -> int:
        """1 or 2."""

    @property
    def start(self) -> Start | None:
        """Time of the first sample; None: that of the scan."""

    @property
    def samples(self) -> int | None:
        """Samples of a band; None: there is no end."""

    def read(self, first: int, count: int) -> tuple[Samples, Valid]:
        """Read samples; positions before those of the call before may be gone.

        Returns:
            Shape (bands, polarizations, count), zeros where there are none; shape (count,), where there
            are some.
        """

    def close(self) -> None:
        """Give back what it holds."""


class Recordings:
    """GUPPI raw recordings of one station that follow each other in time.

    Args:
        station: Its name, for errors.
        paths: In any order, at least one.

    Raises:
        VoltagesError: They do not fit each other.
        SourceError: One cannot be read.
    """

    start: Start | None
    samples: int | None

    def __init__(self, station: str, paths: Sequence[Path]) -> None:
        with ExitStack() as stack:
            files = []
            for path in paths:
                files.append(GuppiFile(path))
                stack.callback(files[-1].close)
            self._order(station, files)
            self._open = stack.pop_all()
        self._pieces = self._all_pieces()
        self._held: list[tuple[int, Samples]] = []
        self._is_over = False

    def _order(self, station: str, files: Sequence[GuppiFile]) -> None:
        """Put files in order of time, and see whether they fit."""
        starts = [_start(file) for file in files]
        known = [start for start in starts if start is not None]
        if len(known) < len(files) > 1:
            raise VoltagesError(
                station, "recordings without STT_IMJD cannot be put in order; give one"
            )
        self.start = min(known, default=None)
        begins = [start.since(self.start) if start and self.start else 0.0 for start in starts]
        self._files = sorted(zip(begins, files, strict=True), key=lambda each: each[0])
        first = self._files[0][1]
        self.bands, self.polarizations = _table(first), first.band.polarizations
        rate = self.bands[0].width_hz
        for _, file in self._files:
            if _table(file) != self.bands or file.band.polarizations != self.polarizations:
                raise VoltagesError(station, f"{file.name} has another band than {first.name}")
        self.samples = max(round(begin * rate) + file.samples for begin, file in self._files)
        self.notes = [f"{file.name}: {note}" for _, file in self._files for note in file.notes[1:]]

    def read(self, first: int, count: int) -> tuple[Samples, Valid]:
        """See `Voltages`."""
        end = first + count
        while not self._is_over and (not self._held or self._end_of(self._held[-1]) < end):
            piece = next(self._pieces, None)
            if piece is None:
                self._is_over = True
            else:
                self._held.append(piece)
        self._held = [each for each in self._held if self._end_of(each) > first]
        samples = np.zeros((len(self.bands), self.polarizations, count), np.complex64)
        valid = np.zeros(count, np.bool_)
        for begin, held in self._held:
            low, high = max(begin, first), min(begin + held.shape[2], end)
            if low < high:
                samples[:, :, low - first : high - first] = held[:, :, low - begin : high - begin]
                valid[low - first : high - first] = True
        return samples, valid

    def close(self) -> None:
        """See `Voltages`."""
        self._open.close()

    @staticmethod
    def _end_of(held: tuple[int, Samples]) -> int:
        return held[0] + int(held[1].shape[2])

    def _all_pieces(self) -> Iterator[tuple[int, Samples]]:
        for begin, file in self._files:
            first = round(begin * self.bands[0].width_hz)
            for piece in file.pieces():
                yield first + piece.first_sample, _complex(piece, file.band.is_conjugated)


def _complex(piece: Piece, is_conjugated: bool) -> Samples:
    """Voltages as on the sky, shape (bands, polarizations, time)."""
    parts = piece.samples.astype(np.float32)
    samples: Samples = (parts[:, :, 0::2] + 1j * parts[:, :, 1::2]).transpose(0, 2, 1)
    return samples.conj() if is_conjugated else samples


def _table(file: GuppiFile) -> tuple[Band, ...]:
    """Coarse channels as bands."""
    band = file.band
    middles = band.lower_edge + band.coarse_width * (0.5 + np.arange(band.channels))
    return tuple(Band(float(middle), abs(band.coarse_width)) for middle in middles)


def _start(file: GuppiFile) -> Start | None:
    """Time of the first sample, by the header; None: it does not say."""
    values = file.header.values
    try:
        day = read_number("STT_IMJD", values.get("STT_IMJD"))
        seconds = read_number("STT_SMJD", values.get("STT_SMJD"))
        part = read_number("STT_OFFS", values.get("STT_OFFS", 0.0))
    except CardError:
        return None
    return Start(int(day), float(seconds) + float(part)) if day > 0 else None

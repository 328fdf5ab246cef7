"""Recorders of the voltages of a pulsar mode: rows of samples, folded profiles, or blocks of
voltages, in a file.

One class for each kind of file, all used alike by `spectrometer.daq.pulsar`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from spectrometer.daq.account import (
    ClosingRemarks,
    FileState,
    ScanAccount,
    close_header,
    update_header,
)
from spectrometer.daq.folding import Folder, Spin, first_sample, subintegrations_at
from spectrometer.daq.protocol.band import RecordedBand
from spectrometer.daq.protocol.guppiraw import write_header
from spectrometer.daq.psrfits import PsrFitsFile
from spectrometer.daq.pulsarchain import Chain, Samples
from spectrometer.daq.rawfile import BlockCutter, BlockSize, RawBlock, RawFile, to_bytes
from spectrometer.daq.source import SampleArray
from spectrometer.status.protocol.cards import Value

__all__ = ["FoldRecorder", "RawRecorder", "SearchRecorder", "VoltageRecorder"]

Doubles = npt.NDArray[np.float64]


class VoltageRecorder(Protocol):
    """Takes voltages and writes a file."""

    def take(self, samples: SampleArray, position: int) -> int:
        """Take voltages of shape (coarse, time, 2 * polarizations); how many rows they completed.
        OSError."""

    def lost(self) -> None:
        """The next voltages do not follow the last ones."""

    def finish(self, position: int) -> int:
        """The scan is over at a position: complete what may be short; how many rows that were.
        OSError."""

    def peak_channel(self) -> int:
        """Channel (from 0, in band order) with the most power so far."""

    @property
    def path(self) -> Path | None:
        """The file; None in monitor mode."""

    @property
    def rows(self) -> int:
        """Rows, or blocks, that are in the file for good."""

    @property
    def unsafe(self) -> int:
        """Rows that were completed and are not in the file."""

    def flush(self, *, sync: bool = False) -> None:
        """Write what is complete. OSError."""

    def set_loops(self, loops: int) -> None:
        """Tell how often a recording was begun anew. OSError."""

    def update_header(self, account: ScanAccount) -> None:
        """Tell how the scan stands, where a file has a header for that. OSError."""

    def close_header(
        self, account: ScanAccount, ending: FileState, closing: ClosingRemarks
    ) -> None:
        """Tell what became of the scan, where a file has a header for that. OSError."""

    def close(self) -> None:
        """Close the file. OSError."""


class _File(Protocol):
    path: Path

    @property
    def rows(self) -> int: ...
    def flush(self, *, sync: bool = False) -> None: ...
    def close(self) -> None: ...


F = TypeVar("F", bound=_File)


class _FileRecorder(Generic[F]):
    """Base of all recorders.

    Args:
        channels: Of which the power is watched.
        file: None: monitor only.
    """

    def __init__(self, channels: int, file: F | None) -> None:
        self.file = file
        self._power: Doubles = np.zeros(channels)

    def finish(self, position: int) -> int:
        """See `VoltageRecorder`; what is cut short is left out."""
        return 0

    def peak_channel(self) -> int:
        """See `VoltageRecorder`."""
        return int(np.argmax(self._power))

    @property
    def path(self) -> Path | None:
        """See `VoltageRecorder`."""
        return None if self.file is None else self.file.path

    @property
    def rows(self) -> int:
        """See `VoltageRecorder`."""
        return 0 if self.file is None else self.file.rows

    def flush(self, *, sync: bool = False) -> None:
        """See `VoltageRecorder`."""
        if self.file is not None:
            self.file.flush(sync=sync)

    def close(self) -> None:
        """See `VoltageRecorder`."""
        if self.file is not None:
            self.file.close()


class _PsrFitsRecorder(_FileRecorder[PsrFitsFile], ABC):
    """Base of the recorders of search and fold mode.

    Args:
        chain: Makes samples of voltages.
        file: None: monitor only.
    """

    def __init__(self, chain: Chain, file: PsrFitsFile | None) -> None:
        super().__init__(chain.options.nchan, file)
        self.chain = chain
        self._ends: list[int] = []  # rows of the file up to each that is not known to be on disk

    def take(self, samples: SampleArray, position: int) -> int:
        """See `VoltageRecorder`."""
        found = self.chain.process(samples, position)
        if not found.powers.shape[2]:
            return 0
        power = found.powers[0].sum(axis=1, dtype=np.float64)
        if self.chain.pol_type == "AABBCRCI":
            power += found.powers[1].sum(axis=1, dtype=np.float64)
        self._power += power
        return self._add(found)

    @abstractmethod
    def _add(self, found: Samples) -> int:
        """Take samples; how many rows they completed."""

    def lost(self) -> None:
        """See `VoltageRecorder`."""
        self.chain.reset()

    def _count_row(self) -> None:
        """Take note that the last row of the file counts as recorded."""
        if self.file is not None:
            self._ends.append(self.file.rows + self.file.pending_rows)

    def flush(self, *, sync: bool = False) -> None:
        """See `VoltageRecorder`."""
        super().flush(sync=sync)
        self._ends.clear()

    @property
    def unsafe(self) -> int:
        """See `VoltageRecorder`."""
        return 0 if self.file is None else sum(end > self.file.rows for end in self._ends)

    def set_loops(self, loops: int) -> None:
        """See `VoltageRecorder`."""
        if self.file is not None:
            self.file.set_number("NLOOPS", loops)

    def update_header(self, account: ScanAccount) -> None:
        """See `VoltageRecorder`."""
        if self.file is not None:
            update_header(self.file, account)

    def close_header(
        self, account: ScanAccount, ending: FileState, closing: ClosingRemarks
    ) -> None:
        """See `VoltageRecorder`."""
        if self.file is not None:
            close_header(self.file, account, ending, closing)


class SearchRecorder(_PsrFitsRecorder):
    """Rows of NSBLK samples. A row has its place by time; in place of lost samples it has the mean
    of the others.

    Rows of which nothing came are in the file and do not count. A row that is cut short by the end
    is left out.

    Args:
        chain: Makes samples of voltages.
        file: None: monitor only.
        nsblk: Samples of a row.
    """

    def __init__(self, chain: Chain, file: PsrFitsFile | None, nsblk: int) -> None:
        super().__init__(chain, file)
        self._row = np.zeros((nsblk, chain.products, chain.options.nchan), np.float32)
        self._is_there = np.zeros(nsblk, bool)
        self._number = 0

    def _add(self, found: Samples) -> int:
        size, rows = len(self._row), 0
        samples = found.powers.transpose(2, 0, 1)
        index = round((found.begin - self.chain.first) / self.chain.sample_time)
        while len(samples):
            number, place = divmod(index, size)
            count = min(size - place, len(samples))
            if number != self._number:
                rows += self._complete()
                self._number = number
            self._row[place : place + count] = samples[:count]
            self._is_there[place : place + count] = True
            if place + count == size:
                rows += self._complete()
                self._number = number + 1
            samples, index = samples[count:], index + count
        return rows

    def finish(self, position: int) -> int:
        """See `VoltageRecorder`; a row that was due is kept."""
        due = self.chain.samples_of(position) // len(self._row)
        return self._complete() if self._number < due else 0

    def _complete(self) -> int:
        """Write the present row, if anything of it came."""
        if not self._is_there.any():
            return 0
        if not self._is_there.all():
            self._row[~self._is_there] = self._row[self._is_there].mean(axis=0, dtype=np.float64)
        self._is_there[:] = False
        if self.file is not None:
            self.file.append_samples(self._row, self._number)
        self._count_row()
        return 1


class FoldRecorder(_PsrFitsRecorder):
    """Profiles of sub-integrations; the last may be shorter.

    Args:
        chain: Makes samples of voltages.
        file: None: monitor only.
        nbin: Bins of a turn.
        fold_time: Of a sub-integration, s.
        spin: Of the pulsar; its times begin with the first voltage.
    """

    def __init__(
        self, chain: Chain, file: PsrFitsFile | None, *, nbin: int, fold_time: float, spin: Spin
    ) -> None:
        super().__init__(chain, file)
        self._folder = Folder(chain.products, chain.options.nchan, nbin, spin)
        self._spin, self._fold_time, self._number = spin, fold_time, 0
        self._times = 0.0  # sum of those folded
        self._next = 0  # number of the sample behind the last one

    def _add(self, found: Samples) -> int:
        step = self.chain.sample_time
        places = np.arange(found.powers.shape[2])
        times: Doubles = found.begin + (places.astype(np.float64) + 0.5) * step
        samples = places + round((found.begin - self.chain.first) / step)
        numbers = subintegrations_at(samples, step, self._fold_time)
        rows = 0
        for number in np.unique(numbers):
            chosen = np.flatnonzero(numbers == number)
            first, last = int(chosen[0]), int(chosen[-1]) + 1
            if number != self._number:
                rows += self._complete(self._first_of(self._number + 1))
                self._number = int(number)
            self._folder.add(found.powers[:, :, first:last], times[first:last])
            self._times += float(times[first:last].sum())
            self._next = int(samples[last - 1]) + 1
        return rows

    def finish(self, position: int) -> int:
        """See `VoltageRecorder`."""
        due = min(self.chain.samples_of(position), self._first_of(self._number + 1))
        return self._complete(max(self._next, due))

    def _first_of(self, number: int) -> int:
        return first_sample(number, self.chain.sample_time, self._fold_time)

    def _complete(self, end: int) -> int:
        """Write the present row, which would have the samples before number `end` if nothing were
        lost."""
        count, times = self._folder.samples, self._times
        if not count:
            return 0
        self._times = 0.0
        profiles, step = self._folder.take(), self.chain.sample_time
        if self.file is not None:
            middle = times / count
            self.file.append_profiles(
                profiles,
                epoch=self._spin.last_zero(middle) - self.chain.first,
                summed=count * step,
                share=count / max(count, end - self._first_of(self._number)),
                period=1.0 / self._spin.frequency_at(middle),
            )
        self._count_row()
        return 1


class RawRecorder(_FileRecorder[RawFile]):
    """Blocks of voltages, as they came, with zeros for what is lost. Blocks of which nothing came
    do not count.

    Args:
        band: Of the voltages.
        size: Of the blocks.
        others: Further cards of their headers.
        file: None: monitor only.
    """

    def __init__(
        self, band: RecordedBand, size: BlockSize, others: dict[str, Value], file: RawFile | None
    ) -> None:
        super().__init__(band.channels, file)
        self._band, self._size, self._others = band, size, others
        self._cutter = BlockCutter(size)

    def take(self, samples: SampleArray, position: int) -> int:
        """See `VoltageRecorder`."""
        voltages = to_bytes(samples)
        self._power += np.square(voltages, dtype=np.float64).sum(axis=(1, 2))
        return sum(self._write(block) for block in self._cutter.add(voltages, position))

    def finish(self, position: int) -> int:
        """See `VoltageRecorder`."""
        return sum(self._write(block) for block in self._cutter.finish(position))

    def _write(self, block: RawBlock) -> int:
        """Write a block; whether it counts."""
        if self.file is not None:
            counts = {"NPKT": block.packets - block.lost_packets, "NDROP": block.lost_packets}
            header = write_header(
                self._band,
                samples=block.samples.shape[1],
                overlap=self._size.overlap,
                packet_index=block.number * block.packets,
                packet_bytes=self._size.packet_bytes,
                others=self._others | counts,
            )
            self.file.append(header, block.samples)
        return not block.is_lost

    @property
    def unsafe(self) -> int:
        """See `VoltageRecorder`; blocks are written at once."""
        return 0

    def lost(self) -> None:
        """See `VoltageRecorder`; positions tell."""

    def set_loops(self, loops: int) -> None:
        """See `VoltageRecorder`; the headers of blocks that are written stay as they are."""
        self._others["NLOOPS"] = loops

    def update_header(self, account: ScanAccount) -> None:
        """See `VoltageRecorder`; each block has a header of its own."""

    def close_header(
        self, account: ScanAccount, ending: FileState, closing: ClosingRemarks
    ) -> None:
        """See `VoltageRecorder`; each block has a header of its own."""

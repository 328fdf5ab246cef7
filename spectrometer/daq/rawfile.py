"""GUPPI raw files: voltages cut into blocks that overlap, and the file that takes them.

A block is counted when it is in the file as a whole; a reader leaves out one that was cut short.
When the disk is full the file ends behind its last complete block. Nothing existing is ever
overwritten.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spectrometer.daq.protocol.band import RecordedBand
from spectrometer.daq.streamingfits import check_kept, create_new, write_all

__all__ = [
    "BlockCutter",
    "BlockSize",
    "RawBlock",
    "RawFile",
    "choose_block",
    "in_two_polarizations",
    "to_bytes",
]

Bytes8 = npt.NDArray[np.int8]

PACKET_BYTES = 8192
"""Of voltages in a packet of the format 1SFA."""


@dataclass(frozen=True, slots=True)
class BlockSize:
    """Samples per channel that are new in a block, those that repeat the block before, and bytes of
    a packet."""

    new: int
    overlap: int
    packet_bytes: int

    def blocks_of(self, samples: int) -> int:
        """Complete blocks of consecutive samples."""
        return max(0, (samples - self.overlap) // self.new)


def choose_block(band: RecordedBand, blocsize: int, overlap: int, longest: int) -> BlockSize:
    """Size of the blocks: whole packets, no more than BLOCSIZE, and no more than is worth losing
    when a program dies.

    Args:
        band: Of the voltages.
        blocsize: Bytes, as the mode computed it; 0: no limit.
        overlap: Samples per channel, as the mode computed it.
        longest: Samples per channel that may be waited for.
    """
    sample_bytes = band.channels * band.polarizations * 2
    most = max(longest, 4 * overlap, 1)
    if blocsize > 0:
        most = max(min(most, blocsize // sample_bytes - overlap), 1)
    packet = PACKET_BYTES
    while packet > 1 and (packet % sample_bytes or packet // sample_bytes > most):
        packet //= 2
    if packet < sample_bytes or packet % sample_bytes:
        packet = sample_bytes  # channels of no power of two: a sample of all is a packet
    step = packet // sample_bytes
    return BlockSize(max(most // step, 1) * step, overlap, packet)


def in_two_polarizations(band: RecordedBand) -> RecordedBand:
    """The band of a raw file: no two readers take a file of one polarization for the same."""
    return replace(band, polarizations=2)


def to_bytes(samples: npt.NDArray[np.int8] | npt.NDArray[np.float32]) -> Bytes8:
    """Samples of two polarizations as 8 bits: B is zeros if there is only A, and what was computed
    is rounded."""
    found: Bytes8
    if samples.dtype == np.int8:
        found = samples  # type: ignore[assignment]  # mypy does not narrow by the dtype
    else:  # as of a recording of real voltages
        found = np.clip(np.rint(samples), -127, 127).astype(np.int8)
    return found if found.shape[2] > 2 else np.concatenate([found, np.zeros_like(found)], axis=2)


@dataclass(frozen=True, slots=True)
class RawBlock:
    """A block of voltages; lost samples are zeros in it."""

    number: int
    """From the beginning of the scan."""
    samples: Bytes8
    """Shape (channels, new + overlap, 2 * polarizations)."""
    packets: int
    """That are new in it."""
    lost_packets: int
    """Those of which a sample is missing."""

    @property
    def is_lost(self) -> bool:
        """There is nothing in it."""
        return self.lost_packets == self.packets


class BlockCutter:
    """Cuts a stream into blocks. A block has its place by number of samples, and zeros in place of
    lost ones."""

    def __init__(self, size: BlockSize) -> None:
        self.size = size
        self._held: Bytes8 | None = None
        self._position = 0  # of the first sample held
        self._lost: list[tuple[int, int]] = []  # from where to where samples are missing

    def add(self, samples: Bytes8, position: int) -> Iterator[RawBlock]:
        """Take samples of shape (channels, time, 2 * polarizations); yield the blocks that are
        complete.

        Args:
            samples: The next ones.
            position: Of the first, since the beginning of the scan.
        """
        if self._held is None:
            self._held = samples[:, :0]
        yield from self._pass_over(position)
        yield from self._append(samples)

    def finish(self, position: int) -> Iterator[RawBlock]:
        """Yield the block that is begun, if it was due before a position, where the scan ended."""
        end = self._position + self._whole
        if self._held is not None and self._held.shape[1] > self.size.overlap and end <= position:
            yield from self._pass_over(end)

    @property
    def _whole(self) -> int:
        return self.size.new + self.size.overlap

    def _pass_over(self, position: int) -> Iterator[RawBlock]:
        """Go on at a position: what is missing until there is lost."""
        assert self._held is not None
        while (at := self._position + self._held.shape[1]) < position:
            count = min(position - at, self._whole)
            self._lost.append((at, at + count))
            yield from self._append(
                np.zeros((self._held.shape[0], count, self._held.shape[2]), np.int8)
            )

    def _append(self, samples: Bytes8) -> Iterator[RawBlock]:
        held = samples if self._held is None else np.concatenate([self._held, samples], axis=1)
        while held.shape[1] >= self._whole:
            yield self._block(held[:, : self._whole])
            held, self._position = held[:, self.size.new :], self._position + self.size.new
        self._held = held.copy()
        self._lost = [(begin, end) for begin, end in self._lost if end > self._position]

    def _block(self, samples: Bytes8) -> RawBlock:
        size, begin = self.size, self._position
        packet = max(size.packet_bytes // (samples.shape[0] * samples.shape[2]), 1)
        is_lost = np.zeros(size.new // packet, bool)
        for first, last in self._lost:
            is_lost[max(first - begin, 0) // packet : -(-max(last - begin, 0) // packet)] = True
        return RawBlock(begin // size.new, samples, len(is_lost), int(np.count_nonzero(is_lost)))


class RawFile:
    """A GUPPI raw file being written.

    Args:
        directory: Made if it does not exist, in one that does.
        name: Wished file name; `_2`, `_3`, ... is added if there is such a file.

    Raises:
        OSError: The file cannot be made.
    """

    def __init__(self, directory: Path, name: str) -> None:
        directory.mkdir(exist_ok=True)
        self.path, self._file = create_new(directory, name)
        self.rows = 0
        """Complete blocks in the file."""
        self._end = 0
        self._is_new = False

    def append(self, header: bytes, block: Bytes8) -> None:
        """Write a block. OSError: the disk is full or broken; what was written before is kept."""
        data = header + block.tobytes()
        try:
            write_all(self._file, data, self._end)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._end)
            raise
        self._end += len(data)
        self.rows += 1
        self._is_new = True

    def flush(self, *, sync: bool = False) -> None:
        """Blocks are written at once; with `sync` wait until the disk has them. OSError: also, it
        was removed."""
        if not sync:
            return
        check_kept(self._file, self.path)
        if self._is_new:
            os.fdatasync(self._file)
            self._is_new = False

    def close(self) -> None:
        """Wait for the disk and close. May be called twice. OSError as of `flush`."""
        if self._file < 0:
            return
        try:
            os.fsync(self._file)
            check_kept(self._file, self.path)
        finally:
            os.close(self._file)
            self._file = -1

"""GUPPI raw files: voltages cut into blocks that overlap, and the file that takes them.

A block is counted when it is in the file as a whole; a reader leaves out one that was cut short. When the disk is full
the file ends behind its last complete block. Nothing existing is ever overwritten.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spectrometer.daq.growing import check_kept, create_new, write_all
from spectrometer.daq.protocol.band import Band

__all__ = ["BlockCutter", "BlockSize", "RawFile", "choose_block", "to_bytes"]

Bytes8 = npt.NDArray[np.int8]

PACKET_BYTES = 8192
"""Of voltages in a packet of the format 1SFA."""


@dataclass(frozen=True, slots=True)
class BlockSize:
    """Samples per channel that are new in a block, those that repeat the block before, and bytes of a packet."""

    new: int
    overlap: int
    packet_bytes: int

    def blocks_of(self, samples: int) -> int:
        """Complete blocks of consecutive samples."""
        return max(0, (samples - self.overlap) // self.new)


def choose_block(band: Band, blocsize: int, overlap: int, longest: int) -> BlockSize:
    """Size of the blocks: whole packets, no more than BLOCSIZE, and no more than is worth losing when a program dies.

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


def to_bytes(samples: npt.NDArray[np.int8] | npt.NDArray[np.float32]) -> Bytes8:
    """Samples as 8 bits; those that were computed, as of a recording of real voltages, are rounded."""
    if samples.dtype == np.int8:
        return samples  # type: ignore[return-value]  # mypy does not narrow by the dtype
    return np.clip(np.rint(samples), -127, 127).astype(np.int8)


class BlockCutter:
    """Cuts a stream into blocks. A block has its place by number of samples; one with a gap in it is left out."""

    def __init__(self, size: BlockSize) -> None:
        self.size = size
        self._held: Bytes8 | None = None
        self._position = 0  # of the first sample held

    def add(self, samples: Bytes8, position: int) -> list[tuple[int, Bytes8]]:
        """Take samples of shape (channels, time, 2 * polarizations); return (number, samples) of complete blocks.

        Args:
            samples: The next ones.
            position: Of the first, since the beginning of the scan.
        """
        held = self._held
        if held is None or self._position + held.shape[1] != position:
            skip = min(-position % self.size.new, samples.shape[1])
            held, self._position = samples[:, skip:], position + skip
        else:
            held = np.concatenate([held, samples], axis=1)
        whole = self.size.new + self.size.overlap
        blocks: list[tuple[int, Bytes8]] = []
        while held.shape[1] >= whole:
            blocks.append((self._position // self.size.new, held[:, :whole]))
            held, self._position = held[:, self.size.new :], self._position + self.size.new
        self._held = held.copy()
        return blocks


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
        """Blocks are written at once; with `sync` wait until the disk has them. OSError: also, it was removed."""
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

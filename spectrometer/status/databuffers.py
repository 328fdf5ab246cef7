"""The shared data buffers of the original's data-taking programs: their layout, made and removed.

Only a foreign program uses them: blocks of data in a System V segment, behind a structure that says
how many and how large, each block with a header of cards, and a set of System V semaphores that
says of each block whether it is filled. Knows memory, neither data nor programs.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import struct
from dataclasses import dataclass

import sysv_ipc

from spectrometer.status.errors import DataBufferError
from spectrometer.status.keys import STATUS_BYTES
from spectrometer.status.protocol.cards import CARD_BYTES

__all__ = [
    "FAMILIES",
    "GUPPI_DATA_KEY",
    "VEGAS_DATA_KEY",
    "DataBuffer",
    "make_buffers",
    "planned",
    "remove_buffers",
]

VEGAS_DATA_KEY, GUPPI_DATA_KEY = 0x00C62C70, 0x00C62C6A
"""Keys of buffer 1 in the original; buffer n has n - 1 more."""
FAMILIES = ("vegas", "guppi")
DEFAULT_INDEX_BYTES = 1 << 16
STRUCTURE_MULTIPLE = 8192
DISK_KIND, DISK_SEMAPHORES = 3, 1024

_MIB = 1 << 20
_ORIGINAL = {
    "vegas": (
        ("gpu input", 1, 32, 32 * _MIB),
        ("cpu accumulator", 2, 32, 32 * _MIB),
        ("disk", 3, 24, 16 * _MIB),
    ),
    "guppi": (("net", 0, 8, 128 * _MIB), ("gpu", 0, 8, 256 * _MIB)),
}
_VEGAS = struct.Struct("<64si4x5Q3i")
_GUPPI = struct.Struct("<64s3Q3i")
_IPC_CREAT, _IPC_EXCL, _IPC_RMID = 0o1000, 0o2000, 0

_libc = ctypes.CDLL(None, use_errno=True)  # sysv_ipc knows only sets of one semaphore


@dataclass(frozen=True, slots=True)
class DataBuffer:
    """One buffer: what is written into its structure."""

    family: str
    key: int
    name: str
    kind: int
    """1 GPU input, 2 accumulator, 3 disk; 0 in the family `guppi`, which has no such number."""
    blocks: int
    block_bytes: int
    index_bytes: int
    """Of the index of a block; 0 in the family `guppi`."""

    @property
    def structure_bytes(self) -> int:
        """The structure, rounded up."""
        size = (_VEGAS if self.family == "vegas" else _GUPPI).size
        return -(-size // STRUCTURE_MULTIPLE) * STRUCTURE_MULTIPLE

    @property
    def header_bytes(self) -> int:
        """The cards of a block."""
        return STATUS_BYTES

    @property
    def total_bytes(self) -> int:
        """The whole segment: structure, all headers, all indexes, all blocks."""
        return self.structure_bytes + self.blocks * (
            self.header_bytes + self.index_bytes + self.block_bytes
        )

    @property
    def semaphores(self) -> int:
        """In the set: one for each block, but 1024 for the disk buffer."""
        return max(self.blocks, DISK_SEMAPHORES) if self.kind == DISK_KIND else self.blocks

    def structure(self, memory: int, semaphores: int) -> bytes:
        """The bytes at the beginning of the segment.

        Args:
            memory: Id of the segment.
            semaphores: Id of the set.
        """
        name = self.name.encode("ascii")
        sizes = (self.structure_bytes, self.block_bytes, self.header_bytes)
        if self.family == "guppi":
            return _GUPPI.pack(name, *sizes, memory, semaphores, self.blocks)
        return _VEGAS.pack(
            name,
            self.kind,
            self.total_bytes,
            *sizes,
            self.index_bytes,
            memory,
            semaphores,
            self.blocks,
        )


def planned(
    family: str,
    key: int,
    blocks: int | None = None,
    block_bytes: int | None = None,
    index_bytes: int | None = None,
) -> list[DataBuffer]:
    """The buffers of a family, in their order.

    Args:
        family: `vegas` or `guppi`; KeyError otherwise.
        key: Of buffer 1.
        blocks: In each; None: as the original has it.
        block_bytes: Of each block; None: as the original has it.
        index_bytes: Of a block's index, family `vegas`; None: 65536.
    """
    index = 0 if family == "guppi" else DEFAULT_INDEX_BYTES if index_bytes is None else index_bytes
    return [
        DataBuffer(family, key + n, name, kind, blocks or count, block_bytes or size, index)
        for n, (name, kind, count, size) in enumerate(_ORIGINAL[family])
    ]


def make_buffers(buffers: list[DataBuffer]) -> None:
    """Make buffers anew, with all blocks free; what had their keys is removed before.

    Raises:
        DataBufferError: One cannot be had; then none of them is left.
    """
    remove_buffers(buffers)
    try:
        for buffer in buffers:
            _make(buffer)
    except BaseException:
        with contextlib.suppress(DataBufferError):
            remove_buffers(buffers)
        raise


def _make(buffer: DataBuffer) -> None:
    what = f"{buffer.family} data buffer {buffer.name} (key {buffer.key:#010x})"
    try:
        # not IPC_CREX: with that, sysv_ipc fills all of it with blanks, and touches gigabytes
        memory = sysv_ipc.SharedMemory(
            buffer.key, sysv_ipc.IPC_CREAT, mode=0o666, size=buffer.total_bytes
        )
    except (sysv_ipc.Error, ValueError, OSError, MemoryError) as error:
        size = f"{buffer.blocks} blocks of {buffer.block_bytes // 1024} KiB"
        raise DataBufferError(
            f"{what} of {size}: {error}; data_buffers of the Bank sets number and size"
        ) from error
    try:
        found = _libc.semget(buffer.key, buffer.semaphores, _IPC_CREAT | _IPC_EXCL | 0o666)
        if found < 0:
            raise DataBufferError(
                f"{what}: {buffer.semaphores} semaphores: {os.strerror(ctypes.get_errno())}"
            )
        memory.write(buffer.structure(memory.id, found))
        for block in range(
            buffer.blocks
        ):  # the kernel's new memory is zero, and so are new semaphores: free
            memory.write(
                b"END".ljust(CARD_BYTES), buffer.structure_bytes + block * buffer.header_bytes
            )
    finally:
        memory.detach()


def remove_buffers(buffers: list[DataBuffer]) -> None:
    """Remove segments and semaphore sets of these keys; what is not there is passed over.

    A program that is still attached keeps its memory until it ends; nobody else finds it any more.

    Raises:
        DataBufferError: One belongs to somebody else; the others are removed.
    """
    faults = []
    for buffer in buffers:
        try:
            memory = sysv_ipc.SharedMemory(buffer.key, 0, size=0)
            memory.remove()
            memory.detach()
        except sysv_ipc.ExistentialError:
            pass
        except (sysv_ipc.Error, OSError) as error:
            faults.append(f"segment {buffer.key:#010x}: {error}; ipcrm -M {buffer.key:#x}")
        found = _libc.semget(buffer.key, 0, 0)
        if found >= 0:
            if (
                _libc.semctl(found, 0, _IPC_RMID) < 0
                and (number := ctypes.get_errno()) != errno.EIDRM
            ):
                faults.append(
                    f"semaphores {buffer.key:#010x}: {os.strerror(number)}; ipcrm -S {buffer.key:#x}"
                )
        elif (number := ctypes.get_errno()) != errno.ENOENT:
            faults.append(
                f"semaphores {buffer.key:#010x}: {os.strerror(number)}; ipcrm -S {buffer.key:#x}"
            )
    if faults:
        raise DataBufferError("data buffers cannot be removed: " + "; ".join(faults))

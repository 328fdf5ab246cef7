"""Shared memory of System V as arrays: made, attached, found, removed.

An array of a segment holds its attachment: it is given up with the last of them, and not before.
"""

from __future__ import annotations

import contextlib
import os
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import sysv_ipc

__all__ = ["Bytes", "Segment", "key_number", "segments_of_mine"]

Bytes: TypeAlias = npt.NDArray[np.uint8]

_LISTED = Path("/proc/sysvipc/shm")
_KEY, _SIZE, _UID = 0, 3, 7
_REMOVED = 0o1000
"""Linux's SHM_DEST: it has no key any more, and goes with the last who is attached."""


def key_number(key: str) -> int:
    """Return the number of a key of four characters: its bytes, as they are in memory.

    Raises:
        ValueError: It is none.
    """
    if len(key) != 4 or not key.isascii():
        raise ValueError(f"{key!r} is no key of System V: it has four characters of ASCII")
    return int.from_bytes(key.encode(), sys.byteorder)


class Segment:
    """A segment that is attached.

    Args:
        memory: Of sysv_ipc, attached.

    Attributes:
        data: All of it.
    """

    def __init__(self, memory: Any) -> None:
        self._memory = memory
        self.data: Bytes = np.ndarray((memory.size,), np.uint8, memory)
        given_up = weakref.finalize(self.data, memory.detach)
        given_up.atexit = False  # threads may still write

    @classmethod
    def make(cls, key: str, size: int) -> Segment:
        """Make a segment of zeros that only this user has.

        Raises:
            FileExistsError: There is one.
            OSError: It cannot be made.
            ValueError: It is too large for this computer.
            MemoryError: There is no room.
        """
        number = key_number(key)
        try:
            made = sysv_ipc.SharedMemory(
                number, sysv_ipc.IPC_CREX, mode=0o600, size=size, init_character=b"\0"
            )
        except sysv_ipc.ExistentialError:
            raise FileExistsError(key) from None
        except sysv_ipc.Error as error:
            raise OSError(str(error)) from error
        return cls(made)

    @classmethod
    def attach(cls, key: str) -> Segment:
        """Attach one to be read.

        Raises:
            OSError: There is none, or this user may not read it.
            ValueError: That is no key.
        """
        number = key_number(key)
        try:
            found = sysv_ipc.SharedMemory(number, mode=0o400)
        except (sysv_ipc.Error, OSError) as error:
            raise OSError(f"{key}: {error}") from error
        found.detach()
        try:
            found.attach(None, sysv_ipc.SHM_RDONLY)
        except (sysv_ipc.Error, OSError) as error:
            raise OSError(f"{key}: {error}") from error
        return cls(found)

    @property
    def is_removed(self) -> bool:
        """Nobody finds it any more."""
        try:
            return bool(self._memory.mode & _REMOVED)
        except sysv_ipc.ExistentialError:
            return True

    def remove(self) -> None:
        """Take its key away; the memory goes with the last who is attached."""
        with contextlib.suppress(sysv_ipc.Error, OSError):
            self._memory.remove()


def segments_of_mine(least: int) -> Iterator[str]:
    """Iterate over the keys of this user's segments that have four characters.

    Args:
        least: Bytes that they have.
    """
    try:
        lines = _LISTED.read_text().splitlines()[1:]
    except OSError:
        return
    for line in lines:
        fields = line.split()
        number = int(fields[_KEY]) & 0xFFFFFFFF
        key = number.to_bytes(4, sys.byteorder).decode("ascii", "replace")
        is_mine = int(fields[_UID]) == os.getuid() and int(fields[_SIZE]) >= least
        if is_mine and key.isascii() and key.isprintable():
            yield key

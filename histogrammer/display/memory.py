"""A display memory: its parts as arrays, and limits of its size. Where it lives, its kinds know."""

from __future__ import annotations

from abc import abstractmethod
from enum import StrEnum
from typing import Any

import numpy as np

from groundwork.closing import Closing
from histogrammer.display.protocol.layout import (
    CHANNEL_BYTES,
    HEADER,
    HEADER_BYTES,
    Channels32,
    Header,
)
from histogrammer.errors import DisplayMemoryError

__all__ = [
    "DEFAULT_MEGABYTES",
    "MAX_MEGABYTES",
    "DisplayMemory",
    "MemoryKind",
    "checked_megabytes",
    "file_bytes",
]

DEFAULT_MEGABYTES = 32
"""Rustogramer's."""
MAX_MEGABYTES = 1 << 14
"""Offsets are 32 bits and count in channels of 4 bytes."""

_MIB = 1 << 20


class MemoryKind(StrEnum):
    """Places of a display memory."""

    FILE = "file"  # Rustogramer's
    SYSV = "sysv"  # SpecTcl's


def file_bytes(megabytes: int) -> int:
    """Return the size of the file whose channels have so many MiB."""
    return HEADER_BYTES + megabytes * _MIB


def checked_megabytes(megabytes: int) -> int:
    """Return the bytes of channels of so many MiB.

    Raises:
        DisplayMemoryError: Offsets cannot tell so many, or there are none.
    """
    if not 1 <= megabytes <= MAX_MEGABYTES:
        raise DisplayMemoryError(
            f"display memory of {megabytes} MiB: 1 to {MAX_MEGABYTES} are possible"
        )
    return megabytes * _MIB


class DisplayMemory(Closing):
    """A display memory of this process.

    Args:
        buffer: All of it, writable.
        channel_bytes: Size of its channels.

    Attributes:
        channel_bytes: That size.
        header: Its tables.
        channels: Its channels.
    """

    def __init__(self, buffer: Any, channel_bytes: int) -> None:
        self.channel_bytes = channel_bytes
        self.header: Header = np.ndarray((), HEADER, buffer)
        self.channels: Channels32 = np.ndarray(
            (channel_bytes // CHANNEL_BYTES,), np.uint32, buffer, HEADER_BYTES
        )

    @property
    @abstractmethod
    def key(self) -> str:
        """Place where displays find it, as `shmem/key` tells them."""

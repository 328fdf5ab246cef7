"""This host's copy of a display memory of another: a System V segment, as existing displays find it."""

from __future__ import annotations

import numpy as np

from groundwork.closing import Closing
from histogrammer.display.protocol.layout import HEADER, HEADER_BYTES, TEXT_BYTES
from histogrammer.display.protocol.mark import MARK_OFFSET
from histogrammer.display.segmentmemory import SegmentMemory
from histogrammer.display.segments import Bytes

__all__ = ["LocalCopy"]

_TYPES = HEADER.fields["types"][1] if HEADER.fields else 0
_BEHIND_TYPES = HEADER.fields["map"][1] if HEADER.fields else 0
_DESCRIBED = ("xy", "titles", "info", "offsets", "types")


class LocalCopy(Closing):
    """A copy. It is stale until it is written, and again when that is said.

    Args:
        channel_bytes: Size of its channels.

    Raises:
        DisplayMemoryError: There is no room for it.
    """

    def __init__(self, channel_bytes: int) -> None:
        self._memory = SegmentMemory(channel_bytes)
        self.set_stale(True)

    @property
    def key(self) -> str:
        """Its place."""
        return self._memory.key

    @property
    def channel_bytes(self) -> int:
        """Size of its channels."""
        return self._memory.channel_bytes

    def set_stale(self, is_stale: bool) -> None:
        """Say if the original is not heard of."""
        self._memory.mark(is_stale=is_stale)

    def write(self, tables: Bytes | None, channels: Bytes) -> None:
        """Write an update. Slots that are described anew are empty meanwhile.

        Args:
            tables: The header; None: that of before.
            channels: The first of the channels, any number of bytes: SpecTcl sends one if there are none.
        """
        if tables is None:
            self._write_channels(channels)
            return
        new, header = tables.view(HEADER).reshape(()), self._memory.header
        changed = np.zeros(header["types"].shape, bool)
        for name in _DESCRIBED:
            differ = np.asarray(new[name] != header[name])
            changed |= differ.reshape(len(changed), -1).any(axis=1)
        header["types"][changed] = 0
        self._write_channels(channels)
        copied = self._memory.tables
        for start, end in (
            (0, _TYPES),
            (_BEHIND_TYPES, MARK_OFFSET),
            (MARK_OFFSET + TEXT_BYTES, HEADER_BYTES),
        ):
            copied[start:end] = tables[start:end]
        header["types"][:] = new["types"]

    def _write_channels(self, channels: Bytes) -> None:
        self._memory.channels.view(np.uint8)[: len(channels)] = channels

    def close(self) -> None:
        """Remove it."""
        self._memory.close()

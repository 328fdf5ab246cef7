"""A display memory in a System V segment, as SpecTcl's displays find it: by four characters.

The kernel keeps segments when their makers have died. The mark of this project says who made one; of a
process that lives no more the next one removes it.
"""

from __future__ import annotations

import secrets
import string

import numpy as np

from histogrammer.display.memory import DisplayMemory
from histogrammer.display.owners import has_owner, own_mark
from histogrammer.display.protocol.layout import HEADER_BYTES, TEXT_BYTES
from histogrammer.display.protocol.mark import MARK_OFFSET, read_mark, write_mark
from histogrammer.display.segments import Bytes, Segment, segments_of_mine
from histogrammer.errors import DisplayMemoryError

__all__ = ["SegmentMemory"]

_LETTERS = string.ascii_letters + string.digits
_ALIGNMENT_BYTES = 8192
"""SpecTcl's segments have so much more, and who attaches one may ask for it."""


class SegmentMemory(DisplayMemory):
    """A display memory in a segment.

    Args:
        channel_bytes: Size of its channels.

    Raises:
        DisplayMemoryError: There is no room for it.
    """

    def __init__(self, channel_bytes: int) -> None:
        _remove_leftovers()
        length = HEADER_BYTES + channel_bytes + _ALIGNMENT_BYTES
        try:
            self._key, self._segment = _make(length)
        except (OSError, ValueError, MemoryError) as error:
            raise DisplayMemoryError(
                f"display memory of {channel_bytes} bytes as a System V segment: {error}; it needs "
                f"{length} bytes of shared memory, so make room or ask for less (--shm-mbytes)"
            ) from error
        super().__init__(self._segment.data, channel_bytes)
        self.mark(is_stale=False)

    @property
    def key(self) -> str:
        """Its four characters."""
        return self._key

    @property
    def tables(self) -> Bytes:
        """Its header as bytes."""
        return self._segment.data[:HEADER_BYTES]

    def mark(self, *, is_stale: bool) -> None:
        """Say that it is ours, and if it is a copy whose original is not heard of."""
        text = write_mark(own_mark(is_stale=is_stale))
        self.tables[MARK_OFFSET : MARK_OFFSET + TEXT_BYTES] = np.frombuffer(text, np.uint8)

    def close(self) -> None:
        """Remove the segment. Those who have attached it keep what they see."""
        self._segment.remove()


def _make(length: int) -> tuple[str, Segment]:
    while True:
        key = "".join(secrets.choice(_LETTERS) for _ in range(4))
        try:
            return key, Segment.make(key, length)
        except FileExistsError:
            continue


def _remove_leftovers() -> None:
    """Remove the segments of owners that are no more; those of others are not touched."""
    for key in segments_of_mine(HEADER_BYTES):
        try:
            found = Segment.attach(key)
        except OSError:  # it has gone meanwhile
            continue
        mark = read_mark(bytes(found.data[MARK_OFFSET : MARK_OFFSET + TEXT_BYTES]))
        if mark is not None and not has_owner(mark):
            found.remove()

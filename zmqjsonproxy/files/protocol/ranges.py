"""Ranges of bytes: those of one request with its limits, and a stretch of a file in pieces. No
I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = [
    "BLOCK_BYTES",
    "MAX_BLOCKS",
    "MAX_RANGES",
    "MAX_REQUEST_BYTES",
    "ByteRange",
    "block_bytes",
    "blocks",
    "read_ranges",
    "read_stretch",
]

MAX_RANGES = 16
"""Of one request: many in one would be quadratic work for few bytes."""
MAX_REQUEST_BYTES = 4 * 2**20
"""Of all ranges of one request."""
BLOCK_BYTES = 2**20
"""A file that was written to while it was fetched is compared by blocks of so many bytes, or twice,
four times ... as many."""
MAX_BLOCKS = 2**15


class ByteRange(NamedTuple):
    """Bytes of a file.

    Attributes:
        first: Offset of the first one.
        size: How many.
    """

    first: int
    size: int

    @property
    def end(self) -> int:
        """Offset behind the last one."""
        return self.first + self.size


def read_ranges(value: object, file_size: int) -> list[ByteRange]:
    """Read the ranges of a request, a list of [first, size], for a file of so many bytes.

    Raises:
        ValueError: Too many ranges or bytes, or one that the file does not have.
    """
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise ValueError("ranges are a list of [first, size], bytes")
    if len(value) > MAX_RANGES:
        raise ValueError(f"{len(value)} ranges in one request; at most {MAX_RANGES}: ask again")
    ranges = [_range(each, file_size) for each in value]
    if (total := sum(each.size for each in ranges)) > MAX_REQUEST_BYTES:
        raise ValueError(f"{total} bytes in one request; at most {MAX_REQUEST_BYTES}: ask again")
    return ranges


def _range(value: object, file_size: int) -> ByteRange:
    if (
        not isinstance(value, Sequence)
        or isinstance(value, str)
        or len(value) != 2
        or not all(type(number) is int and number >= 0 for number in value)
    ):
        raise ValueError(f"a range is [first, size], bytes, not {str(value)[:80]}")
    found = ByteRange(*value)
    if found.end > file_size:
        raise ValueError(
            f"bytes {found.first} to {found.end - 1} are asked for, and the file has {file_size}"
        )
    return found


def read_stretch(text: str) -> tuple[int, int | None]:
    """Read `A-B`, first and last byte, or `A-`, to the end; ValueError: it is neither."""
    first, dash, last = text.partition("-")
    if not (
        dash
        and first.isascii()
        and first.isdigit()
        and (not last or (last.isascii() and last.isdigit()))
        and len(text) <= 40
    ):
        raise ValueError(f"{text[:40]!r} is no range of bytes, as 0-2879, or 2880- to the end")
    found = int(first), int(last) if last else None
    if found[1] is not None and found[1] < found[0]:
        raise ValueError(f"{text!r} ends before it begins")
    return found


def block_bytes(size: int) -> int:
    """Return the size of the blocks by which so many bytes are compared, with room for as many
    more."""
    found = BLOCK_BYTES
    while found * MAX_BLOCKS < 2 * size:
        found *= 2
    return found


def blocks(stretch: ByteRange, size: int) -> list[ByteRange]:
    """Return a stretch in blocks of `size` bytes, counted from its first byte; the last may be
    shorter."""
    return [
        ByteRange(first, min(size, stretch.end - first))
        for first in range(stretch.first, stretch.end, size)
    ]

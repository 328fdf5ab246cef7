"""The range of bytes that a request wants, RFC 9110 section 14. No sockets, no clock."""

from __future__ import annotations

import re

__all__ = ["RangeError", "read_range"]

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z")


class RangeError(ValueError):
    """Error: a file has no such bytes."""


def read_range(header: str, size: int) -> tuple[int, int] | None:
    """Return first byte, and one after the last; None: the whole file, as when several ranges, or
    none that can be read, are asked for.

    Args:
        header: `Range`.
        size: Of the file, bytes.

    Raises:
        RangeError: The file has no such bytes.
    """
    match = _RANGE.match(header.strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        begin, end = max(size - int(last), 0), size
    else:
        begin, end = int(first), min(int(last) + 1, size) if last else size
    if last and first and int(last) < int(first):
        return None
    if begin >= end:
        raise RangeError(f"the file has {size} bytes")
    return begin, end

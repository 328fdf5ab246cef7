"""Time at which a file was made, which Python does not tell: another file that got the number of a
removed one was made later."""

from __future__ import annotations

import ctypes
import struct
from functools import cache
from typing import Any

__all__ = ["birth_ns"]

_AT_EMPTY_PATH = 0x1000
_STATX_BTIME = 0x800
_STATX_BYTES = 256
_MASK = struct.Struct("=I")
_BTIME = struct.Struct("=qI")  # s, ns
_BTIME_AT = 80


@cache
def _statx() -> Any:
    """Return statx(2) of the C library; None: that has none."""
    try:
        return ctypes.CDLL(None).statx
    except (OSError, AttributeError):
        return None


def birth_ns(descriptor: int) -> int:
    """Return when an open file was made, ns since 1970 by the clock of its host; 0: its file system
    does not know."""
    statx, found = _statx(), ctypes.create_string_buffer(_STATX_BYTES)
    if statx is None or statx(descriptor, b"", _AT_EMPTY_PATH, _STATX_BTIME, found) != 0:
        return 0
    (mask,) = _MASK.unpack_from(found)
    if not mask & _STATX_BTIME:
        return 0
    seconds, nanoseconds = _BTIME.unpack_from(found, _BTIME_AT)
    return int(seconds * 1_000_000_000 + nanoseconds)

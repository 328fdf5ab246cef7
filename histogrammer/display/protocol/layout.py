"""Layout of the display memory: tables of 10,000 slots, then the channels. Pure.

Numbers are in the byte order of the machine, as for all who map the memory. The layout is Xamine's,
which SpecTcl, Rustogramer and their displays share.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = [
    "CHANNEL_BYTES",
    "HEADER",
    "HEADER_BYTES",
    "MAX_COUNT",
    "SLOTS",
    "STATISTICS_BYTES",
    "TEXT_BYTES",
    "ChannelType",
    "Channels32",
    "Header",
    "text_bytes",
]

SLOTS = 10_000
TEXT_BYTES = 128
"""Of a text, with the NUL at its end."""
STATISTICS_BYTES = 16
"""Of a slot, in the last table."""
CHANNEL_BYTES = 4
"""Of the channels that we write; offsets count in channels."""
MAX_COUNT = 2**32 - 1

Header: TypeAlias = npt.NDArray[Any]
"""Of the type `HEADER`, shape ()."""
Channels32: TypeAlias = npt.NDArray[np.uint32]


class ChannelType(IntEnum):
    """Contents of a slot; we write the first and the last two."""

    UNDEFINED = 0
    BYTES_2D = 1
    WORDS_1D = 2
    WORDS_2D = 3
    LONGS_1D = 4
    LONGS_2D = 5


_MAP = np.dtype(
    [
        ("xmin", "=f4"),
        ("xmax", "=f4"),
        ("ymin", "=f4"),
        ("ymax", "=f4"),
        ("xlabel", f"S{TEXT_BYTES}"),
        ("ylabel", f"S{TEXT_BYTES}"),
    ]
)

HEADER = np.dtype(
    [
        ("xy", "=u4", (SLOTS, 2)),
        ("titles", f"S{TEXT_BYTES}", (SLOTS,)),
        ("info", f"S{TEXT_BYTES}", (SLOTS,)),
        ("offsets", "=u4", (SLOTS,)),
        ("types", "=u4", (SLOTS,)),
        ("map", _MAP, (SLOTS,)),
        ("statistics", "=u4", (SLOTS, 4)),
    ]
)
"""All tables; numbers of channels are x, y, statistics overflow x, y, underflow x, y."""
HEADER_BYTES = HEADER.itemsize


def text_bytes(text: str) -> bytes:
    """Return a text as the tables have it: cut at a character to 127 bytes of UTF-8, or before a
    NUL."""
    encoded = text.encode("utf-8", "replace")[: TEXT_BYTES - 1].partition(b"\0")[0]
    return encoded.decode("utf-8", "ignore").encode("utf-8")

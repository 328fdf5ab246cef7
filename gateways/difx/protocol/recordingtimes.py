"""Times of recordings in VDIF and Mark 5B, from the headers of their frames. No files.

VDIF: VLBI Data Interchange Format 1.1.1 (2014). Mark 5B: Mark 5 memo 019.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Self

from gateways.difx.errors import PayloadError

__all__ = [
    "MARK5B_FRAME_BYTES",
    "VDIF_HEADER_BYTES",
    "FrameHeader",
    "read_mark5b",
    "read_vdif",
    "times_of",
]

VDIF_HEADER_BYTES = 16
"""The words that are the same in every version, legacy headers too."""
MARK5B_FRAME_BYTES = 10016
MARK5B_SYNC = 0xABADDEED
DAY_S = 86400
_EPOCHS_FROM = 2000
_MJD_OF_ORDINAL = -678576
"""Modified Julian day of a proleptic Gregorian ordinal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameHeader:
    """Header of a frame.

    Attributes:
        second: Seconds since MJD 0.
        number: Of the frame within the second.
        size: Bytes of the frame with its header.
        thread: Of a file that has several; each counts its own frames.
    """

    second: int
    number: int
    size: int
    thread: int = 0

    @classmethod
    def at(cls, mjd: int, seconds: int, number: int, size: int, thread: int = 0) -> Self:
        """Return one of a day and a second of it."""
        return cls(second=mjd * DAY_S + seconds, number=number, size=size, thread=thread)


def read_vdif(data: bytes) -> FrameHeader:
    """Read the first bytes of a VDIF frame; PayloadError: it is none."""
    if len(data) < VDIF_HEADER_BYTES:
        raise PayloadError(f"VDIF: a header has {VDIF_HEADER_BYTES} bytes, not {len(data)}")
    words = struct.unpack_from("<4I", data)
    seconds, epoch, number = words[0] & 0x3FFFFFFF, words[1] >> 24 & 0x3F, words[1] & 0xFFFFFF
    size, thread = 8 * (words[2] & 0xFFFFFF), words[3] >> 16 & 0x3FF
    if size < VDIF_HEADER_BYTES:
        raise PayloadError(f"VDIF: a frame of {size} bytes is none")
    day = date(_EPOCHS_FROM + epoch // 2, 7 if epoch % 2 else 1, 1)
    return FrameHeader.at(day.toordinal() + _MJD_OF_ORDINAL, seconds, number, size, thread)


def read_mark5b(data: bytes, reference_mjd: int) -> FrameHeader:
    """Read the first bytes of a Mark 5B frame.

    Args:
        data: At least 16 bytes.
        reference_mjd: A day within 500 of the recording: a header has three digits of it.

    Raises:
        PayloadError: It is none.
    """
    if len(data) < 16:
        raise PayloadError(f"Mark 5B: a header has 16 bytes, not {len(data)}")
    sync, number, time, _ = struct.unpack_from("<4I", data)
    if sync != MARK5B_SYNC:
        raise PayloadError(f"Mark 5B: a frame begins with {MARK5B_SYNC:#x}, not {sync:#x}")
    digits = f"{time:08x}"
    if not digits.isdecimal():
        raise PayloadError(
            f"Mark 5B: {digits} is no time, three digits of the day and five seconds"
        )
    day = reference_mjd + (int(digits[:3]) - reference_mjd + 500) % 1000 - 500
    return FrameHeader.at(day, int(digits[3:]), number & 0x7FFF, MARK5B_FRAME_BYTES)


def times_of(
    first: FrameHeader, last: FrameHeader, between: Iterable[FrameHeader]
) -> tuple[float, float]:
    """Return begin and end of a recording, MJD.

    Args:
        first: Its first frame.
        last: Its last frame.
        between: Frames from the first on, until the second changes: they tell how many make a
            second. If it does not change, the end is that of the last second.
    """
    rate = _frames_per_second(first, between)
    if not rate:
        return first.second / DAY_S, (last.second + 1) / DAY_S
    begin = first.second + first.number / rate
    return begin / DAY_S, (last.second + (last.number + 1) / rate) / DAY_S


def _frames_per_second(first: FrameHeader, between: Iterable[FrameHeader]) -> int:
    """Return how many frames of a thread make a second; 0: it cannot be told."""
    highest = first.number
    for frame in between:
        if frame.second != first.second:
            return highest + 1
        highest = max(highest, frame.number)
    return 0

"""Times of recordings from frames: the bits of both formats, and the rate of frames."""

from __future__ import annotations

import struct

import pytest

from gateways.difx.errors import PayloadError
from gateways.difx.protocol.recordingtimes import FrameHeader, read_mark5b, read_vdif, times_of


def vdif(seconds: int, epoch: int, number: int, size: int = 8032, thread: int = 0) -> bytes:
    """The first words of a VDIF header, by the drawing of the standard: seconds in 30 bits, epoch in
    6 bits above the 24 of the frame number, length in units of 8 bytes, thread above the station."""
    return struct.pack(
        "<4I", seconds, epoch << 24 | number, 1 << 24 | size // 8, thread << 16 | 0x4141
    )


# Seconds since 2000-01-01 (MJD 51544), 2000-07-01 (MJD 51726) and 2026-07-01 (MJD 61222).
@pytest.mark.parametrize(("epoch", "mjd"), [(0, 51544), (1, 51726), (53, 61222)])
def test_a_vdif_header_is_read(epoch: int, mjd: int) -> None:
    frame = read_vdif(vdif(86400 + 5, epoch, 7, thread=3))
    assert frame == FrameHeader(second=(mjd + 1) * 86400 + 5, number=7, size=8032, thread=3)


@pytest.mark.parametrize(("reference", "mjd"), [(61000, 60821), (60400, 60821), (60300, 59821)])
def test_a_mark5b_header_has_three_digits_of_the_day(reference: int, mjd: int) -> None:
    header = struct.pack("<4I", 0xABADDEED, 0xFFFF8005, 0x82112345, 0)
    assert read_mark5b(header, reference) == FrameHeader(
        second=mjd * 86400 + 12345, number=5, size=10016
    )


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (struct.pack("<4I", 0xABADDEEE, 0, 0x82112345, 0), "begins with"),
        (struct.pack("<4I", 0xABADDEED, 0, 0x8211234F, 0), "is no time"),
        (b"\0" * 15, "16 bytes"),
    ],
)
def test_what_is_no_mark5b_frame_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(PayloadError, match=says):
        read_mark5b(data, 60000)


def test_what_is_no_vdif_frame_is_refused() -> None:
    with pytest.raises(PayloadError, match="8 bytes is none"):
        read_vdif(struct.pack("<4I", 0, 0, 1, 0))


def test_the_change_of_the_second_tells_how_many_frames_make_one() -> None:
    first = FrameHeader(second=86400 * 60000 + 10, number=2, size=100)
    between = [
        FrameHeader(second=first.second + n // 4, number=n % 4, size=100) for n in range(2, 9)
    ]
    last = FrameHeader(second=first.second + 2, number=0, size=100)
    start, stop = times_of(first, last, between)
    assert (start - 60000) * 86400 == pytest.approx(10.5, abs=1e-5)
    assert (stop - 60000) * 86400 == pytest.approx(12.25, abs=1e-5)


def test_without_a_change_the_end_is_that_of_the_second() -> None:
    frame = FrameHeader(second=86400 * 60000, number=0, size=100)
    assert times_of(frame, frame, []) == pytest.approx((60000.0, 60000 + 1 / 86400))

"""Ranges of bytes, RFC 9110 section 14."""

from __future__ import annotations

import pytest

from dashboard.protocol.byteranges import RangeError, read_range

RANGES = [
    ("", None),
    ("bytes=0-0", (0, 1)),
    ("bytes=2-4", (2, 5)),
    ("bytes=2-", (2, 10)),
    ("bytes=-3", (7, 10)),
    ("bytes=-30", (0, 10)),
    ("bytes=5-99", (5, 10)),
    ("bytes=5-4", None),
    ("bytes=0-1,3-4", None),
    ("bytes=-", None),
    ("items=0-1", None),
]


@pytest.mark.parametrize(("header", "wanted"), RANGES)
def test_a_range_of_ten_bytes_is_read(header: str, wanted: tuple[int, int] | None) -> None:
    assert read_range(header, 10) == wanted


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_bytes_that_are_not_there_are_refused(header: str) -> None:
    with pytest.raises(RangeError, match="10 bytes"):
        read_range(header, 10)

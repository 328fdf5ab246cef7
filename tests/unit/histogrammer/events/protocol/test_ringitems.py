"""Any ring item as bytes, in both directions, and bytes that are none."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.ringfiles import item

from histogrammer.errors import RingItemError
from histogrammer.events.protocol.ringitems import (
    MAX_ITEM_BYTES,
    Barrier,
    BodyHeader,
    RingItem,
    read_head,
    read_item,
    type_name,
    write_item,
    write_text,
)

ITEMS = [
    ("0c 00 00 00 05 00 00 00 00 00 00 00", RingItem(5, b"", None, 11)),
    ("0c 00 00 00 05 00 00 00 04 00 00 00", RingItem(5, b"", None, 12)),
    (
        "1e 00 00 00 1e 00 00 00 14 00 00 00 08 07 06 05 04 03 02 01 11 00 00 00 01 00 00 00 aa bb",
        RingItem(30, b"\xaa\xbb", BodyHeader(0x0102030405060708, 17, Barrier.BEGIN), 12),
    ),
    (
        "1f 00 00 00 e8 80 00 00 16 00 00 00 01 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00 ee ff 01",
        RingItem(33000, b"\x01", BodyHeader(1, 2, Barrier.NONE, b"\xee\xff"), 12),
    ),
]


@pytest.mark.parametrize(("text", "known"), ITEMS)
def test_item_reads_and_writes(text: str, known: RingItem) -> None:
    assert read_item(bytes.fromhex(text)) == known
    assert write_item(known) == bytes.fromhex(text)


headers = st.builds(
    BodyHeader,
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=9),
)


@given(st.integers(0, 0xFFFF), st.binary(max_size=20), st.none() | headers, st.binary(max_size=5))
def test_written_item_is_read_as_it_was_whatever_follows(
    kind: int, payload: bytes, header: BodyHeader | None, more: bytes
) -> None:
    known = RingItem(kind, payload, header)
    assert read_item(write_item(known) + more) == known


def test_word_that_is_too_small_for_a_body_header_is_skipped() -> None:
    raw = item(30, b"payload", struct.pack("<I", 9) + b"12345")
    assert read_item(raw) == RingItem(30, b"payload", None, 12)


@pytest.mark.parametrize("size", [0, 8, 11])
def test_size_below_the_least_is_refused_at_its_offset(size: int) -> None:
    with pytest.raises(RingItemError, match=f"byte 77: size {size} of an item") as raised:
        read_head(struct.pack("<III", size, 30, 4), offset=77)
    assert raised.value.offset == 77


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (struct.pack("<III", MAX_ITEM_BYTES + 1, 30, 4), "the largest is"),
        (struct.pack("<III", 1 << 31, 30, 4), "size 2147483648"),
        (struct.pack("<III", 20, 30, 20), "body header of 20 bytes in an item of 20"),
        (struct.pack("<III", 20, 30, 0xFFFFFFFF), "body header"),
        (struct.pack(">III", 30, 32768, 4), "big-endian"),
        (b"SIMPLE  =   ", "no ring item"),
        (b"", "0 of 12 bytes"),
        (bytes(11), "11 of 12 bytes"),
        (struct.pack("<III", 13, 30, 4), "12 of 13 bytes"),
    ],
)
def test_bytes_that_are_no_item_are_refused_with_a_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(RingItemError, match=reason):
        read_item(raw)


def test_every_type_has_a_name() -> None:
    assert type_name(32770) == "parameter data"
    assert type_name(33000) == "type 33000"


@pytest.mark.parametrize(("text", "most"), [("a\0b", None), ("µ" * 3, 5)])
def test_text_that_does_not_fit_is_refused(text: str, most: int | None) -> None:
    with pytest.raises(ValueError, match=r"NUL|room"):
        write_text(text, most)

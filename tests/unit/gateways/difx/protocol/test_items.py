"""Values inside payloads."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.difx.errors import PayloadError
from gateways.difx.protocol.items import (
    PayloadReader,
    counted,
    decimal14,
    double,
    integer,
    read_decimal14,
    read_double,
    read_integer,
    read_text,
    sub_packet,
    text,
)


@pytest.mark.parametrize(
    ("bytes_", "value"),
    [
        ("00000000", 0),
        ("00000001", 1),
        ("ffffffff", -1),
        ("7fffffff", 2**31 - 1),
        ("80000000", -(2**31)),
    ],
)
def test_an_integer_is_written_and_read(bytes_: str, value: int) -> None:
    assert integer(value).hex() == bytes_
    assert read_integer(bytes.fromhex(bytes_)) == value


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1])
def test_a_number_of_more_than_32_bits_is_refused(value: int) -> None:
    with pytest.raises(PayloadError, match="no 32-bit integer"):
        integer(value)


@pytest.mark.parametrize("data", [b"", b"\0\0\0", b"\0\0\0\0\0"])
def test_an_integer_of_another_length_is_refused(data: bytes) -> None:
    with pytest.raises(PayloadError, match=f"has 4 bytes, not {len(data)}"):
        read_integer(data)


def test_a_double_is_written_and_read() -> None:
    assert double(1.5).hex() == "3ff8000000000000"
    assert read_double(double(-8415.25)) == -8415.25
    with pytest.raises(PayloadError, match="has 8 bytes"):
        read_double(b"1234")


@pytest.mark.parametrize(
    ("told", "value"), [(b"  1.000000e+00", 1.0), (b" -1.403624e+01", -14.03624)]
)
def test_a_decimal_is_written_and_read(told: bytes, value: float) -> None:
    assert decimal14(value) == told
    assert read_decimal14(told) == value


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_become_zero(value: float) -> None:
    assert decimal14(value) == b"  0.000000e+00"


@given(st.floats())
def test_a_decimal_has_14_characters_and_is_finite(value: float) -> None:
    told = decimal14(value)
    assert len(told) == 14
    assert math.isclose(read_decimal14(told), value if math.isfinite(value) else 0, rel_tol=1e-6)


@pytest.mark.parametrize("data", [b"  1.000000e+0", b"             x", b"   1.000000e+00", b""])
def test_what_is_no_decimal_is_refused(data: bytes) -> None:
    with pytest.raises(PayloadError, match="no number of 14 characters"):
        read_decimal14(data)


def test_texts_are_utf_8_and_never_fail_to_be_written() -> None:
    assert text("größe").hex() == "6772c3b6c39f65"
    assert text("a\udcff") == b"a?"
    assert read_text("größe".encode()) == "größe"


@pytest.mark.parametrize(("data", "reason"), [(b"a\xff", "byte 1 of a text"), (b"a\0b", "NUL")])
def test_bytes_that_are_no_text_are_refused(data: bytes, reason: str) -> None:
    with pytest.raises(PayloadError, match=reason):
        read_text(data)


def test_a_sub_packet_is_a_chunk_for_each_of_its_items() -> None:
    assert sub_packet(102) == (bytes.fromhex("00000066"), bytes.fromhex("00000000"))
    assert sub_packet(120, integer(0), integer(7), integer(64)) == (
        bytes.fromhex("00000078"),
        bytes.fromhex("0000000c"),
        bytes.fromhex("00000000"),
        bytes.fromhex("00000007"),
        bytes.fromhex("00000040"),
    )


def test_a_sub_packet_has_no_empty_chunk() -> None:
    assert sub_packet(131, b"") == (bytes.fromhex("00000083"), bytes.fromhex("00000000"))


def test_fields_are_read_one_after_the_other() -> None:
    fields = PayloadReader("P", integer(7) + counted("abc") + counted("") + b"rest")
    assert (fields.integer("a"), fields.counted("b"), fields.counted("c")) == (7, "abc", "")
    assert fields.left == 4


@pytest.mark.parametrize("length", [3, 4096, -1, -(2**31)])
def test_a_field_with_another_length_than_there_are_bytes_is_refused(length: int) -> None:
    fields = PayloadReader("P", struct.pack(">i", length) + b"ab")
    with pytest.raises(PayloadError, match=f"P: the path is to have {length} bytes, where 2 are"):
        fields.counted("the path")


@pytest.mark.parametrize("length", [4097, 2**31 - 1])
def test_a_text_is_no_longer_than_paths_are(length: int) -> None:
    assert PayloadReader("P", counted("x" * 4096)).counted("the path") == "x" * 4096
    fields = PayloadReader("P", struct.pack(">i", length) + b"x" * 4097)
    with pytest.raises(
        PayloadError, match=f"P: the path is to have {length} bytes, more than 4096"
    ):
        fields.counted("the path")


def test_a_field_that_is_no_text_is_named() -> None:
    with pytest.raises(PayloadError, match="P: the path: byte 0 of a text is no UTF-8"):
        PayloadReader("P", integer(1) + b"\xff").counted("the path")

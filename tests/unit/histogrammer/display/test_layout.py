"""Layout of the display memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from histogrammer.display.protocol.layout import HEADER, text_bytes

OFFSETS = {
    "xy": 0,
    "titles": 80_000,
    "info": 1_360_000,
    "offsets": 2_640_000,
    "types": 2_680_000,
    "map": 2_720_000,
    "statistics": 5_440_000,
}


def test_tables_are_where_the_reference_has_them() -> None:
    assert HEADER.fields is not None
    assert {name: field[1] for name, field in HEADER.fields.items()} == OFFSETS
    assert HEADER.itemsize == 5_600_000
    assert np.empty((), HEADER)["map"].dtype.itemsize == 272


CUT = [
    ("x" * 127, b"x" * 127),
    ("x" * 130, b"x" * 127),
    ("x" * 126 + "é", b"x" * 126),
    ("x" * 125 + "é", b"x" * 125 + b"\xc3\xa9"),
    ("€" * 43, "€".encode() * 42),
    ("a\0b", b"a"),
    ("", b""),
]


@pytest.mark.parametrize(("text", "cut"), CUT)
def test_a_text_is_cut_at_a_character(text: str, cut: bytes) -> None:
    assert text_bytes(text) == cut


@settings(max_examples=40)
@given(st.text("aé€😀", min_size=25, max_size=140))
def test_what_is_left_of_a_text_is_its_beginning_and_as_long_as_possible(text: str) -> None:
    cut = text_bytes(text).decode()
    assert text.startswith(cut)
    assert len(cut.encode()) <= 127
    assert cut == text or len(text[: len(cut) + 1].encode()) > 127

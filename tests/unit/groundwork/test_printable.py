"""Texts of strangers on their way to a terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from groundwork.printable import printable


def test_what_steers_a_terminal_is_an_escape() -> None:
    assert printable("a\x1b[2J\r\nb\x9b\u202e") == r"a\x1b[2J\r\nb\x9b\u202e"
    assert printable("5 µV at 20 °C, 表") == "5 µV at 20 °C, 表"


@given(st.text())
def test_whatever_comes_is_printable(text: str) -> None:
    assert printable(text).isprintable()

"""Logs that hold bytes that are no text, read in pieces."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealer.lossytext import MAX_PIECES, Fetch, read_lossy


def supervisord_of(data: bytes) -> Fetch:
    def fetch(pieces: Sequence[tuple[int, int]]) -> list[str | None]:
        assert len(pieces) <= MAX_PIECES
        texts: list[str | None] = []
        for first, size in pieces:
            try:
                texts.append(data[first : first + size].decode())
            except UnicodeDecodeError:
                texts.append(None)
        return texts

    return fetch


def one_each(text: str) -> str:
    return re.sub("\ufffd+", "\ufffd", text)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"line\n", "line\n"),
        (b"a \xff b\n", "a \ufffd b\n"),
        ("ä".encode() + b"\xff" + "€𝄞ß\n".encode(), "ä\ufffd€𝄞ß\n"),
        (("x" * 4000 + "ä" * 999).encode() + b"\x80\n", "x" * 4000 + "ä" * 999 + "\ufffd\n"),
    ],
)
def test_bytes_that_are_no_text_are_marked_and_all_others_kept(data: bytes, text: str) -> None:
    assert read_lossy(supervisord_of(data), 0, len(data)) == (text, len(data))


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_character_that_has_only_begun_is_left_for_later(cut: int) -> None:
    data = b"\xff a" + "𝄞".encode()[:cut]
    assert read_lossy(supervisord_of(data), 0, len(data)) == ("\ufffd a", 3)


def test_much_that_is_no_text_is_told_by_its_length_and_asks_few_questions() -> None:
    data = b"before\n" + b"\xff" * 100_000 + b"\nafter\n"
    asked = 0
    fetch = supervisord_of(data)

    def counted(pieces: Sequence[tuple[int, int]]) -> Sequence[str | None]:
        nonlocal asked
        asked += 1
        return fetch(pieces)

    text, read = read_lossy(counted, 0, len(data))
    assert (text.startswith("before\n"), read) == (True, len(data))
    assert re.search(r"\[\d+ bytes that are no text\]", text)
    assert asked < 30


@given(
    st.lists(
        st.one_of(st.text(max_size=5).map(str.encode), st.binary(max_size=3)), max_size=30
    ).map(b"".join)
)
def test_any_log_is_read_as_python_reads_it(data: bytes) -> None:
    text, read = read_lossy(supervisord_of(data), 0, len(data))
    assert one_each(text) == one_each(data[:read].decode(errors="replace"))
    assert len(data) - read < 4

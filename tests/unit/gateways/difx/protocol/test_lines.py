"""Lines of output: cut anywhere, without end, bytes that are no text."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateways.difx.protocol.lines import MAX_LINE_BYTES, LineReader

BYTES = st.one_of(st.binary(max_size=60), st.text("aé€😀\n\r", max_size=30).map(str.encode))


def read(pieces: list[bytes], most: int = MAX_LINE_BYTES) -> list[str]:
    reader = LineReader(most)
    return [line for piece in pieces for line in reader.feed(piece)] + reader.end()


@settings(max_examples=60)
@given(data=BYTES, cuts=st.lists(st.integers(0, 60), max_size=8), most=st.integers(4, 12))
@example(data=b"abcd\r\n", cuts=[5], most=4)
@example(data=b"abcdefgh\r\n", cuts=[4, 9], most=4)
def test_it_does_not_matter_where_bytes_are_cut(data: bytes, cuts: list[int], most: int) -> None:
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[a:b] for a, b in pairwise(places)]
    assert read(pieces, most) == read([data], most)


@settings(max_examples=60)
@given(text=st.text("aé€😀", max_size=60), most=st.integers(4, 12))
def test_a_long_line_is_cut_between_characters(text: str, most: int) -> None:
    lines = read([bytes([byte]) for byte in text.encode()], most)
    assert "".join(lines) == text
    assert all(len(line.encode()) <= most for line in lines)


def test_what_is_no_text_is_replaced() -> None:
    assert read([b"a\xff\xfeb\nc\x1b[31m\0\r\n", b"\xe2\x82", b"\xac\n", b"\xf0\x9f"]) == [
        "a\ufffd\ufffdb",
        "c\ufffd[31m\ufffd",
        "€",
        "\ufffd",
    ]


def test_a_mebibyte_without_an_end_is_bounded() -> None:
    reader = LineReader()
    lines = [line for _ in range(256) for line in reader.feed(b"\xff" * 4096)]
    assert sum(map(len, lines)) + sum(map(len, reader.end())) == 1 << 20
    assert max(map(len, lines)) <= MAX_LINE_BYTES

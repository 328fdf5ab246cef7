"""A client's reading of the bytes of a server: whole replies, in any pieces, and nothing beyond
them."""

from __future__ import annotations

import pytest

from portmanager.errors import ReplyError
from portmanager.protocol.dialogue import Dialogue, Reply
from portmanager.protocol.lines import LIST, STATUS, write_gimme

GIMME = write_gimme("foo", "bob")


def replies(request: bytes, data: bytes, step: int) -> list[Reply]:
    dialogue = Dialogue("here")
    dialogue.asks(request)
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    return [reply for piece in pieces if (reply := dialogue.receive(piece)) is not None]


@pytest.mark.parametrize("step", [1, 3, 1000])
@pytest.mark.parametrize(
    ("request_", "data", "rows"),
    [
        (GIMME, b"OK 31000\r\n", ()),
        (LIST, b"OK 0\r\n", ()),
        (LIST, b"OK 2\r\n30999 a bob\r\n31000 {b c} bob\r\n", ("30999 a bob", "31000 {b c} bob")),
        (
            LIST,
            b"OK 2\r\n30999 {a\nx {b}\n} u\r\n31000 c u\r\n",
            ("30999 {a\nx {b}\n} u", "31000 c u"),
        ),
        (
            LIST,
            b"OK 2\n30999 {a u\n31000 b u\n",
            ("30999 {a u", "31000 b u"),
        ),  # words, of which a brace is a part
        (STATUS, b'OK 1\r\n{"a": "{"}\r\n', ('{"a": "{"}',)),
    ],
)
def test_a_reply_has_its_rows_however_it_arrives(
    request_: bytes, data: bytes, rows: tuple[str, ...], step: int
) -> None:
    assert [reply.rows for reply in replies(request_, data, step)] == [rows]


def test_what_follows_a_reply_is_not_taken_for_the_next_one() -> None:
    with pytest.raises(ReplyError, match="expected one reply"):
        replies(GIMME, b"OK 31000\r\nOK 1\r\n", 1000)
    with pytest.raises(ReplyError, match="expected silence"):
        replies(GIMME, b"OK 31000\r\nOK 1\r\n", 1)


def test_the_empty_line_of_the_rust_server_after_a_refusal_hides_no_words() -> None:
    assert [
        one.head
        for one in replies(GIMME, b"FAIL - FAIL can only allocate to local senders\n\n", 1000)
    ] == ["FAIL - FAIL can only allocate to local senders"]


def test_a_row_that_never_ends_is_an_error() -> None:
    with pytest.raises(ReplyError):
        replies(LIST, b"OK 1\r\n31000 {a\r\n" + b"x\r\n" * 5000, 1000)

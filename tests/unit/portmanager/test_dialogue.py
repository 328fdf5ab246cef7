"""A client's reading of the bytes of a server: whole replies, in any pieces, and nothing beyond
them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from portmanager.allocation import Allocation
from portmanager.errors import (
    NotOneServiceError,
    PortManagerRefusedError,
    ReplyError,
    SearchKeyError,
)
from portmanager.protocol.dialogue import Dialogue, Reply, only_one, selected
from portmanager.protocol.lines import LIST, NO_FREE_PORTS, STATUS, write_gimme

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


def answered(dialogue: Dialogue, question: Any, *replies: bytes) -> Any:
    """Return what a question ends with, and what it has sent, when a server replies so."""
    sent: list[bytes] = []
    waiting = list(replies)
    try:
        request = next(question)
        while True:
            sent.append(request)
            dialogue.asks(request)
            request = question.send(dialogue.receive(waiting.pop(0)))
    except StopIteration as end:
        return end.value, sent


def test_a_port_is_asked_for_in_the_words_of_its_server() -> None:
    ours = Dialogue("here")
    port, sent = answered(ours, ours.get_port("two words", "bob"), b"OK 0\r\n", b"OK 31000\r\n")
    assert port == Allocation(31000, "two words", "bob")
    assert sent == [LIST, write_gimme("two words", "bob")]
    again, sent = answered(ours, ours.get_port("b", "bob", 30999), b"OK 30999\r\n")
    assert (again.port, sent) == (30999, [write_gimme("b", "bob", 30999)])
    assert ours.disconnected() == (port, again)
    ours.connected()
    assert ours.lent == []
    plain = Dialogue("there")
    assert answered(plain, plain.get_port("a", "bob"), b"OK 1\n")[0].port == 1
    with pytest.raises(PortManagerRefusedError, match="has white space"):
        answered(plain, plain.get_port("two words", "bob"))
    _, sent = answered(plain, plain.get_port("b", "bob", 30999), b"OK 2\n")
    assert sent == [write_gimme("b", "bob", None, quoted=False)]


@pytest.mark.parametrize(
    ("question", "reply", "error", "closes"),
    [
        (
            lambda d: d.get_port("a", "u"),
            b"FAIL " + NO_FREE_PORTS.encode() + b"\r\n",
            PortManagerRefusedError,
            False,
        ),
        (lambda d: d.get_port("a", "u"), b"FAIL other\r\n", PortManagerRefusedError, True),
        (lambda d: d.get_port("a", "u"), b"OK 70000\r\n", ReplyError, False),
        (lambda d: d.get_port("a", "u"), b"WHAT\r\n", ReplyError, False),
        (lambda d: d.listing(), b"OK 1\r\nnonsense\r\n", ReplyError, False),
        (lambda d: d.listing(), b"OK 999999999\r\n", ReplyError, False),
    ],
)
def test_what_a_server_refuses_or_garbles_is_an_error(
    question: Callable[[Dialogue], Any], reply: bytes, error: type[Exception], closes: bool
) -> None:
    dialogue = Dialogue("here")
    with pytest.raises(error):
        answered(dialogue, question(dialogue), reply)
    assert dialogue.must_close is closes


def test_the_state_of_a_server_is_one_row() -> None:
    dialogue = Dialogue("here")
    assert answered(dialogue, dialogue.status(), b'OK 1\r\n{"a": 1}\r\n')[0] == '{"a": 1}'
    assert answered(dialogue, dialogue.status(), b"OK 0\r\n")[0] == "{}"


def test_allocations_are_selected_by_what_they_have() -> None:
    a, b, c = Allocation(1, "data", "bob"), Allocation(2, "data_1", "bob"), Allocation(3, "x", "al")
    assert selected([a, b, c], {}) == [a, b, c]
    assert selected([a, b, c], {"service": "data"}) == [a]
    assert selected([a, b, c], {"beginswith": "data", "user": "bob"}) == [a, b]
    assert selected([a, b, c], {"beginswith": 1}) == []
    with pytest.raises(SearchKeyError, match="colour"):
        selected([a], {"colour": "red"})
    assert only_one([a, b, c], "x", None, "here") is c
    for user in (None, "al"):
        with pytest.raises(NotOneServiceError):
            only_one([a, a, b], "data", user, "here")

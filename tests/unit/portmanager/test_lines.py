"""Requests and replies: a table in both directions, fed byte by byte, and what must hold for all of
them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portmanager.allocation import Allocation
from portmanager.errors import BadNameError
from portmanager.protocol.lines import (
    LONGEST_NAME,
    BadRequest,
    Gimme,
    LineSplitter,
    List,
    LongLineError,
    Request,
    StatusRequest,
    check_name,
    decode,
    fault_of_name,
    needs_quoting,
    read_allocation,
    read_fail,
    read_ok,
    read_request,
    write_allocation,
    write_fail,
    write_gimme,
    write_listing,
    write_ok,
)

REQUESTS: list[tuple[bytes, Request]] = [
    (b"GIMME foo bob", Gimme("foo", "bob")),
    (b"  GIMME\tfoo \v bob  ", Gimme("foo", "bob")),
    (b"GIMME {two words} alice", Gimme("two words", "alice")),
    (b"GIMME", Gimme("", "")),
    (b"GIMME a", Gimme("a", "")),
    (b"GIMME a b c d", Gimme("a", "b")),
    (b"GIMME a b port=30999", Gimme("a", "b", 30999)),
    (b"GIMME a b port=x port=0 port=+1", Gimme("a", "b")),
    (b"GIMME a port=1", Gimme("a", "port=1")),
    (b"{GIMME} a b", Gimme("a", "b")),
    (b"LIST", List()),
    (b"LIST a b", List()),
    (b'"LIST"', List()),
    (b"STATUS", StatusRequest()),
    (b"list", BadRequest("Invalid request list")),
    (b"LISTX", BadRequest("Invalid request LISTX")),
    (b"", BadRequest("Invalid request ")),
    (b" hello  there ", BadRequest("Invalid request  hello  there ")),
    (b"GIMME {x", BadRequest("Invalid request GIMME {x: unmatched open brace in list")),
    (b"GIMME \xc3\xa9 \xff", Gimme("\u00e9", "\u00ff")),
]

ALLOCATIONS = [
    ("30001 RG_REST rusty", Allocation(30001, "RG_REST", "rusty")),
    ("30998 {two words} alice", Allocation(30998, "two words", "alice")),
    ("30995 {} {}", Allocation(30995, "", "")),
    ("30000 a\\}b u", Allocation(30000, "a}b", "u")),
]

FAILS = [
    ("FAIL {no free ports}", "no free ports"),
    ("FAIL Invalid\\ request\\ foo\\}", "Invalid request foo}"),
    ("FAIL - No free ports available", "No free ports available"),
    ("FAIL - FAIL can only allocate to local senders", "FAIL can only allocate to local senders"),
    ("FAIL {", "{"),
    ("FAIL", "the port manager refused without saying why"),
    ("FAIL {}", "the port manager refused without saying why"),
]

NAME = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp")), min_size=1, max_size=20
).filter(lambda text: not fault_of_name(text))


def lines_of(data: bytes, step: int) -> list[bytes]:
    splitter, lines = LineSplitter(), []
    for at in range(0, len(data), step):
        splitter.feed(data[at : at + step])
        while (line := splitter.next_line()) is not None:
            lines.append(line)
    return lines


@pytest.mark.parametrize("step", [1, 2, 3, 1000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_requests_are_read_in_any_pieces_and_with_any_end(step: int, end: bytes) -> None:
    data = b"".join(line + end for line, _ in REQUESTS)
    assert [read_request(line) for line in lines_of(data, step)] == [
        request for _, request in REQUESTS
    ]


@given(
    st.lists(st.binary(max_size=10).map(lambda b: b.translate(None, b"\r\n")), max_size=8),
    st.data(),
)
def test_lines_survive_any_mixture_of_ends_and_pieces(
    lines: list[bytes], data: st.DataObject
) -> None:
    ends = [data.draw(st.sampled_from([b"\n", b"\r\n", b"\r"])) for _ in lines]
    for at, end in enumerate(ends[:-1]):
        if end == b"\r" and not lines[at + 1] and ends[at + 1] == b"\n":
            ends[at] = b"\r\n"  # CR, an empty line and LF are one end
    whole = b"".join(line + end for line, end in zip(lines, ends, strict=True))
    assert lines_of(whole, data.draw(st.integers(1, 5))) == lines


def test_a_line_without_end_is_given_up() -> None:
    splitter = LineSplitter(10)
    for _ in range(10):
        splitter.feed(b"x")
        assert splitter.next_line() is None
    splitter.feed(b"x")
    with pytest.raises(LongLineError):
        splitter.next_line()
    whole = LineSplitter(10)
    whole.feed(b"x" * 11 + b"\n")
    with pytest.raises(LongLineError):
        whole.next_line()
    just = LineSplitter(10)
    just.feed(b"x" * 10 + b"\n")
    assert just.next_line() == b"x" * 10


@given(NAME, NAME, st.none() | st.integers(1, 65535))
def test_a_request_for_a_port_is_read_as_it_was_meant(
    service: str, user: str, wish: int | None
) -> None:
    written = write_gimme(service, user, wish)
    assert written.count(b"\n") == 1
    assert read_request(written.rstrip(b"\n")) == Gimme(service, user, wish)


def test_words_for_the_rust_server_are_not_quoted() -> None:
    assert write_gimme("a{b", "u", quoted=False) == b"GIMME a{b u\n"


@pytest.mark.parametrize(("line", "allocation"), ALLOCATIONS)
def test_allocation_reads_and_writes(line: str, allocation: Allocation) -> None:
    assert read_allocation(line) == allocation
    assert write_allocation(allocation) == line


@given(st.integers(1, 65535), NAME, NAME)
def test_every_allocation_is_read_as_it_was_meant(port: int, service: str, user: str) -> None:
    allocation = Allocation(port, service, user)
    assert read_allocation(write_allocation(allocation)) == allocation


def test_the_lines_of_the_rust_server_are_words() -> None:
    assert read_allocation("31000 a{b u}", quoted=False) == Allocation(31000, "a{b", "u}")
    assert read_allocation("31000 {a b} u", quoted=False) == Allocation(31000, "a b", "u")


@pytest.mark.parametrize("line", ["", "31000 a", "31000 a b c", "x a b", "-1 a b", "31000 {a b"])
def test_what_is_no_allocation_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        read_allocation(line)


def test_replies_have_the_bytes_of_the_original() -> None:
    assert write_ok(31000) == b"OK 31000\r\n"
    assert write_listing([]) == b"OK 0\r\n"
    assert write_listing(["30999 foo bob"]) == b"OK 1\r\n30999 foo bob\r\n"
    assert write_fail("no free ports") == b"FAIL {no free ports}\r\n"
    assert write_fail("Invalid request foo}") == b"FAIL Invalid\\ request\\ foo\\}\r\n"


@pytest.mark.parametrize(("line", "reason"), FAILS)
def test_the_reason_of_a_refusal_is_found_in_both_dialects(line: str, reason: str) -> None:
    assert read_fail(line) == reason
    assert read_ok(line) is None


@pytest.mark.parametrize(
    "line", ["", "OK", "OK x", "OK -1", "OK 1 2", "FAILED x", "HTTP/1.1 400 Bad", "OK 007"]
)
def test_what_is_no_reply_is_none(line: str) -> None:
    assert read_ok(line) is None
    assert read_fail(line) is None


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("a\nb", "U\\+000A"),
        ("a\0", "U\\+0000"),
        ("a\x7f", "U\\+007F"),
        ("a\u2028b", "U\\+2028"),
        ("\ud800", "U\\+D800"),
        ("n" * (LONGEST_NAME + 1), "longer than 255"),
    ],
)
def test_what_is_no_name_is_refused_with_the_reason(name: str, fault: str) -> None:
    with pytest.raises(BadNameError, match=fault):
        check_name("service", name)


def test_a_name_is_text() -> None:
    with pytest.raises(TypeError, match="the service is a str, not int"):
        check_name("service", 5)  # type: ignore[arg-type]
    assert check_name("service", "n" * LONGEST_NAME) == "n" * LONGEST_NAME
    assert [needs_quoting(name) for name in ("foo", "a{b}", "a b")] == [False, True, True]


@given(st.binary(max_size=30))
def test_any_bytes_have_a_text(line: bytes) -> None:
    decode(line).encode("utf-8")
    read_request(line.translate(None, b"\r\n"))

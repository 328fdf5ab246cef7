"""A client as the server sees it: its requests, its faults, and the updates that it gets."""

from __future__ import annotations

import struct
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from histogrammer.display.snapshot import Snapshot
from histogrammer.errors import DisplayMemoryError, MirrorProtocolError
from histogrammer.mirror.protocol.messages import REQUEST, write_info
from histogrammer.mirror.protocol.serving import (
    MAX_KEYS,
    KeyTold,
    MirrorSession,
    Request,
    UpdateWanted,
)


def message(kind: int, body: bytes = b"", size: int | None = None) -> bytes:
    """Return a message, of any kind and with any size in its header."""
    return struct.pack("=II", 8 + len(body) if size is None else size, kind) + body


REQUESTS = st.one_of(
    st.just((REQUEST, UpdateWanted())),
    st.text(min_size=1, max_size=8).map(lambda key: (write_info(key), KeyTold(key))),
)


@settings(max_examples=30)
@given(st.lists(REQUESTS, max_size=8), st.lists(st.integers(1, 30), max_size=10))
def test_requests_arrive_whole_however_their_bytes_are_cut(
    sent: list[tuple[bytes, Request]], cuts: list[int]
) -> None:
    session, data = MirrorSession(), b"".join(each for each, _ in sent)
    found: list[Request] = []
    for cut in [*cuts, len(data)]:
        found += session.receive(data[:cut])
        data = data[cut:]
    found += session.receive(data)
    assert found == [request for _, request in sent]
    session.receive_end()


HOSTILE = [
    (message(0), "the type 0"),
    (message(6), "the type 6"),
    (message(0xFFFFFFFF), "which does not exist"),
    (message(3), "only servers send"),
    (message(4, b"1234"), "only servers send"),
    (message(2, b"x"), "a request for an update with 1 bytes more"),
    (message(2, size=0xFFFFFFFF), "bytes more"),
    (message(1), "a key of 0 bytes"),
    (message(1, b"k" * 1025), "a key of 1025 bytes"),
    (message(1, size=0xFFFFFFF0), "1 to 1024 may be"),
    (message(1, b"\xff\xfe"), "no UTF-8"),
    (message(2, size=0), "a message of 0 bytes"),
    (message(2, size=7), "a message of 7 bytes"),
]


@pytest.mark.parametrize(("data", "told"), HOSTILE)
def test_bad_input_is_an_error_and_what_was_before_it_is_not_lost(data: bytes, told: str) -> None:
    session = MirrorSession()
    requests = session.receive(REQUEST + data + REQUEST)
    assert next(requests) == UpdateWanted()
    with pytest.raises(MirrorProtocolError, match=told):
        next(requests)


def test_a_key_of_the_largest_size_is_taken_and_too_many_are_not() -> None:
    assert list(MirrorSession().receive(write_info("k" * 1024))) == [KeyTold("k" * 1024)]
    session = MirrorSession()
    many = b"".join(write_info(str(number)) for number in range(MAX_KEYS))
    assert len(list(session.receive(many))) == MAX_KEYS
    with pytest.raises(MirrorProtocolError, match="more than 16 keys"):
        list(session.receive(write_info("one more")))


def test_an_end_within_a_message_is_an_error() -> None:
    session = MirrorSession()
    assert not list(session.receive(REQUEST[:3]))
    with pytest.raises(MirrorProtocolError, match="after 3 bytes"):
        session.receive_end()


def snapshot(changes: int, table_changes: int, used: int) -> Snapshot:
    tables = memoryview(bytes([table_changes]) * 5_600_000)
    return Snapshot(changes, table_changes, tables, memoryview(bytes([changes]) * used))


def test_more_than_a_message_can_tell_is_a_sentence() -> None:
    class Huge:
        nbytes = 2**32

    told = Snapshot(1, 1, memoryview(bytes(1)), cast(memoryview, Huge()))
    with pytest.raises(DisplayMemoryError, match=r"take 4294967297 bytes, .* unbind some"):
        MirrorSession().update(told)


def test_the_first_update_is_full_and_later_ones_only_when_the_tables_changed() -> None:
    session = MirrorSession()
    first, *body = session.update(snapshot(1, 1, 2048))
    assert struct.unpack("=II", first) == (0x557B08, 3)  # the example of the reference
    assert [len(part) for part in body] == [5_600_000, 2048]
    assert b"".join(session.update(snapshot(2, 1, 2048))) == message(4, b"\2" * 2048)
    assert b"".join(session.update(snapshot(2, 1, 2048))) == message(4, b"\2" * 2048)
    again = b"".join(session.update(snapshot(3, 2, 0)))
    assert again == message(3, b"\2" * 5_600_000)
    assert b"".join(session.update(snapshot(4, 2, 0))) == message(4)
    assert len(b"".join(MirrorSession().update(snapshot(4, 2, 4)))) == 8 + 5_600_000 + 4

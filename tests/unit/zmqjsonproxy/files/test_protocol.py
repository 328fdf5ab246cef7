"""Names, identities, ranges, pace and order of transfers of files."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmqjsonproxy.files.protocol.identity import Change, FileIdentity, changed
from zmqjsonproxy.files.protocol.names import FileName, read_name, read_pattern
from zmqjsonproxy.files.protocol.pacing import PIECE_BYTES, Pacer, Window
from zmqjsonproxy.files.protocol.ranges import (
    BLOCK_BYTES,
    MAX_BLOCKS,
    ByteRange,
    block_bytes,
    blocks,
    read_ranges,
    read_stretch,
)
from zmqjsonproxy.files.protocol.transfer import (
    PartNote,
    Transfer,
    differing,
    resumed_at,
    stretch_of,
)

FILE = FileIdentity(1, 2, 500, 100, 1000)
SIZES = st.integers(0, 2**50)


# names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a.fits", FileName("", ("a.fits",))),
        ("DATA/a.fits", FileName("DATA", ("a.fits",))),
        ("DATA/night 1/é%+.fits", FileName("DATA", ("night 1", "é%+.fits"))),
        ("DATA/...", FileName("DATA", ("...",))),
    ],
)
def test_names_are_read_and_written(text: str, name: FileName) -> None:
    assert read_name(text) == name
    assert str(name) == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "of 1 to 4096 characters"),
        (None, "of 1 to 4096 characters"),
        ("x" * 4097, "of 1 to 4096 characters"),
        ("/etc/passwd", "is absolute"),
        ("//example.org/x", "is absolute"),
        ("DATA/../x", r"has \.\. in it"),
        ("..", r"has \.\. in it"),
        ("DATA//x", "has an empty part"),
        ("DATA/", "has an empty part"),
        ("./x", "or one that is a dot"),
        ("DATA/a\0b", "has a NUL"),
    ],
)
def test_names_that_are_none_are_told(text: object, says: str) -> None:
    for read in (read_name, read_pattern):
        with pytest.raises(ValueError, match=says):
            read(text)


@given(st.lists(st.text(min_size=1, max_size=9).filter(lambda t: not {*"/\0"} & {*t}), min_size=1))
def test_any_text_is_a_name(parts: list[str]) -> None:
    if {".", ".."}.intersection(parts):
        return
    assert str(read_name("/".join(parts))) == "/".join(parts)


# identities


@pytest.mark.parametrize(
    ("now", "change"),
    [
        (FILE, Change.SAME),
        (FILE._replace(size=101, mtime_ns=1001), Change.WRITTEN),
        (FILE._replace(mtime_ns=1001), Change.WRITTEN),
        (FILE._replace(size=101), Change.WRITTEN),
        (FILE._replace(size=99, mtime_ns=1001), Change.OTHER),
        (FILE._replace(mtime_ns=999), Change.OTHER),
        (FILE._replace(inode=3), Change.OTHER),
        (FILE._replace(birth_ns=501, mtime_ns=1001), Change.OTHER),
        (FILE._replace(device=3, mtime_ns=1001), Change.OTHER),
    ],
)
def test_a_file_that_was_written_to_is_told_from_another(now: FileIdentity, change: Change) -> None:
    assert changed(FILE, now) is change


@pytest.mark.parametrize(
    "value", [None, "12345", [1, 2, 3, 4], [1, 2, 0, 3, 4.0], [1, 2, 0, -3, 4], [1, 2, 0, True, 4]]
)
def test_what_is_no_identity_is_told(value: object) -> None:
    assert FileIdentity.read(list(FILE)) == FILE
    with pytest.raises(ValueError, match="device, inode, birth_ns, size, mtime_ns"):
        FileIdentity.read(value)


# ranges


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([[0, 1]] * 17, "17 ranges in one request; at most 16"),
        ([[0, 100]] * 3, None),
        ([[50, 51]], "bytes 50 to 100 are asked for, and the file has 100"),
        ([[101, 0]], "the file has 100"),
        ([[100, 0]], None),
        ([[-1, 2]], "a range is"),
        ([[0, 1.0]], "a range is"),
        ([[True, 1]], "a range is"),
        (["01"], "a range is"),
        ([], "a list of"),
        ("0-1", "a list of"),
        (None, "a list of"),
    ],
)
def test_ranges_of_a_request_are_within_its_limits(value: object, says: str | None) -> None:
    if says is None:
        assert read_ranges(value, 100) == [ByteRange(*each) for each in value]  # type: ignore[attr-defined]
    else:
        with pytest.raises(ValueError, match=says):
            read_ranges(value, 100)


def test_a_request_has_a_bounded_number_of_bytes() -> None:
    read_ranges([[0, 2**22]], 2**30)
    with pytest.raises(ValueError, match="4194305 bytes in one request; at most 4194304"):
        read_ranges([[0, 2**22], [5, 1]], 2**30)


def test_stretches_are_read_as_people_write_them() -> None:
    assert (read_stretch("0-2879"), read_stretch("7-"), read_stretch("5-5")) == (
        (0, 2879),
        (7, None),
        (5, 5),
    )
    for text in ("", "-", "-5", "5", "a-b", "1-2-3", "5-4", "0x1-2", "²-"):
        with pytest.raises(ValueError, match=r"is no range of bytes|ends before"):
            read_stretch(text)


@given(SIZES, st.integers(0, 5000), st.integers(0, 5000))
def test_a_stretch_is_within_the_file(size: int, first: int, more: int) -> None:
    if first >= size:
        with pytest.raises(ValueError, match=f"and the file has {size}"):
            stretch_of((first, first + more), size)
        return
    found = stretch_of((first, first + more), size)
    assert (found.first, found.size) == (first, min(more + 1, size - first))
    assert stretch_of((first, None), size).end == size


@given(SIZES)
def test_blocks_are_few_and_cover_all(size: int) -> None:
    block = block_bytes(size)
    assert block >= BLOCK_BYTES
    assert -(-size // block) <= MAX_BLOCKS // 2
    small = blocks(ByteRange(7, size % 1000), 64)
    assert [n for each in small for n in range(each.first, each.end)] == list(
        range(7, 7 + size % 1000)
    )


# pace


@given(st.floats(1, 1e12), st.lists(st.floats(0, 5), min_size=1, max_size=60))
def test_a_pace_is_kept(rate: float, pauses: list[float]) -> None:
    pacer, now, asked = Pacer(rate), 0.0, 0
    assert 0 < pacer.piece_bytes <= PIECE_BYTES
    begun = pauses[0]
    for pause in pauses:
        now += pause + pacer.wait(now + pause)
        asked += pacer.piece_bytes
        pacer.take(pacer.piece_bytes, now)
        assert asked <= rate * (now - begun + 0.5) + pacer.piece_bytes * (1 + 1e-9)


def test_a_paced_fetch_does_not_begin_with_a_burst() -> None:
    pacer = Pacer(1e6)
    pacer.take(500_000, 100.0)
    assert pacer.wait(100.0) == 0.5


def test_a_pace_catches_up_after_a_wait_for_an_answer() -> None:
    pacer, now, asked = Pacer(1e7), 0.0, 0
    for _ in range(10):  # round trips of 0.3 s
        while not pacer.wait(now):
            pacer.take(pacer.piece_bytes, now)
            asked += pacer.piece_bytes
        now += 0.3
    assert asked >= 0.9e7 * 3


@given(st.lists(st.one_of(st.none(), st.floats(0, 100))))
def test_requests_under_way_are_few_over_a_slow_line_and_bounded(
    delays: list[float | None],
) -> None:
    window = Window(30.0)
    for delay in delays:
        if delay is None:
            window.lost()
        else:
            window.answered(delay)
        assert 1 <= window.size <= window.most
        assert 2**12 <= window.piece_bytes <= PIECE_BYTES
    for _ in range(1000):
        window.answered(0.3)
    assert (window.size, window.piece_bytes) == (window.most, PIECE_BYTES)
    for _ in range(10):
        window.answered(20.0)
    assert window.size == 1


def test_pieces_that_a_line_is_too_slow_for_are_not_tried_again_soon() -> None:
    window, lost = Window(30.0), 0
    for _ in range(100):
        if window.piece_bytes > 20_000:  # in which time a connection is taken for lost
            window.lost()
            lost += 1
        else:
            window.answered(0.5)
    assert (lost, window.piece_bytes) == (2, 2**14)


# transfers


@given(st.integers(0, 5000), st.integers(0, 3000), st.data())
def test_a_stretch_is_taken_once_and_in_order(first: int, size: int, data: st.DataObject) -> None:
    transfer = Transfer(ByteRange(first, size), first)
    under_way: list[ByteRange] = []
    taken: list[int] = []
    while not transfer.is_done:
        event = data.draw(st.sampled_from(["ask", "take", "lose"]))
        if event == "lose":
            under_way.clear()
            transfer.ask_again()
        elif event == "take" and under_way:
            each = under_way.pop(0)
            transfer.take(each)
            taken += range(each.first, each.end)
        elif (wanted := transfer.ask(data.draw(st.integers(300, 999)))) is not None:
            under_way.append(wanted)
    assert taken == list(range(first, first + size))


@pytest.mark.parametrize("by", [-1, 1])
def test_bytes_of_another_place_are_not_taken(by: int) -> None:
    transfer = Transfer(ByteRange(0, 30), 10)
    transfer.ask(20)
    with pytest.raises(ValueError, match=f"bytes from {10 + by} .* and those from 10 were due"):
        transfer.take(ByteRange(10 + by, 20 - by))


NOTE = PartNote(name="DATA/a", file=FILE, first=0, size=100, to_end=True)


@pytest.mark.parametrize(
    ("wanted", "length", "at"),
    [
        (NOTE, 0, 0),
        (NOTE, 1, 1),
        (NOTE, 100, 100),
        (NOTE, 101, 0),
        (PartNote(name="DATA/b", file=FILE, first=0, size=100, to_end=True), 50, 0),
        (PartNote(name="DATA/a", file=FILE, first=1, size=99, to_end=True), 50, 0),
        (PartNote(name="DATA/a", file=FILE, first=0, size=100, to_end=False), 50, 0),
    ],
)
def test_a_part_file_is_resumed_where_it_ends_if_it_is_what_is_wanted(
    wanted: PartNote, length: int, at: int
) -> None:
    assert resumed_at(NOTE, length, wanted) == at
    assert resumed_at(None, length, wanted) == 0


def test_a_part_file_of_another_file_is_not_resumed_and_one_that_grew_is() -> None:
    def at(**now: int) -> int:
        file = FILE._replace(**now)
        return resumed_at(
            NOTE,
            50,
            PartNote(name="DATA/a", file=file, first=0, size=file.size, to_end=True),
        )

    assert (at(size=200, mtime_ns=2000), at(inode=3), at(size=99, mtime_ns=2000)) == (50, 0, 0)


def test_notes_travel_as_json_and_others_are_told() -> None:
    assert PartNote.read(NOTE.describe()) == NOTE
    for change in ({"size": -1}, {"file": [1]}, {"to_end": 1}, {"name": 3}, {"more": 1}):
        with pytest.raises(ValueError, match=r"no note|named by"):
            PartNote.read(NOTE.describe() | change)
    with pytest.raises(ValueError, match="no note"):
        PartNote.read([])


def test_blocks_that_differ_are_found() -> None:
    found = blocks(ByteRange(0, 30), 10)
    a, b = (
        b"".join(hashlib.sha256(bytes([n])).digest() for n in each)
        for each in ((1, 2, 3), (1, 5, 3))
    )
    assert (differing(a, a, found), differing(a, b, found)) == ([], [ByteRange(10, 10)])
    with pytest.raises(ValueError, match="64 bytes of checksums came for 3 blocks"):
        differing(a, b[:64], found)

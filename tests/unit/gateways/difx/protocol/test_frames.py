"""Frames: at every cut, at every limit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.difx.errors import FrameError
from gateways.difx.protocol.frames import MAX_PACKET_BYTES, Frame, FrameReader, pack_frame

FRAMES = [
    ("00000008 00000000", Frame(8, b"")),
    ("00000001 00000004 00000001", Frame(1, b"\0\0\0\1")),
    ("00000013 00000000", Frame(19, b"")),
    ("00000016 00000005 0000303a 41", Frame(22, b"\0\0\x30\x3aA")),
    ("ffffffff 00000001 00", Frame(-1, b"\0")),
]


@pytest.mark.parametrize(("bytes_", "frame"), FRAMES)
def test_a_frame_is_written_and_read(bytes_: str, frame: Frame) -> None:
    data = bytes.fromhex(bytes_)
    assert pack_frame(*frame) == data
    assert list(FrameReader().feed(data)) == [frame]


def test_frames_are_read_byte_by_byte_and_split_at_every_place() -> None:
    data = b"".join(bytes.fromhex(bytes_) for bytes_, _ in FRAMES)
    frames = [frame for _, frame in FRAMES]
    reader = FrameReader()
    assert [frame for byte in data for frame in reader.feed(bytes([byte]))] == frames
    for place in range(len(data) + 1):
        reader = FrameReader()
        assert [*reader.feed(data[:place]), *reader.feed(data[place:])] == frames
        assert reader.pending == 0


@given(
    st.lists(st.tuples(st.integers(-(2**31), 2**31 - 1), st.binary(max_size=40)), max_size=6),
    st.lists(st.integers(0, 300), max_size=8),
)
def test_frames_are_the_same_however_they_are_cut(
    frames: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    data = b"".join(pack_frame(number, payload) for number, payload in frames)
    reader, read, last = FrameReader(), [], 0
    for cut in [*sorted(cuts), len(data)]:
        read += [tuple(frame) for frame in reader.feed(data[last:cut])]
        last = max(last, cut)
    assert read == frames


def test_frames_that_were_not_taken_come_with_the_next_piece() -> None:
    reader = FrameReader()
    first = reader.feed(pack_frame(1, b"a") + pack_frame(2, b"b"))
    assert next(first) == Frame(1, b"a")
    assert list(reader.feed(pack_frame(3))) == [Frame(2, b"b"), Frame(3, b"")]


@pytest.mark.parametrize("length", [9, 10])
def test_a_length_up_to_the_limit_is_read(length: int) -> None:
    reader = FrameReader(limit=10)
    assert list(reader.feed(pack_frame(3, b"x" * length))) == [Frame(3, b"x" * length)]


@pytest.mark.parametrize("length", ["0000000b", "7fffffff", "80000000", "ffffffff"])
def test_any_other_length_is_refused_before_its_payload_is_waited_for(length: str) -> None:
    reader = FrameReader(limit=10)
    frames = reader.feed(pack_frame(8) + bytes.fromhex("00000003" + length))
    assert next(frames) == Frame(8, b"")
    with pytest.raises(FrameError, match=r"not within 0\.\.10 \(max_packet\)"):
        next(frames)
    with pytest.raises(FrameError):
        list(reader.feed(b"more"))


def test_two_gibibytes_are_refused_as_they_are_announced() -> None:
    with pytest.raises(FrameError, match="2147483647"):
        list(FrameReader().feed(bytes.fromhex("00000003 7fffffff")))


def test_some_ids_may_have_more_than_the_limit() -> None:
    reader = FrameReader(limit=10, extra={22: 4})
    assert list(reader.feed(pack_frame(22, b"x" * 14))) == [Frame(22, b"x" * 14)]
    with pytest.raises(FrameError, match=r"0\.\.14"):
        list(reader.feed(bytes.fromhex("00000016 0000000f")))
    with pytest.raises(FrameError, match=r"0\.\.10"):
        list(FrameReader(limit=10, extra={22: 4}).feed(bytes.fromhex("00000003 0000000b")))


def test_no_packet_is_made_that_clients_do_not_take() -> None:
    largest = bytes(MAX_PACKET_BYTES)
    assert len(pack_frame(1, largest)) == MAX_PACKET_BYTES + 8
    with pytest.raises(FrameError, match="more than the 10485760"):
        pack_frame(1, largest + b"x")

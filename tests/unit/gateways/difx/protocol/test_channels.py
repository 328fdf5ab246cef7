"""Channels: one stream for each, however the client cuts it, and bounded."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.difx.errors import FrameError, LinkError
from gateways.difx.protocol.channels import MAX_ENDED, ClientChannels


def channels(most_bytes: int = 100, most_early: int = 3) -> ClientChannels:
    return ClientChannels(most_bytes=most_bytes, most_early=most_early)


def test_chunks_that_come_before_their_task_are_kept_for_it() -> None:
    known = channels()
    assert known.receive(12346, b"\0\0\0\3ab") is None
    assert known.early == 1
    channel = known.open(12346)
    assert known.early == 0
    assert known.receive(12346, b"c") is channel
    assert channel.take(4) == b"\0\0\0\3"
    assert channel.take(3) == b"abc"
    assert channel.take(0) == b""


def test_what_is_not_complete_stays() -> None:
    known = channels()
    channel = known.open(1)
    known.receive(1, b"ab")
    assert channel.take(3) is None
    known.receive(1, b"cd")
    assert channel.take(3) == b"abc"
    assert channel.take_some(10) == b"d"
    assert channel.take_some(10) == b""


@settings(max_examples=50)
@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=6), st.integers(0, 6))
def test_a_stream_is_the_same_however_it_is_cut(data: bytes, cuts: list[int], before: int) -> None:
    known = channels()
    ends = [*sorted(cuts), len(data)]
    pieces = [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    for piece in pieces[:before]:
        known.receive(7, piece)
    channel = known.open(7)
    for piece in pieces[before:]:
        known.receive(7, piece)
    assert channel.take(len(data)) == data
    assert known.waiting == 0


def test_channels_do_not_mix() -> None:
    known = channels()
    first, second = known.open(1), known.open(2)
    for number, data in ((1, b"a"), (2, b"x"), (1, b"b"), (2, b"y")):
        known.receive(number, data)
    assert (first.take(2), second.take(2)) == (b"ab", b"xy")


def test_empty_chunks_leave_nothing_behind() -> None:
    known = channels()
    for number in range(1000):
        assert known.receive(number, b"") is None
    assert (known.early, known.waiting) == (0, 0)
    assert known.receive(5, b"") is None
    channel = known.open(5)
    assert known.receive(5, b"") is channel


def test_a_channel_has_one_task_at_a_time() -> None:
    known = channels()
    known.open(1)
    with pytest.raises(LinkError, match="channel 1 belongs to a task"):
        known.open(1)
    known.close(1)
    known.close(1)
    assert len(known.open(1)) == 0


def test_what_waits_for_a_task_that_ended_is_freed() -> None:
    known = channels()
    known.open(1)
    known.receive(1, b"x" * 100)
    known.close(1)
    assert known.waiting == 0
    known.receive(2, b"x" * 100)


@pytest.mark.parametrize("size", [99, 100])
def test_as_many_bytes_wait_as_may(size: int) -> None:
    known = channels()
    known.receive(1, b"x" * 40)
    known.open(2)
    known.receive(2, b"x" * (size - 40))
    assert known.waiting == size


def test_more_bytes_than_may_wait_end_the_connection() -> None:
    known = channels()
    known.receive(1, b"x" * 40)
    known.open(2)
    with pytest.raises(FrameError, match="61 bytes, where 40 of at most 100"):
        known.receive(2, b"x" * 61)
    assert known.waiting == 40


def test_of_too_many_channels_without_task_the_oldest_is_forgotten() -> None:
    known = channels(most_early=3)
    for number in (1, 2, 3):
        known.receive(number, bytes([number]))
    known.receive(1, b"!")  # waits longest, though it has new chunks
    assert known.forgotten == 0
    known.receive(4, b"\4")
    assert (known.early, known.forgotten, known.waiting) == (3, 1, 3)
    assert len(known.open(1)) == 0
    assert known.open(2).take(1) == b"\2"


def test_chunks_behind_the_end_of_a_task_do_not_reach_the_next_one_of_that_number() -> None:
    channels = ClientChannels(most_bytes=100, most_early=2)
    channels.open(50300)
    channels.close(50300)
    assert channels.receive(50300, b"late") is None
    assert (channels.waiting, channels.early) == (0, 0)
    again = channels.open(50300)
    channels.receive(50300, b"new")
    assert again.take_some(10) == b"new"


def test_of_numbers_that_have_ended_only_so_many_are_remembered() -> None:
    channels = ClientChannels(most_bytes=100, most_early=2)
    for number in range(MAX_ENDED + 1):
        channels.open(number)
        channels.close(number)
    channels.receive(0, b"early again")
    assert channels.early == 1

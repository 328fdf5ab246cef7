"""Frames that wait: in order, in turn, bounded, and each that is dropped is counted."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zmqjsonproxy.channels import framequeue as module
from zmqjsonproxy.channels.declarations import Declared, PropertyKind
from zmqjsonproxy.channels.framequeue import FrameQueue
from zmqjsonproxy.channels.properties import Property, PublishedUpdate
from zmqjsonproxy.channels.protocol.limits import Limits
from zmqjsonproxy.channels.protocol.notices import Encoded
from zmqjsonproxy.channels.streams import PropertyStream


def stream(number: int) -> PropertyStream:
    one = Property(Declared(name="p", kind=PropertyKind.PIPE))
    return PropertyStream(number, ("bank", "p", Limits(rate=float(number))), one, 0.0)


def frame(number: int, size: int = 1) -> PublishedUpdate:
    return PublishedUpdate(number, 0, Encoded(b"x" * size, b"", (), True))


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=60))
def test_each_stream_gets_its_frames_in_order_and_counts_the_others(
    moves: list[tuple[int, bool]],
) -> None:
    streams, queue = [stream(number) for number in (1, 2, 3)], FrameQueue()
    put, seen = [0, 0, 0], [0, 0, 0]

    def take() -> None:
        taken = queue.take()
        if taken is None:
            assert put == seen
            return
        which = streams.index(taken.stream)
        seen[which] += taken.dropped + 1
        assert taken.update.number == seen[which]
        queue.done()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "MAX_FRAMES", 4)
        for which, puts in moves:
            if puts:
                put[which] += 1
                queue.put(streams[which], frame(put[which]))
            else:
                take()
            assert [queue.is_busy(each) for each in streams] == [
                there > gone for there, gone in zip(put, seen, strict=True)
            ]
    for _ in range(20):
        take()
    assert queue._size == 0


def test_streams_have_their_turns() -> None:
    first, second, queue = stream(1), stream(2), FrameQueue()
    for number in (1, 2, 3):
        queue.put(first, frame(number))
    queue.put(second, frame(1))
    order = []
    while taken := queue.take():
        order.append(taken.stream.number)
        queue.done()
    assert order == [1, 2, 1, 1]


def test_bytes_are_bounded_but_for_the_newest_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 100)
    first, second, queue = stream(1), stream(2), FrameQueue()
    assert [queue.put(first, frame(n, 60)) for n in (1, 2, 3)] == [0, 1, 1]
    assert queue.put(second, frame(1, 90)) == 0
    taken = queue.take()
    assert taken is not None
    assert (taken.update.number, taken.dropped) == (3, 2)
    queue.done()
    assert not queue.is_busy(first)


def test_what_is_put_while_one_is_prepared_waits_behind_it() -> None:
    one, queue = stream(1), FrameQueue()
    queue.put(one, frame(1))
    assert queue.take() is not None
    assert queue.is_busy(one)
    queue.put(one, frame(2))
    queue.done()
    taken = queue.take()
    assert taken is not None
    assert taken.update.number == 2
    queue.forget(one)
    queue.done()
    assert not queue.is_busy(one)
    assert queue.take() is None

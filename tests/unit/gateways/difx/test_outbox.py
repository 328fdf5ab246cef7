from __future__ import annotations

import asyncio
import time

import pytest

from gateways.difx.errors import LinkError
from gateways.difx.outbox import Outbox

HANG_S = 60.0


class Transport:
    """A transport whose peer takes nothing until it is told to."""

    def __init__(self) -> None:
        self.waiting = 0
        self.is_cut = False

    def set_write_buffer_limits(self, high: int) -> None:
        self.high = high

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return self.is_cut

    def abort(self) -> None:
        self.is_cut = True


class Writer:
    """A transport that takes nothing: what is written waits."""

    def __init__(self) -> None:
        self.transport = Transport()

    def write(self, data: bytes) -> None:
        self.transport.waiting += len(data)

    async def drain(self) -> None:
        pass


def outbox(most: int = 1000) -> tuple[Outbox, Transport]:
    writer = Writer()
    return Outbox(writer, most=most), writer.transport  # type: ignore[arg-type]


def test_more_than_may_wait_cuts_the_connection_and_says_which_limit() -> None:
    box, transport = outbox(most=1000)
    box.put(bytes(1000))
    assert (box.waiting, transport.is_cut) == (1000, False)
    box.put(b"x")
    assert transport.is_cut
    assert "max_queued" in box.fault
    box.put(b"more")  # of no effect, and no error
    assert box.waiting == 1000
    with pytest.raises(LinkError):
        asyncio.run(box.drain())


def test_a_client_stalls_from_the_moment_at_which_it_takes_nothing() -> None:
    box, transport = outbox()
    assert box.stalled_for(now=10.0) == 0
    box.put(bytes(100))
    assert box.stalled_for(now=11.0) == 1.0
    transport.waiting = 60
    assert box.stalled_for(now=12.0) == 0
    assert box.stalled_for(now=14.5) == 2.5
    box.put(bytes(40))  # new data are no progress
    assert box.stalled_for(now=15.0) == 3.0
    transport.waiting = 0
    assert box.stalled_for(now=16.0) == 0


def test_a_client_that_takes_all_at_once_leaves_others_their_turn() -> None:
    async def look() -> bool:
        box, transport = outbox(most=1 << 30)
        others = asyncio.create_task(asyncio.sleep(0))
        end = time.monotonic() + HANG_S
        while not others.done() and time.monotonic() < end:
            await box.send(b"line")
            transport.waiting = 0
        return others.done()

    assert asyncio.run(look())

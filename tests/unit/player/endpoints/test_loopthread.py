"""An asyncio server in a thread: its begin, its end, its failures."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable

import pytest

from player.endpoints.loopthread import LoopThread, Serve

LOG = logging.LoggerAdapter(logging.getLogger("tests"))
HANG_S = 60.0


def of(serve: Serve, on_end: Callable[[str], None]) -> LoopThread:
    return LoopThread(serve, what="the server", name="served", log=LOG, on_end=on_end)


def test_it_serves_until_it_is_closed_and_tells_nobody_then() -> None:
    reasons, ended_by_event = [], threading.Event()

    async def serve(ended: asyncio.Event, begun: Callable[[], None]) -> None:
        begun()
        await ended.wait()
        ended_by_event.set()

    one = of(serve, reasons.append)
    one.start()
    one.close()
    assert ended_by_event.is_set()
    assert reasons == []


def test_a_server_that_cannot_begin_says_so_to_who_starts_it() -> None:
    reasons: list[str] = []

    async def serve(_ended: asyncio.Event, _begun: Callable[[], None]) -> None:
        raise OSError("no such device")

    one = of(serve, reasons.append)
    with pytest.raises(OSError, match="no such device"):
        one.start()
    one.close()
    assert reasons == []


def test_a_server_that_fails_later_is_told_with_its_reason() -> None:
    reasons: queue.Queue[str] = queue.Queue()

    async def serve(_ended: asyncio.Event, begun: Callable[[], None]) -> None:
        begun()
        raise ValueError("broken")

    one = of(serve, reasons.put)
    one.start()
    assert reasons.get(timeout=HANG_S) == "ValueError: broken"
    one.close()


def test_what_was_never_started_can_be_closed() -> None:
    async def serve(_ended: asyncio.Event, _begun: Callable[[], None]) -> None:
        raise AssertionError("it was started")

    of(serve, lambda _reason: None).close()

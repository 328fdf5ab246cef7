"""Work beside an event loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from groundwork.beside import beside


def test_what_work_returns_and_raises_comes_back() -> None:
    assert asyncio.run(beside(lambda: 7)) == 7
    with pytest.raises(ZeroDivisionError):
        asyncio.run(beside(lambda: 1 / 0))


def test_work_is_over_when_it_was_cancelled() -> None:
    begun, may_end = threading.Event(), threading.Event()
    ended: list[bool] = []

    def work() -> None:
        begun.set()
        may_end.wait(30)
        ended.append(True)

    async def cancel() -> None:
        task = asyncio.create_task(beside(work))
        await asyncio.to_thread(begun.wait, 30)
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert ended == [True]

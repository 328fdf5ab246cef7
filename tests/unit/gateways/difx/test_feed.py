from __future__ import annotations

import asyncio

import pytest

from gateways.difx.tasks.feed import Feed


def test_a_task_gets_what_a_thread_tells_in_order_and_its_error_last() -> None:
    got: list[int] = []

    async def run() -> None:
        feed: Feed[int] = Feed()

        def work() -> None:
            feed.put_all(range(100))
            raise ValueError("broken")

        feed.start(work, "work")
        async for number in feed:
            got.append(number)  # noqa: PERF401  # what came before the error counts

    with pytest.raises(ValueError, match="broken"):
        asyncio.run(run())
    assert got == list(range(100))


def test_what_may_be_left_out_is_counted_and_the_rest_comes() -> None:
    async def run() -> tuple[list[str], int]:
        feed: Feed[str] = Feed(most=3)
        for number in range(10):
            feed.put(f"line {number}", may_be_omitted=True)
            feed.put(f"file {number}")
        feed.start(lambda: None, "nothing")
        return [each async for each in feed], feed.omitted

    got, omitted = asyncio.run(run())
    assert [each for each in got if each.startswith("file")] == [f"file {n}" for n in range(10)]
    assert [each for each in got if each.startswith("line")] == ["line 0", "line 1", "line 2"]
    assert omitted == 7

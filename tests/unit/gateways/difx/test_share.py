"""Shares of the threads: clients with many slow calls, and others."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from gateways.difx.share import AT_ONCE, Share, Threads

HANG_S = 60.0


def test_clients_with_many_slow_calls_leave_threads_to_others() -> None:
    release = threading.Event()

    async def look() -> str:
        with ThreadPoolExecutor(8) as executor:
            threads = Threads(executor, spare=4)
            slow = [
                asyncio.create_task(share.call(release.wait, HANG_S))
                for share in (Share(threads), Share(threads), Share(threads))
                for _ in range(20)
            ]
            try:
                async with asyncio.timeout(HANG_S):
                    return await Share(threads).call(lambda: "answered")
            finally:
                release.set()
                await asyncio.gather(*slow)
                assert threads.spare == 4

    assert asyncio.run(look()) == "answered"


def test_a_client_has_a_few_calls_at_a_time() -> None:
    release, lock = threading.Event(), threading.Lock()
    now = most = 0

    def call() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
            if now == AT_ONCE:
                release.set()
        release.wait(HANG_S)
        with lock:
            now -= 1

    async def look() -> None:
        with ThreadPoolExecutor(16) as executor:
            share = Share(Threads(executor))
            await asyncio.gather(*(share.call(call) for _ in range(12)))

    asyncio.run(look())
    assert most == AT_ONCE


def test_a_call_that_has_no_thread_is_not_made_for_a_client_that_left() -> None:
    release, made = threading.Event(), []

    async def look() -> None:
        with ThreadPoolExecutor(1) as executor:
            threads = Threads(executor)
            first = asyncio.create_task(Share(threads).call(release.wait, HANG_S))
            second = asyncio.create_task(Share(threads).call(made.append, "second"))
            await asyncio.sleep(0)
            second.cancel()
            await asyncio.wait([second], timeout=HANG_S)
            assert second.cancelled()
            assert not first.done()
            release.set()
            await first

    asyncio.run(look())
    assert made == []

"""Calls of tasks: cancelled, beside each other, and at the end of their hub."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.original_server import OriginalPlayer
from support.rpc_bank import Bank

from zmqjsonproxy import (
    AsyncHub,
    AsyncProxyClient,
    PeerLostError,
)


@contextmanager
def _old_player() -> Iterator[OriginalPlayer]:
    with OriginalPlayer(mode="MODE1") as old:
        yield old


def test_a_cancelled_call_leaves_the_hub_usable_and_its_answer_is_dropped(
    served: tuple[str, Bank],
) -> None:
    url, bank = served

    async def run() -> None:
        async with AsyncProxyClient(None, "bank", url) as proxy:
            held = asyncio.create_task(proxy.hold())
            await asyncio.to_thread(bank.begun.wait, 10)
            held.cancel()
            with pytest.raises(asyncio.CancelledError):
                await held
            bank.go_on.set()
            assert await proxy.sleep(0) == "slept"
            assert not proxy._hub.peer(url).numbered
            bank.go_on.clear()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await proxy.hold()
            bank.go_on.set()
            assert await proxy.add(2, 3) == 5
            bank.begun.clear()
            mode = asyncio.create_task(proxy.set_mode("MODE1"))
            await asyncio.to_thread(bank.begun.wait, 10)
            mode.cancel()
            with pytest.raises(asyncio.CancelledError):
                await mode
            assert (
                await proxy.sleep(0, _timeout=20.0) == "slept"
            )  # the operation of 30 s was asked to end

    asyncio.run(run())


def test_a_call_begun_later_may_be_cancelled_before_the_connection_is_made(
    served: tuple[str, Bank],
) -> None:
    url, bank = served

    async def run() -> None:
        async with AsyncHub() as hub:
            future = hub.begin(url, "bank", "write", (1,))
            assert future.cancel()
            assert await hub.call(url, "bank", "sleep", (0,)) == "slept"
            assert not hub.peer(url).numbered
        assert bank.written == []
        closed = hub.begin(url, "bank", "write", (1,))
        with pytest.raises(PeerLostError, match="closed"):
            await closed

    asyncio.run(run())


def test_a_cancelled_call_to_an_old_server_is_not_answered_in_place_of_the_next() -> None:
    async def run(old: OriginalPlayer) -> None:
        async with AsyncProxyClient(None, "bank", old.url) as proxy:
            assert await proxy.get_mode() == "MODE1"
            old.suspend()
            asked = asyncio.create_task(proxy.get_mode())
            await asyncio.sleep(0.05)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
            old.resume()
            assert isinstance(await proxy.list_modes(), list)

    with _old_player() as old:
        asyncio.run(run(old))


def test_tasks_call_beside_one_another_and_other_tasks_have_their_turn(
    served: tuple[str, Bank],
) -> None:
    url, bank = served

    async def run() -> None:
        turns = 0

        async def idle() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async with AsyncProxyClient(None, "bank", url) as proxy:
            held, other = asyncio.create_task(proxy.hold()), asyncio.create_task(idle())
            assert await asyncio.gather(*(proxy.add(n, 1) for n in range(500))) == list(
                range(1, 501)
            )
            before = turns
            begun = time.monotonic()
            while time.monotonic() - begun < 0.1:
                await proxy.add(2, 1)
            assert turns - before >= 10
            bank.go_on.set()
            assert await held == "held"
            other.cancel()

    asyncio.run(run())


def test_closing_ends_the_calls_of_all_tasks_and_another_loop_is_refused(
    served: tuple[str, Bank],
) -> None:
    url, bank = served

    async def run() -> None:
        hub = AsyncHub()
        held = [asyncio.create_task(hub.call(url, "bank", "hold")) for _ in range(3)]
        await asyncio.to_thread(bank.begun.wait, 10)

        async def elsewhere() -> None:
            with pytest.raises(RuntimeError, match="another event loop"):
                await hub.call(url, "bank", "add", (2, 3))

        await asyncio.to_thread(asyncio.run, elsewhere())
        await hub.close()
        ended = await asyncio.gather(*held, return_exceptions=True)
        assert [type(e) for e in ended] == [PeerLostError] * 3

    asyncio.run(run())


def test_known_methods_have_documentation_and_signature(served: tuple[str, Bank]) -> None:
    async def run() -> None:
        async with AsyncProxyClient(None, "bank", served[0]) as proxy:
            while proxy.add.__doc__ is None:  # on a busy machine the hello takes longer than it has
                assert await proxy.add(1, 1) == 2
            assert proxy.add.__doc__.startswith("Adds two values.")
            assert "add" in dir(proxy)

    asyncio.run(run())

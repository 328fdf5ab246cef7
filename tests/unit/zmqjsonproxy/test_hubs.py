"""Coroutines that a caller carries out by itself."""

from __future__ import annotations

import asyncio
import inspect
from typing import cast

import pytest
from support.fake_hub import FakeServer, FakeThreadHub

from zmqjsonproxy import CallRequest, ThreadHub
from zmqjsonproxy.hubs import BlockingHub, Hub, blocking, run

URL = "tcp://a:1"


def hub(**answers: object) -> BlockingHub:
    return BlockingHub(cast(ThreadHub, FakeThreadHub({URL: FakeServer(answers)})))


async def twice(over: Hub) -> list[object]:
    first = await over.call_each([URL], "bank", "add", (2, 3), None, 5.0)
    await over.pause(0.1)
    second = await over.call_many([CallRequest(URL, "bank", "add", (3, 4))], 5.0)
    return [first[0].value, second[0].value]


def test_a_coroutine_over_calls_that_wait_is_carried_out_at_once() -> None:
    assert run(twice(hub(add=lambda a, b: a + b))) == [5, 7]


def test_what_is_raised_in_a_call_is_raised_within_the_coroutine() -> None:
    def interrupted(*_args: object) -> object:
        raise KeyboardInterrupt

    seen: list[str] = []

    async def careful(over: Hub) -> None:
        try:
            await twice(over)
        except KeyboardInterrupt:
            seen.append("taken back")
            raise

    with pytest.raises(KeyboardInterrupt):
        run(careful(hub(add=interrupted)))
    assert seen == ["taken back"]


def test_one_that_needs_an_event_loop_is_ended_and_told_so() -> None:
    ended: list[str] = []

    async def waits() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            ended.append("closed")

    with pytest.raises(RuntimeError, match=r"waits at .* waits for an event loop; await it"):
        run(waits())
    assert ended == ["closed"]


class Adder:
    async def add(self, a: int, *, b: int = 0) -> int:
        """Add."""
        return a + b

    add_and_wait = blocking(add)


def test_a_method_that_waits_looks_like_its_coroutine() -> None:
    assert Adder().add_and_wait(2, b=3) == 5
    assert (Adder.add_and_wait.__name__, Adder.add_and_wait.__doc__) == ("add", "Add.")
    assert inspect.signature(Adder.add_and_wait) == inspect.signature(Adder.add)
    assert not inspect.iscoroutinefunction(Adder.add_and_wait)

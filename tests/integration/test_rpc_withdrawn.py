"""Callers that wait no longer, in whatever way: what they queued is not carried out later, and what
runs goes on."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from support.dealers import eventually
from support.original_server import OriginalPlayer
from support.rpc_bank import Bank, serving

from dealer import AsyncDealer, Dealer
from zmqjsonproxy import (
    AsyncHub,
    AsyncProxyClient,
    CallTimeoutError,
    PeerLostError,
    ThreadHub,
    ZMQJSONProxyClient,
)
from zmqjsonproxy.errors import CallCancelledError
from zmqjsonproxy.rpc.hub import CallRequest

Waits = Callable[[ThreadHub, str], Any]


def _batch(hub: ThreadHub, url: str) -> Any:
    return hub.call_batch(url, "bank", [("write", [n], {}) for n in range(3)], timeout=60)


def _proxy_batch(hub: ThreadHub, url: str) -> None:
    with ZMQJSONProxyClient(None, "bank", url, hub=hub, eager=False).batch() as batch:
        written = batch.write(1)
        batch.write(2)
    written.result()


def _dealer(hub: ThreadHub, url: str) -> Any:
    with Dealer({"BANKA": url}) as d:
        return d.write(1)


WAITS: dict[str, Waits] = {
    "a call": lambda hub, url: hub.call(url, "bank", "write", [1], timeout=60),
    "an operation": lambda hub, url: hub.call(url, "bank", "set_mode", ["MODE1"], timeout=60),
    "many calls": lambda hub, url: hub.call_many(
        [CallRequest(url, "bank", "write", (n,)) for n in range(3)], 60
    ),
    "a fan-out": lambda hub, url: hub.call_each([url], "bank", "write", [1], timeout=60),
    "a batch": _batch,
    "a batch of a proxy": _proxy_batch,
    "a future": lambda hub, url: hub.begin(url, "bank", "write", [1], timeout=60).result(),
    "a verb of a Dealer": _dealer,
}


@pytest.fixture
def held(served: tuple[str, Bank]) -> Iterator[tuple[str, Bank]]:
    """A served Bank whose command queue is occupied until `go_on`."""
    url, bank = served
    with ThreadHub() as other:
        assert other.call(url, "bank", "add", [2, 3]) == 5
        holding = other.begin(url, "bank", "hold")
        assert bank.begun.wait(20)
        bank.begun.clear()
        yield url, bank
        bank.go_on.set()
        assert holding.result() == "held"


@pytest.fixture(params=["connected", "not connected yet"])
def hub(request: pytest.FixtureRequest, held: tuple[str, Bank]) -> Iterator[ThreadHub]:
    with ThreadHub() as hub:
        if request.param == "connected":
            assert hub.call(held[0], "bank", "add", [2, 3]) == 5
        yield hub


def ctrl_c(
    when: Callable[[], object], waits: Callable[[], object], *, at_any_moment: bool = False
) -> None:
    """Wait for something, and press Ctrl-C when it waits and a function that is called in another
    thread is true."""
    here, before = threading.get_ident(), signal.signal(signal.SIGINT, signal.default_int_handler)

    def press() -> None:
        if at_any_moment:
            when()
        else:
            eventually(lambda: when() and receives(here))
        signal.pthread_kill(here, signal.SIGINT)

    thread = threading.Thread(target=press)
    try:
        with pytest.raises(KeyboardInterrupt):
            thread.start()
            waits()
    finally:
        thread.join()
        signal.signal(signal.SIGINT, before)


def receives(thread: int) -> bool:
    """Tell whether a thread is where answers are waited for."""
    frame = sys._current_frames().get(thread)
    while frame is not None and frame.f_code.co_name not in (
        "next_message",
        "_follow",
        "_wait_bridged",
    ):
        frame = frame.f_back
    return frame is not None


def assert_nothing_comes_of_it(url: str, bank: Bank) -> None:
    """Free the command queue, and see what its queue had left."""
    eventually(lambda: not bank.waiting())
    bank.go_on.set()
    with ThreadHub() as other:
        assert other.call(url, "bank", "sleep", [0]) == "slept"  # behind all that was queued
        assert not other.call(url, "rpc", "operations", [True])
    assert bank.written == []
    assert not bank.begun.is_set()


@pytest.mark.parametrize("waits", WAITS.values(), ids=WAITS.keys())
def test_ctrl_c_withdraws_what_is_queued(
    hub: ThreadHub, held: tuple[str, Bank], waits: Waits
) -> None:
    url, bank = held
    ctrl_c(bank.waiting, lambda: waits(hub, url))
    assert hub.call(url, "bank", "add", [2, 3], timeout=20) == 5
    assert not hub.peer(url).numbered
    assert_nothing_comes_of_it(url, bank)


@pytest.mark.parametrize(
    "kind", ["a call", "an operation", "many calls", "a fan-out", "a batch", "a future"]
)
def test_ctrl_c_at_any_moment_leaves_nothing_behind(held: tuple[str, Bank], kind: str) -> None:
    url, bank = held
    chance = random.Random(0)
    for _ in range(6):
        with ThreadHub() as hub:  # the first of its calls connects
            for _ in range(4):
                later = partial(threading.Event().wait, chance.uniform(0.0, 0.004))
                ctrl_c(later, partial(WAITS[kind], hub, url), at_any_moment=True)
                assert hub.call(url, "bank", "add", [2, 3], timeout=20) == 5
            assert (
                kind == "a future" or not hub.peer(url).numbered
            )  # one may be there before it is waited for
    assert_nothing_comes_of_it(url, bank)


def test_a_caller_that_follows_another_thread_withdraws_too(held: tuple[str, Bank]) -> None:
    url, bank = held
    with ThreadHub() as hub:
        answers: list[Any] = []
        leader = threading.Thread(
            target=lambda: answers.append(hub.call(url, "bank", "sleep", [0], timeout=60))
        )
        leader.start()
        eventually(bank.waiting)
        ctrl_c(lambda: bank.waiting() == 2, lambda: hub.call(url, "bank", "write", [1], timeout=60))
        eventually(lambda: bank.waiting() == 1)
        bank.go_on.set()
        leader.join()
        assert answers == ["slept"]
    assert_nothing_comes_of_it(url, bank)


def test_what_runs_goes_on_after_ctrl_c(served: tuple[str, Bank]) -> None:
    url, bank = served
    with ThreadHub() as hub:
        ctrl_c(bank.begun.is_set, lambda: hub.call(url, "bank", "set_mode", ["MODE1"], timeout=60))
        (operation,) = hub.call(url, "rpc", "operations", [True])
        assert operation["state"] == "running"
        assert hub.call(url, "bank", "stop") == "stopped"

        bank.begun.clear()
        ctrl_c(bank.begun.is_set, lambda: hub.call(url, "bank", "hold", timeout=60))
        queued = hub.begin(url, "bank", "write", [1])
        bank.go_on.set()
        assert queued.result() is None


def test_a_future_and_a_batch_that_were_interrupted_say_so(held: tuple[str, Bank]) -> None:
    url, bank = held
    with ZMQJSONProxyClient(None, "bank", url, 60.0) as proxy:
        future = proxy.call_later("write", 1)
        ctrl_c(bank.waiting, future.result)
        with pytest.raises(
            CallCancelledError, match=r"bank\.write: the wait for it was interrupted"
        ):
            future.result()
        eventually(lambda: not bank.waiting())
        batch = proxy.batch()
        written: list[Any] = []

        def send() -> None:
            with batch:
                written.append(batch.write(1))

        ctrl_c(bank.waiting, send)
        with pytest.raises(CallCancelledError, match="interrupted"):
            written[0].result()
    assert_nothing_comes_of_it(url, bank)


@pytest.mark.parametrize("count", [1, 3])
def test_operations_whose_begin_was_interrupted_are_withdrawn_though_they_were_accepted(
    held: tuple[str, Bank], monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    url, bank = held
    with ThreadHub() as hub:
        assert hub.call(url, "bank", "add", [2, 3]) == 5
        connections = hub._connections
        receive, received = connections.next_message, []

        def received_and_interrupted(*flags: int) -> Any:
            received.append(message := receive(*flags))
            if len(received) == count:
                raise KeyboardInterrupt
            return message

        monkeypatch.setattr(connections, "next_message", received_and_interrupted)
        with pytest.raises(KeyboardInterrupt):
            hub.begin_each([url] * count, "bank", "set_mode", ["MODE1"], {}, 60.0, "somebody")
        assert hub.call(url, "bank", "add", [2, 3]) == 5
    assert_nothing_comes_of_it(url, bank)


def test_an_operation_that_was_begun_waits_on_when_its_wait_is_left(held: tuple[str, Bank]) -> None:
    url, bank = held
    with ZMQJSONProxyClient(None, "bank", url, 60.0) as proxy:
        operation = proxy.begin("count", 3)
        ctrl_c(lambda: eventually(bank.waiting), operation.result, at_any_moment=True)
        bank.go_on.set()
        assert operation.result(20) == 3


def test_what_ran_out_of_time_is_withdrawn_at_once(
    make_proxy: Callable[..., Any], held: tuple[str, Bank]
) -> None:
    url, bank = held
    proxy = make_proxy(url)
    with pytest.raises(CallTimeoutError):
        proxy.set_mode("MODE1", _timeout=0.3)
    eventually(
        lambda: not bank.waiting()
    )  # before the command queue is free, and the server itself looks at the time
    with pytest.raises(CallTimeoutError):
        proxy.write(1, _timeout=0.3)
    assert proxy.add(2, 3) == 5
    assert_nothing_comes_of_it(url, bank)


def test_an_operation_that_runs_outlives_the_time_of_its_caller(
    make_proxy: Callable[..., Any], served: tuple[str, Bank]
) -> None:
    proxy = make_proxy(served[0])
    with pytest.raises(CallTimeoutError):
        proxy.set_mode("MODE1", _timeout=0.3)
    assert proxy.add(2, 3) == 5
    assert [o.state for o in proxy.operations(True)] == ["running"]
    assert proxy.stop() == "stopped"


def test_tasks_that_are_cancelled_withdraw_batches_and_fan_outs(held: tuple[str, Bank]) -> None:
    url, bank = held

    async def batch(proxy: Any) -> None:
        async with proxy.batch() as calls:
            calls.write(1)
            calls.set_mode("MODE1")

    async def run() -> None:
        async with AsyncProxyClient(None, "bank", url) as proxy, AsyncDealer({"BANKA": url}) as d:
            for what in (batch(proxy), d.write(1), proxy.write(1)):
                task = asyncio.create_task(what)
                await asyncio.to_thread(eventually, bank.waiting)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                await asyncio.to_thread(eventually, lambda: not bank.waiting())

    asyncio.run(run())
    assert_nothing_comes_of_it(url, bank)


def test_a_task_that_is_cancelled_withdraws_an_operation_that_was_accepted_already(
    held: tuple[str, Bank],
) -> None:
    url, bank = held

    async def run() -> None:
        async with AsyncHub() as hub:
            assert await hub.call(url, "bank", "add", [2, 3]) == 5
            await asyncio.sleep(0.002)  # so that the next call gives others a turn
            begins = hub.begin_each([url], "bank", "set_mode", ["MODE1"], {}, 60.0, "somebody")
            task = asyncio.create_task(begins)
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await hub.call(url, "bank", "add", [2, 3]) == 5

    asyncio.run(run())
    assert_nothing_comes_of_it(url, bank)


def test_closing_withdraws_what_is_queued_and_ends_its_waits(
    make_proxy: Callable[..., Any], held: tuple[str, Bank]
) -> None:
    url, bank = held
    proxy = make_proxy(url)
    assert proxy.add(2, 3) == 5
    future = proxy.call_later("write", 1)
    eventually(bank.waiting)
    proxy.close()
    eventually(lambda: not bank.waiting())
    with pytest.raises(PeerLostError, match="closed"):
        future.result()
    assert_nothing_comes_of_it(url, bank)


SCRIPTS = {
    "with a context": "with Dealer({'BANKA': URL}) as d: d.write(1)",
    "without": "Dealer({'BANKA': URL}).write(1)",
    "a future": "d = Dealer({'BANKA': URL}); f = d['BANKA'].write.later(1); d['BANKA'].write(2); f.result()",
    "asyncio": "asyncio.run(AsyncDealer({'BANKA': URL}).write(1))",
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_a_script_that_ends_by_ctrl_c_leaves_nothing_queued(
    held: tuple[str, Bank], script: str
) -> None:
    url, bank = held
    program = f"import asyncio; from dealer import AsyncDealer, Dealer; URL = {url!r}\n{script}"
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) as process:
        eventually(lambda: bank.waiting() == script.count("write"))
        process.send_signal(signal.SIGINT)
        assert b"KeyboardInterrupt" in process.communicate(timeout=600)[1]
    assert_nothing_comes_of_it(url, bank)


def test_a_server_of_the_original_is_told_nothing_and_answers_the_next_call() -> None:
    with OriginalPlayer(mode="MODE1") as old, ThreadHub() as hub:
        assert hub.call(old.url, "bank", "get_mode") == "MODE1"
        old.suspend()
        peer = hub.peer(old.url)
        ctrl_c(lambda: peer.current, lambda: hub.call(old.url, "bank", "list_modes", timeout=60))
        old.resume()
        assert hub.call(old.url, "bank", "get_mode", timeout=60) == "MODE1"


def test_a_queue_lives_on_when_its_calls_are_withdrawn_from_under_it() -> None:
    with serving() as (url, bank), ThreadHub() as hub, ThreadHub() as other:
        chance = random.Random(1)
        for n in range(200):
            future = other.begin(url, "bank", "write", [n])
            if chance.random() < 0.5:
                future.cancel()
        assert hub.call(url, "bank", "sleep", [0]) == "slept"
        assert hub.call(url, "bank", "write", ["last"]) is None
        assert bank.written[-1] == "last"

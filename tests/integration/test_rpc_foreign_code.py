"""Anybody's code in the middle of a call: it fails its own caller, at once, and nobody who shares
the connection."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from support.dealers import eventually
from support.rpc_bank import Bank

from zmqjsonproxy import AsyncHub, PeerLostError, ProtocolError, ThreadHub
from zmqjsonproxy.rpc.hub import CallRequest


class Value:
    """A value that raises where it is encoded, in whichever thread that is."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.threads: set[int] = set()

    def tolist(self) -> Any:
        self.threads.add(threading.get_ident())
        raise self.error


def _call(hub: ThreadHub, url: str, value: Any) -> Any:
    return hub.call(url, "bank", "echo", [value], timeout=20)


def _each(hub: ThreadHub, url: str, value: Any) -> Any:
    (result,) = hub.call_each([url], "bank", "echo", [value], timeout=20)
    raise result.error or AssertionError


def _many(hub: ThreadHub, url: str, value: Any) -> Any:
    other, result = hub.call_many(
        [CallRequest(url, "bank", "add", (2, 3)), CallRequest(url, "bank", "echo", (value,))]
    )
    assert other.value == 5 or isinstance(other.error, PeerLostError)
    raise result.error or AssertionError


def _batch(hub: ThreadHub, url: str, value: Any) -> Any:
    result, _ = hub.call_batch(
        url, "bank", [("echo", [value], {}), ("add", [2, 3], {})], timeout=20
    )
    raise result.error or AssertionError


WAYS: dict[str, Callable[[ThreadHub, str, Any], Any]] = {
    "a call": _call,
    "a named argument": lambda hub, url, value: hub.call(
        url, "bank", "echo", kwargs={"value": value}, timeout=20
    ),
    "a fan-out": _each,
    "many calls": _many,
    "a batch": _batch,
    "a future": lambda hub, url, value: hub.begin(
        url, "bank", "echo", [value], timeout=20
    ).result(),
}


@pytest.fixture
def hub(served: tuple[str, Bank]) -> Iterator[ThreadHub]:
    with ThreadHub() as hub:
        yield hub


class Innocent:
    """A thread that leads the socket: it waits for an answer that comes when the Bank is told to go
    on."""

    def __init__(self, hub: ThreadHub, served: tuple[str, Bank], method: str = "hold") -> None:
        self.answers: list[Any] = []
        self._bank = served[1]
        call = lambda: self.answers.append(hub.call(served[0], "bank", method, timeout=60))  # noqa: E731
        self._thread = threading.Thread(target=call)
        self._thread.start()
        assert self._bank.begun.wait(20)
        eventually(lambda: not hub._lead.take() or hub._lead.release())

    def is_answered(self) -> bool:
        self._bank.go_on.set()
        self._thread.join(20)
        return self.answers == ["held"]


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_value_that_cannot_be_encoded_fails_its_own_caller_alone(
    hub: ThreadHub, served: tuple[str, Bank], way: Callable[[ThreadHub, str, Any], Any]
) -> None:
    innocent = Innocent(hub, served)
    value, here = Value(NotImplementedError("no list of this")), threading.get_ident()
    with pytest.raises(
        ProtocolError, match="cannot travel as JSON: NotImplementedError: no list of this"
    ):
        way(hub, served[0], value)
    assert value.threads == {here}
    with pytest.raises(ProtocolError, match=r"x\.filled"):
        way(hub, served[0], np.ma.masked_array([1.0, 2.0], mask=[0, 1]))
    with suppress(SystemExit), pytest.raises(ProtocolError):  # a caller's own end is its own
        way(hub, served[0], Value(SystemExit("in a value")))
    assert hub.call(served[0], "bank", "add", [2, 3], timeout=20) == 5
    assert innocent.is_answered()
    with pytest.raises(ProtocolError, match="no list of this"):  # where nobody else leads
        way(hub, served[0], value)
    assert hub.call(served[0], "bank", "add", [2, 3], timeout=20) == 5


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_so_does_one_that_is_given_before_the_server_is_known(
    hub: ThreadHub, served: tuple[str, Bank], way: Callable[[ThreadHub, str, Any], Any]
) -> None:
    value = Value(NotImplementedError("no list of this"))
    with pytest.raises(ProtocolError, match="no list of this"):
        way(hub, served[0], value)
    assert value.threads == {threading.get_ident()}


@pytest.mark.parametrize(
    "error", [RuntimeError("no such table"), KeyError("x"), SystemExit("from a locator")]
)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_locator_that_fails_fails_those_who_need_it(
    served: tuple[str, Bank], way: Callable[[ThreadHub, str, Any], Any], error: BaseException
) -> None:
    threads: set[int] = set()

    def locate(url: str, within: float) -> str:
        threads.add(threading.get_ident())
        raise error

    with ThreadHub(resolvers={"name": locate}) as hub:
        assert hub.call(served[0], "bank", "add", [2, 3]) == 5
        innocent = Innocent(hub, served)
        with pytest.raises(
            (PeerLostError, SystemExit), match=r"from a locator|address could not be found out"
        ):
            way(hub, "name://somebody", 1)
        assert threads == {threading.get_ident()}
        assert hub.call(served[0], "bank", "add", [2, 3], timeout=20) == 5
        assert innocent.is_answered()


def test_a_locator_of_asyncio_that_fails_ends_the_calls_that_wait_for_it(
    served: tuple[str, Bank],
) -> None:
    async def locate(url: str, within: float) -> str:
        raise RuntimeError("no such table")

    async def run() -> None:
        async with AsyncHub(resolvers={"name": locate}) as hub:
            with pytest.raises(PeerLostError, match="RuntimeError: no such table"):
                await hub.call("name://somebody", "bank", "add", (2, 3), timeout=20)
            with pytest.raises(ProtocolError, match="no list of this"):
                await hub.call(
                    served[0], "bank", "echo", (Value(NotImplementedError("no list of this")),)
                )
            assert await hub.call(served[0], "bank", "add", (2, 3)) == 5

    asyncio.run(run())


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_a_callback_that_raises_is_logged_and_its_thread_gets_its_answer(
    hub: ThreadHub,
    served: tuple[str, Bank],
    error: type[BaseException],
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert hub.call(served[0], "bank", "add", [2, 3]) == 5
    innocent = Innocent(hub, served)

    def raises(_future: object) -> None:
        raise error

    future = hub.begin(served[0], "bank", "sleep", [0])
    future.add_done_callback(raises)
    assert innocent.is_answered()
    other: list[Any] = []
    thread = threading.Thread(
        target=lambda: other.append(hub.call(served[0], "bank", "sleep", [0], timeout=20))
    )
    thread.start()
    thread.join(20)
    assert other == ["slept"]
    assert future.result(20) == "slept"
    assert "bank.sleep: a callback raised" in caplog.text

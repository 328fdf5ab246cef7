"""Hubs of a plan: in place of those that a Dealer calls Players with, they ask models, and wait in
virtual time."""

from __future__ import annotations

import _thread
import asyncio
import contextlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, Self

from dealer.rehearsal import Answered, ModelPlayer
from dealer.virtualtime import VirtualClock
from zmqjsonproxy import CallRequest, CallResult, InterfaceDescription
from zmqjsonproxy.errors import PeerLostError
from zmqjsonproxy.hubs import blocking

__all__ = ["AsyncModelHub", "ModelHub"]

CALL_S = 0.001
"""Least time of a call, s: a script that asks without pause until something is over comes to
its end."""

_one_at_a_time = _thread.RLock()  # models are used by one thread; of no plan's time
os.register_at_fork(after_in_child=lambda: globals().update(_one_at_a_time=_thread.RLock()))


KNOWN = SimpleNamespace(generation=1, native=True, is_ours=True)
"""Of each server, that it is there."""


class _Hub(ABC):
    """The part that both hubs of a plan have.

    Args:
        players: URL -> Player.
        clock: Virtual.
        keep: Is told of each question to Banks, with what came of it.
    """

    def __init__(
        self,
        players: Mapping[str, ModelPlayer],
        clock: VirtualClock,
        keep: Callable[[list[Answered]], None],
    ) -> None:
        self._players, self._clock, self._keep = players, clock, keep
        self._credentials: dict[str, str] = {}

    def peer(self, _url: str) -> SimpleNamespace:
        """See ThreadHub."""
        return KNOWN

    def is_native(self, _url: str) -> bool:
        """See Hub."""
        return True

    def set_control(self, url: str, credential: str) -> None:
        """See Hub."""
        self._credentials[url] = credential

    @abstractmethod
    async def _wait(self, seconds: float) -> None:
        """Let virtual time pass."""

    def longer(self, seconds: float) -> float:
        """Return how long to pause instead of `seconds`: as many times as long as nothing changes at any
        Bank."""
        left = self.until_change() or 0.0
        return seconds * max(1.0, -(-left // seconds)) if seconds > 0 else seconds

    def until_change(self) -> float | None:
        """Return the time until something changes at a Bank by itself, s; None: nothing will."""
        now = self._clock.time()
        times = [
            when
            for player in self._players.values()
            for when in (player.model.next_change(), player.next_end())
        ]
        return min((when - now for when in times if when is not None), default=None)

    def catch_up(self) -> None:
        """Let the models do what became due."""
        with _one_at_a_time:
            for player in self._players.values():
                player.model.catch_up()

    async def _asked(self, requests: Iterable[CallRequest], timeout: float) -> list[CallResult]:
        """Ask; the clock moves by what the slowest needs."""
        results = self._kept(lambda: [self._answered(each, timeout) for each in requests])
        await self._wait(max((result.delay_s for result in results), default=0.0) + CALL_S)
        return results

    def _answered(self, request: CallRequest, timeout: float) -> Answered:
        url, name, method = request.url, request.object_name, request.method
        call = name, method, request.args, request.kwargs, timeout
        try:
            return self._players[url].call(*call, self._credentials.get(url, ""))
        except KeyError:
            lost = CallResult(error=_nobody_at(url, f"{name}.{method}"))
            return Answered(url, name, method, request.args, request.kwargs, "", lost, "", [])

    def _kept(self, ask: Callable[[], list[Answered]]) -> list[CallResult]:
        with _one_at_a_time:
            self._keep(found := ask())
        if any(each.kind != "query" and each.result.error is None for each in found):
            self._clock.tell_change()
        return [each.result for each in found]

    def _described(self, url: str, object_name: str) -> CallResult:
        try:
            return CallResult(self._players[url].describe(object_name))
        except KeyError:
            return CallResult(error=_nobody_at(url, object_name))


def _nobody_at(url: str, label: str) -> PeerLostError:
    return PeerLostError(url, label, "the configuration of this plan has no Player there")


def _to_each(
    urls: Iterable[str], name: str, method: str, args: Any, kwargs: Any
) -> list[CallRequest]:
    return [CallRequest(url, name, method, args, kwargs or {}) for url in urls]


def _value(result: CallResult) -> Any:
    if result.error is not None:
        raise result.error
    return result.value


class AsyncModelHub(_Hub):
    """In place of `zmqjsonproxy.AsyncHub`: who waits for an answer lets the other tasks
    go on."""

    async def _wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def pause(self, seconds: float) -> None:
        """Wait between two looks at the Banks; longer, as long as nothing changes at any of
        them."""
        loop = asyncio.get_running_loop()
        begun, told = self._clock.elapsed, asyncio.Event()
        with self._clock.listening(lambda: loop.call_soon_threadsafe(told.set)):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), self.longer(seconds))
        if told.is_set():
            await asyncio.sleep(self._clock.until_look(begun, seconds))

    async def call_many(
        self, requests: Sequence[CallRequest], timeout: float = 60.0
    ) -> list[CallResult]:
        """See AsyncHub."""
        return await self._asked(requests, timeout)

    async def call_each(
        self,
        urls: Iterable[str],
        object_name: str,
        method: str,
        args: Any = (),
        kwargs: Any = None,
        timeout: float = 60.0,
    ) -> list[CallResult]:
        """See AsyncHub."""
        return await self._asked(_to_each(urls, object_name, method, args, kwargs), timeout)

    async def call(
        self,
        url: str,
        object_name: str,
        method: str,
        args: Any = (),
        kwargs: Any = None,
        timeout: float = 60.0,
    ) -> Any:
        """See AsyncHub."""
        requests = _to_each([url], object_name, method, args, kwargs)
        return _value((await self._asked(requests, timeout))[0])

    async def call_batch(
        self, url: str, object_name: str, calls: Any, timeout: float = 60.0
    ) -> list[CallResult]:
        """See AsyncHub."""
        return await self._asked([CallRequest(url, object_name, *call) for call in calls], timeout)

    async def begin_each(
        self,
        urls: Iterable[str],
        object_name: str,
        method: str,
        args: Any,
        kwargs: Any,
        timeout: float,
        by: str,
    ) -> list[CallResult]:
        """See AsyncHub."""
        players, call, known = self._players, (object_name, method, args, kwargs), self._credentials
        return self._kept(lambda: [players[url].begin(*call, known.get(url, "")) for url in urls])

    def begin(
        self,
        url: str,
        object_name: str,
        method: str,
        args: Any = (),
        kwargs: Any = None,
        timeout: float = 60.0,
    ) -> asyncio.Future[Any]:
        """See AsyncHub."""
        return asyncio.ensure_future(self.call(url, object_name, method, args, kwargs, timeout))

    async def describe(
        self, url: str, object_name: str, timeout: float = 1.0
    ) -> InterfaceDescription:
        """See AsyncHub."""
        found: InterfaceDescription = _value(self._described(url, object_name))
        return found

    async def describe_many(
        self, urls: Sequence[str], object_name: str, timeout: float = 1.0
    ) -> list[CallResult]:
        """See AsyncHub."""
        return [self._described(url, object_name) for url in urls]

    def spawn(self, work: Coroutine[object, None, None]) -> asyncio.Task[None]:
        """See AsyncHub."""
        return asyncio.get_running_loop().create_task(work, name="operations")

    async def close(self) -> None:
        """See AsyncHub."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """See AsyncHub."""


class ModelHub(_Hub):
    """In place of `zmqjsonproxy.ThreadHub`, with the methods that a Dealer uses."""

    async def _wait(self, seconds: float) -> None:
        self._clock.sleep(seconds)

    def pause(self, seconds: float) -> None:
        """Wait between two looks at the Banks; longer, as long as nothing changes at any of
        them."""
        self._clock.pause(seconds, self.longer(seconds))

    call = blocking(AsyncModelHub.call)
    call_many = blocking(AsyncModelHub.call_many)
    call_each = blocking(AsyncModelHub.call_each)
    call_batch = blocking(AsyncModelHub.call_batch)
    begin_each = blocking(AsyncModelHub.begin_each)
    describe = blocking(AsyncModelHub.describe)
    describe_many = blocking(AsyncModelHub.describe_many)
    close = blocking(AsyncModelHub.close)

    def begin(
        self,
        url: str,
        object_name: str,
        method: str,
        args: Any = (),
        kwargs: Any = None,
        timeout: float = 60.0,
    ) -> Future[Any]:
        """See ThreadHub; it has ended."""
        (result,) = self.call_each([url], object_name, method, args, kwargs, timeout)
        future: Future[Any] = Future()
        if result.error is None:
            future.set_result(result.value)
        else:
            future.set_exception(result.error)
        return future

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        """See ThreadHub."""

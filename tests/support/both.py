"""Both kinds of client under one suite: those for asyncio, as if their callers waited."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from dealer import AsyncOperations
from dealer.selection import RemoteVerbs
from zmqjsonproxy import AsyncOperation
from zmqjsonproxy.proxy import RemoteMethods


class Waiting:
    """An object of coroutines, as one of methods that wait."""

    def __init__(self, runner: asyncio.Runner, what: Any) -> None:
        self._runner, self._what = runner, what

    def __getattr__(self, name: str) -> Any:
        return self._waiting(getattr(self._what, name))

    def __getitem__(self, key: Any) -> Any:
        return self._waiting(self._what[key])

    def __iter__(self) -> Iterator[Any]:
        return iter(self._what)

    def __enter__(self) -> Any:
        return self._waiting(self._runner.run(self._what.__aenter__()))

    def __exit__(self, *exc: Any) -> Any:
        return self._runner.run(self._what.__aexit__(*exc))

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        async def within_the_loop() -> Any:
            value = self._what(*args, **kwargs)
            return await value if asyncio.iscoroutine(value) else value

        return self._waiting(self._runner.run(within_the_loop()))

    def _waiting(self, found: Any) -> Any:
        if asyncio.isfuture(found):
            return WaitingFuture(self._runner, found)
        if type(found) is list:
            return [self._waiting(each) for each in found]
        have = AsyncOperation | AsyncOperations | RemoteMethods | RemoteVerbs
        awaits = callable(found) or hasattr(found, "__aenter__") or isinstance(found, have)
        return Waiting(self._runner, found) if awaits else found


class WaitingFuture:
    """A future of asyncio whose `result` and `exception` wait, as those of the blocking client."""

    def __init__(self, runner: asyncio.Runner, future: asyncio.Future[Any]) -> None:
        self._runner, self._future = runner, future

    def __getattr__(self, name: str) -> Any:
        return getattr(self._future, name)

    def _wait(self) -> None:
        async def within_the_loop() -> None:
            await asyncio.wait([self._future])

        self._runner.run(within_the_loop())

    def exception(self) -> BaseException | None:
        """Wait for the end, and return the error."""
        self._wait()
        return self._future.exception()

    def result(self) -> Any:
        """Wait for the value."""
        self._wait()
        return self._future.result()

    def cancel(self) -> bool:
        """Cancel, and let the loop act on it."""

        async def within_the_loop() -> bool:
            cancelled = self._future.cancel()
            await asyncio.sleep(0)
            return cancelled

        return self._runner.run(within_the_loop())

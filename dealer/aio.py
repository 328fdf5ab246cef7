"""The Dealer for programs that use asyncio: the same verbs, each awaited, over one socket in the
running loop."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from dealer.bank import PART_TIMEOUT, Parts
from dealer.configuredplayers import ConfiguredPlayers
from dealer.fetching import FetchVerbs
from dealer.operations import AsyncOperations
from dealer.services import AsyncServices
from dealer.taskrenewal import TaskRenewal
from dealer.verbs import Verbs
from groundwork.values import RemoteValue
from zmqjsonproxy import AsyncHub, AsyncOperation, AsyncProxyClient
from zmqjsonproxy.hubs import Hub

if TYPE_CHECKING:
    from zmqjsonproxy.subscriptions import Subscriptions

__all__ = ["AsyncBankProxy", "AsyncDealer"]


class AsyncBankProxy(FetchVerbs, Parts[AsyncProxyClient], AsyncProxyClient):
    """The Bank of one Player: `await proxy.set_mode("MODE1")`, `await
    proxy.valon.get_frequency(0)`.

    Arguments as those of BankProxy.
    """

    def __init__(
        self, name: str, url: str, hub: AsyncHub, time_out: float, subscriptions: Subscriptions
    ) -> None:
        shared: dict[str, Any] = {"hub": hub, "subscriptions": subscriptions, "source": name}
        super().__init__(None, "bank", url, time_out, **shared)
        self._name, self._parts = name, {}
        self._make_part = lambda part: AsyncProxyClient(None, part, url, PART_TIMEOUT, **shared)


class AsyncDealer(
    Verbs[AsyncBankProxy, AsyncOperation, AsyncOperations], ConfiguredPlayers[AsyncBankProxy]
):
    """Runs Players as one, for the tasks of one event loop. Every verb of a Dealer, as a coroutine.

        async with AsyncDealer() as d:
            await d.set_mode("MODE1")
            await d.players["BANKA"].set_param(exposure=0.5)

    A cancelled verb leaves everything usable: what it waits for is given up, the Players are told,
    and a `start` takes back what it has armed before the cancellation goes on. Any other method
    that all active Banks export is a verb too; whether they do is looked at when it is awaited.

    Arguments and errors as those of Dealer; a port manager that is named for all that it knows is
    asked here, for at most 2 s.
    """

    _renewal = TaskRenewal

    def _connect(self, urls: Mapping[str, str], config: str | os.PathLike[str] | None) -> Hub:
        hub = self._hub = self._make_hub(urls, config)
        self._operation, self._operations = partial(AsyncOperation, hub), AsyncOperations
        return hub

    def _proxy(
        self, bank: str, url: str, timeout: float, subscriptions: Subscriptions
    ) -> AsyncBankProxy:
        return AsyncBankProxy(bank, url, self._hub, timeout, subscriptions)

    def _make_hub(self, urls: Mapping[str, str], config: str | os.PathLike[str] | None) -> AsyncHub:
        return AsyncHub(resolvers=AsyncServices(self._keys).resolvers, keys=self._keys)

    async def close(self) -> None:
        """Close the connections, and give control back that is held; else Players are not touched."""
        await self._controls.let_go()
        self._calls.is_closed = True
        self._subscriptions.close()
        await self._hub.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    def _remote_verb(
        self, name: str
    ) -> Callable[..., Coroutine[object, None, dict[str, RemoteValue]]]:
        if name.startswith("_"):
            raise AttributeError(name)

        async def verb(*args: RemoteValue, **kwargs: RemoteValue) -> dict[str, RemoteValue]:
            await self._exported(name)
            return await self._remote_values(name, *args, **kwargs)

        verb.__name__ = verb.__qualname__ = name
        return verb

"""The Dealer for programs that use asyncio: the same verbs, each awaited, over one socket in the
running loop."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from dealer.bank import PART_TIMEOUT, Parts
from dealer.fetching import FetchVerbs
from dealer.operations import AsyncOperations
from dealer.players import find_players
from dealer.selection import DEFAULT_TIMEOUT, default_deadline
from dealer.services import AsyncServices, Services
from dealer.taskrenewal import TaskRenewal
from dealer.verbs import Verbs
from groundwork.values import RemoteValue
from zmqjsonproxy import AsyncHub, AsyncOperation, AsyncProxyClient
from zmqjsonproxy.keys import KeyRing
from zmqjsonproxy.subscriptions import Subscriptions

if TYPE_CHECKING:
    from zmqjsonproxy.channels import LinkSettings
    from zmqjsonproxy.rights import ClientKeys

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


class AsyncDealer(Verbs[AsyncBankProxy, AsyncOperation, AsyncOperations]):
    """Runs Players as one, for the tasks of one event loop. Every verb of a Dealer, as a coroutine.

        async with AsyncDealer() as d:
            await d.set_mode("MODE1")
            await d.players["BANKA"].set_param(exposure=0.5)

    A cancelled verb leaves everything usable: what it waits for is given up, the Players are told,
    and a `start` takes back what it has armed before the cancellation goes on. Any other method
    that all active Banks export is a verb too; whether they do is looked at when it is awaited.

    Args:
        players: Bank -> URL, `tcp://HOST:PORT`, or `service:NAME[@HOST]` for one that a port
            manager knows; or, for all that one knows, `"portmanager://HOST"`, which is asked here,
            for at most 2 s; None: from the configuration file.
        config: TOML file; None: `$DIBAS_CONFIG` or `$DIBAS_DIR/etc/config/dibas.toml`.
        timeout: Default deadline of a call, s; 0 or None: 180 s.
        clocks_refuse_s: A start is refused if the clocks of Dealer and Players are further apart,
            s.
        watch: How Players are watched that something is subscribed to; None: the default.
        keys: Of this client; None: those of the user, `$DIBAS_KEYS` or
            `~/.config/dealer-player/keys`, if there are any.

    Raises:
        ConfigurationError: Players could not be found out. Absent Players are no error here.
        KeyFileError: The user's keys cannot be used.
        ValueError: `timeout` is negative, or no number.
    """

    def __init__(
        self,
        players: Mapping[str, str] | str | None = None,
        *,
        config: str | os.PathLike[str] | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
        clocks_refuse_s: float = 1.0,
        watch: LinkSettings | None = None,
        keys: ClientKeys | None = None,
    ) -> None:
        self._keys = KeyRing.load() if keys is None else keys
        within, urls = default_deadline(timeout), find_players(players, config)
        hub = self._hub = self._make_hub(urls, config)
        shared = Subscriptions(Services(self._keys).resolvers, watch, self._keys)
        proxies = {
            bank: AsyncBankProxy(bank, url, hub, within, shared) for bank, url in urls.items()
        }
        super().__init__(urls, proxies, hub, within, clocks_refuse_s, shared)
        self._operation, self._operations = partial(AsyncOperation, hub), AsyncOperations
        self._controls.renewal = TaskRenewal()

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

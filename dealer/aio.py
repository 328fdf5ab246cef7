"""The Dealer for programs that use asyncio: the same verbs, each awaited, over one socket in the
running loop."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from dealer import operations, scans, verbs
from dealer.aiooperations import AsyncOperations
from dealer.bank import AsyncBankProxy
from dealer.operations import made_into
from dealer.players import find_players
from dealer.roster import DEFAULT_TIMEOUT, Roster, default_deadline
from dealer.services import AsyncServices
from dealer.steps import show_as
from zmqjsonproxy import AsyncHub, AsyncOperation
from zmqjsonproxy.rpc.aiosteps import take_in_task
from zmqjsonproxy.rpc.steps import Steps

__all__ = ["AsyncDealer"]

P = ParamSpec("P")
T = TypeVar("T")


def _awaits(
    verb: Callable[Concatenate[Roster[Any], P], Steps[T]],
) -> Callable[Concatenate[AsyncDealer, P], Coroutine[Any, Any, T]]:
    """Make a coroutine method of a verb: its steps are awaited one after the other."""

    async def method(self: AsyncDealer, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._take(verb(self, *args, **kwargs))

    show_as(method, verb)
    return method


class AsyncDealer(Roster[AsyncBankProxy]):
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

    Raises:
        ConfigurationError: Players could not be found out. Absent Players are no error here.
        ValueError: `timeout` is negative, or no number.
    """

    _hub: AsyncHub

    def __init__(
        self,
        players: Mapping[str, str] | str | None = None,
        *,
        config: str | os.PathLike[str] | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
        clocks_refuse_s: float = 1.0,
    ) -> None:
        within = default_deadline(timeout)
        urls, hub = find_players(players, config), AsyncHub(locators=AsyncServices().locators)
        super().__init__(
            urls,
            lambda name, url: AsyncBankProxy(name, url, hub, within),
            hub,
            within,
            clocks_refuse_s,
        )
        self._operation = partial(AsyncOperation, hub)

    async def close(self) -> None:
        """Close the connections; Players are not touched."""
        self._closed = True
        await self._hub.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    async def _take(self, steps: Steps[T]) -> T:
        """Take the steps of a verb; a cancellation is raised within the verb, which may take back
        what it did."""
        return await take_in_task(self._hub, steps)

    # verbs

    outcomes = _awaits(verbs.outcomes)

    set_mode = _awaits(verbs.set_mode)
    get_mode = _awaits(verbs.get_mode)
    list_modes = _awaits(verbs.list_modes)
    set_param = _awaits(verbs.set_param)
    get_param = _awaits(verbs.get_param)
    help_param = _awaits(verbs.help_param)
    prepare = _awaits(verbs.prepare)

    earliest_start = _awaits(scans.earliest_start)
    start = _awaits(scans.start)
    stop = _awaits(verbs.stop)
    monitor = _awaits(verbs.monitor)
    scan_status = _awaits(verbs.scan_status)
    wait_for_scan = _awaits(scans.wait_for_scan)
    scan_reports = _awaits(scans.scan_reports)

    set_status = _awaits(verbs.set_status)
    get_status = _awaits(verbs.get_status)
    set_scan_number = _awaits(verbs.set_scan_number)
    increment_scan_number = _awaits(verbs.increment_scan_number)

    clear_switching_states = _awaits(verbs.clear_switching_states)
    add_switching_state = _awaits(verbs.add_switching_state)
    set_gbt_ss = _awaits(verbs.set_gbt_ss)

    begin = _awaits(made_into(AsyncOperations, operations.begin))
    operation = _awaits(made_into(AsyncOperations, operations.operation))
    operations = _awaits(operations.operations)

    def _remote_verb(self, name: str) -> Callable[..., Coroutine[Any, Any, dict[str, Any]]]:
        if name.startswith("_"):
            raise AttributeError(name)

        async def verb(*args: Any, **kwargs: Any) -> dict[str, Any]:
            await self._take(verbs.exported(self, name))
            return await self._take(verbs.values(self, name, *args, **kwargs))

        verb.__name__ = verb.__qualname__ = name
        return verb

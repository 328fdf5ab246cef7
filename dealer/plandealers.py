"""Dealers and proxies of a plan: the verbs are those of the real ones, the sockets are models."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeVar

import dealer
from dealer.aio import AsyncDealer
from dealer.bank import AsyncBankProxy, BankProxy
from dealer.dealer import Dealer
from dealer.errors import DealerError
from dealer.modelhub import AsyncModelHub, ModelHub
from dealer.plankeeper import Everywhere, Keeper
from dealer.players import find_players
from dealer.roster import DEFAULT_TIMEOUT, Roster, default_deadline
from zmqjsonproxy import AsyncHub, AsyncOperation, Hub, Operation
from zmqjsonproxy.rpc.aiosteps import take_in_task
from zmqjsonproxy.rpc.steps import Steps, take

__all__ = ["PlannedAsyncDealer", "PlannedDealer", "take_the_places"]

T = TypeVar("T")


class _Planned(Roster[Any]):
    """Part that all Dealers of a plan have: wrong names are noted, whatever the script makes of the
    error."""

    keeper: ClassVar[Keeper]

    def _ask_models(
        self,
        hub_of: Any,
        proxy: Any,
        operation: Any,
        players: Mapping[str, str] | str | None,
        config: str | os.PathLike[str] | None,
        timeout: float | None,
        clocks_refuse_s: float,
    ) -> None:
        """Make it a Roster of models: with the classes of its way to wait, and the arguments of
        Dealer."""
        within = default_deadline(timeout)
        urls = find_players(players, self.keeper.config if config is None else config)
        hub = hub_of(self.keeper.players(urls, config), self.keeper.clock, self.keeper.keep)
        Roster.__init__(
            self,
            urls,
            lambda name, url: proxy(name, url, hub, within),
            hub,
            within,
            clocks_refuse_s,
        )
        self._operation = lambda url, described: operation(hub, url, described)
        self._models = hub

    def _check_names(self, names: Iterable[str]) -> None:
        names = list(names)
        try:
            super()._check_names(names)
        except (DealerError, TypeError) as error:
            self.keeper.fail(f"add_active_player({', '.join(map(repr, names))})", error)
            raise

    def _note(self, steps: Any, error: BaseException) -> None:
        if isinstance(error, Exception):
            named = (
                getattr(error, "method", "")
                or getattr(error, "action", "")
                or steps.gi_code.co_name
            )
            self.keeper.fail(f"{named}()", error)


class PlannedDealer(_Planned, Dealer):
    """A Dealer whose Players are models; arguments as those of Dealer."""

    def __init__(
        self,
        players: Mapping[str, str] | str | None = None,
        *,
        config: str | os.PathLike[str] | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
        clocks_refuse_s: float = 1.0,
    ) -> None:
        self._ask_models(ModelHub, BankProxy, Operation, players, config, timeout, clocks_refuse_s)

    def _take(self, steps: Steps[T]) -> T:
        try:
            return take(self._models, steps, self._models.pause)
        except BaseException as error:
            self._note(steps, error)
            raise


class PlannedAsyncDealer(_Planned, AsyncDealer):
    """An AsyncDealer whose Players are models; arguments as those of AsyncDealer."""

    def __init__(
        self,
        players: Mapping[str, str] | str | None = None,
        *,
        config: str | os.PathLike[str] | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
        clocks_refuse_s: float = 1.0,
    ) -> None:
        self._ask_models(
            AsyncModelHub, AsyncBankProxy, AsyncOperation, players, config, timeout, clocks_refuse_s
        )

    async def _take(self, steps: Steps[T]) -> T:
        try:
            return await take_in_task(self._models, steps, self._models.pause)
        except BaseException as error:
            self._note(steps, error)
            raise


def take_the_places(keeper: Keeper) -> None:
    """From now on, let whoever imports a Dealer or makes a connection get those of the plan. There
    is no way back."""

    class PlannedHub(ModelHub):
        def __init__(self, *_args: Any, **_kwargs: Any) -> None:
            super().__init__(Everywhere(keeper), keeper.clock, keeper.keep)

    class PlannedAsyncHub(AsyncModelHub):
        def __init__(self, *_args: Any, **_kwargs: Any) -> None:
            super().__init__(Everywhere(keeper), keeper.clock, keeper.keep)

    waits = type("Dealer", (PlannedDealer,), {"keeper": keeper, "__doc__": Dealer.__doc__})
    awaits = type(
        "AsyncDealer", (PlannedAsyncDealer,), {"keeper": keeper, "__doc__": AsyncDealer.__doc__}
    )
    real: dict[Any, Any] = {
        Dealer: waits,
        AsyncDealer: awaits,
        Hub: PlannedHub,
        AsyncHub: PlannedAsyncHub,
    }
    vars(dealer)["AsyncDealer"] = awaits  # else it is found anew each time
    for module in list(sys.modules.values()):
        if module is sys.modules[__name__]:
            continue  # whose classes are made of the real ones
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if isinstance(value, type) and value in real:
                setattr(module, name, real[value])

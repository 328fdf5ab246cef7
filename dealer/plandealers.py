"""Dealers and proxies of a plan: the verbs are those of the real ones, the sockets are models."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any, ClassVar

import dealer
from dealer.aio import AsyncDealer
from dealer.control import Controls
from dealer.dealer import Dealer
from dealer.errors import DealerError
from dealer.modelhub import AsyncModelHub, ModelHub
from dealer.plankeeper import Everywhere, Keeper
from dealer.plansubscriptions import PlannedSubscriber, planned_fetch
from dealer.verbs import Verbs
from zmqjsonproxy import AsyncHub, ThreadHub
from zmqjsonproxy.files import fetch as files
from zmqjsonproxy.subscriptions import Subscriptions

__all__ = ["PlannedAsyncDealer", "PlannedDealer", "take_the_places"]

VERBS = frozenset(
    name for name, verb in inspect.getmembers(Verbs, inspect.iscoroutinefunction) if name[0] != "_"
)


class _Planned:
    """Part that all Dealers of a plan have: its hub is a model, and errors are noted, whatever the
    script makes of them."""

    keeper: ClassVar[Keeper]
    _kind_of_hub: ClassVar[type[ModelHub | AsyncModelHub]]
    _controls: Controls

    def __init__(
        self,
        players: Mapping[str, str] | str | None = None,
        *,
        config: str | os.PathLike[str] | None = None,
        **settings: Any,
    ) -> None:
        config = self.keeper.config if config is None else config
        super().__init__(players, config=config, **settings)  # type: ignore[call-arg]  # as a Dealer
        self._controls.renewal = None  # signs of life are no steps of a script

    def _make_hub(self, urls: Mapping[str, str], config: str | os.PathLike[str] | None) -> Any:
        keeper = self.keeper
        return self._kind_of_hub(keeper.players(urls, config), keeper.clock, keeper.keep)

    def _check_names(self, names: Iterable[str]) -> list[str]:
        names = list(names)
        try:
            return super()._check_names(names)  # type: ignore[misc, no-any-return]  # of a PlayerSelection
        except (DealerError, TypeError) as error:
            self.keeper.fail(f"add_active_player({', '.join(map(repr, names))})", error)
            raise

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        return self._noting(found) if name in VERBS else found

    def _remote_verb(self, name: str) -> Callable[..., Any]:
        find = super()._remote_verb  # type: ignore[misc]  # of a Dealer
        return self._noting(find(name) if name.startswith("_") else self._noting(find)(name))

    def _noting(self, verb: Callable[..., Any]) -> Callable[..., Any]:
        """Return a verb, or the function that finds one, whose errors are noted."""

        @wraps(verb)
        def noted(*args: Any, **kwargs: Any) -> Any:
            with self._noted(verb.__name__):
                return verb(*args, **kwargs)

        @wraps(verb)
        async def noted_in_task(*args: Any, **kwargs: Any) -> Any:
            with self._noted(verb.__name__):
                return await verb(*args, **kwargs)

        return noted_in_task if inspect.iscoroutinefunction(verb) else noted

    @contextmanager
    def _noted(self, verb: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            named = getattr(error, "method", "") or getattr(error, "action", "") or verb
            self.keeper.fail(f"{named}()", error)
            raise


class PlannedDealer(_Planned, Dealer):
    """A Dealer whose Players are models; arguments as those of Dealer."""

    _kind_of_hub = ModelHub


class PlannedAsyncDealer(_Planned, AsyncDealer):
    """An AsyncDealer whose Players are models; arguments as those of AsyncDealer."""

    _kind_of_hub = AsyncModelHub


def take_the_places(keeper: Keeper) -> None:
    """From now on, let whoever imports a Dealer or makes a connection get those of the plan. There
    is no way back."""

    class PlannedHub(ModelHub):
        def __init__(self, *_args: Any, **_kwargs: Any) -> None:
            super().__init__(Everywhere(keeper), keeper.clock, keeper.keep)

    class PlannedAsyncHub(AsyncModelHub):
        def __init__(self, *_args: Any, **_kwargs: Any) -> None:
            super().__init__(Everywhere(keeper), keeper.clock, keeper.keep)

    class PlannedSubscriptions(Subscriptions):
        def __init__(self, *_args: Any, **_kwargs: Any) -> None:
            super().__init__()
            self._subscriber = PlannedSubscriber(keeper)

    vars(files)["fetch"] = partial(planned_fetch, keeper)
    waits = type("Dealer", (PlannedDealer,), {"keeper": keeper, "__doc__": Dealer.__doc__})
    awaits = type(
        "AsyncDealer", (PlannedAsyncDealer,), {"keeper": keeper, "__doc__": AsyncDealer.__doc__}
    )
    real: dict[Any, Any] = {
        Dealer: waits,
        AsyncDealer: awaits,
        ThreadHub: PlannedHub,
        AsyncHub: PlannedAsyncHub,
        Subscriptions: PlannedSubscriptions,
    }
    vars(dealer)["AsyncDealer"] = awaits  # else it is found anew each time
    for module in list(sys.modules.values()):
        if module is sys.modules[__name__]:
            continue  # whose classes are made of the real ones
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if isinstance(value, type) and value in real:
                setattr(module, name, real[value])

"""Known Players and the active subset: the part of a Dealer that is the same whoever waits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from dealer.control import ControlBlock, Controls
from dealer.errors import ClosedError, NoActivePlayersError, NoSuchPlayerError, NotExportedError
from dealer.fanout import BankCalls
from dealer.scanwait import StartMade
from groundwork.values import RemoteValue
from zmqjsonproxy import MethodDescription
from zmqjsonproxy.hubs import Hub
from zmqjsonproxy.process import ForkSafeLock, OfOneProcess
from zmqjsonproxy.timeouts import call_timeout, reply_timeout

if TYPE_CHECKING:
    from zmqjsonproxy.channels.subscription import Subscription
    from zmqjsonproxy.channels.updates import Update
    from zmqjsonproxy.subscriptions import Subscriptions

__all__ = ["DEFAULT_TIMEOUT", "PlayerSelection", "RemoteVerbs", "default_deadline"]

DEFAULT_TIMEOUT = 180.0
"""The original's, s."""

B = TypeVar("B")


class RemoteVerb(Protocol):
    """A method of Banks as a verb; that of an AsyncDealer is awaited."""

    def __call__(self, *args: RemoteValue, **kwargs: RemoteValue) -> RemoteValue: ...


_SETTINGS = frozenset({"available_players", "clocks_refuse_s", "players", "timeout"})


class RemoteVerbs:
    """The methods of Banks as verbs of a Dealer, and nothing else."""

    def __init__(self, find: Callable[[str], RemoteVerb], whose: object) -> None:
        self._find, self._whose = find, whose

    def __getattr__(self, name: str) -> RemoteVerb:
        return self._find(name)

    def __repr__(self) -> str:
        return f"<the methods of the Banks of {self._whose!r}>"


def default_deadline(timeout: float | None) -> float:
    """Return the `timeout` of a Dealer in seconds: 0 and None are the default one. ValueError: it
    is none."""
    return reply_timeout(timeout or DEFAULT_TIMEOUT)


class PlayerSelection(OfOneProcess, Generic[B]):
    """The Players of a Dealer, those of them that verbs address, and what is known of each.

    Args:
        urls: Bank -> URL.
        proxies: Bank -> proxy.
        hub: Makes the calls.
        timeout: Default deadline of a call, s.
        clocks_refuse_s: A start is refused if the clocks of Dealer and Players are further apart,
            s.
        subscriptions: Those of this Dealer.

    Attributes:
        available_players: Bank -> proxy, of all.
        players: Of those that are active.
    """

    def __init__(
        self,
        urls: Mapping[str, str],
        proxies: Mapping[str, B],
        hub: Hub,
        timeout: float,
        clocks_refuse_s: float,
        subscriptions: Subscriptions,
    ) -> None:
        self._calls = BankCalls(hub, urls)
        self._subscriptions = subscriptions
        self.timeout = timeout
        self.clocks_refuse_s = clocks_refuse_s
        self.available_players = dict(proxies)
        self.players: dict[str, B] = {}
        self._lock = ForkSafeLock()
        self._last_start: StartMade | None = None
        self._offered: datetime | None = None
        self._controls = Controls(self._calls)
        if "BANKA" in self.available_players:
            self.players["BANKA"] = self.available_players["BANKA"]
        elif len(self.available_players) == 1:
            self.players.update(self.available_players)

    def _made_by(self) -> str:
        return f"{type(self).__name__}({self._calls.urls!r})"

    @property
    def remote(self) -> RemoteVerbs:
        """The methods that all active Banks export, those too whose names a Dealer has itself:
        `d.remote.close()`."""
        return RemoteVerbs(self._remote_verb, self)

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_") and name not in _SETTINGS:
            instead = (
                f"{name} is a verb: d.{name}(...)"
                if hasattr(type(self), name)
                else f"d.set_param({name}=...)"
            )
            raise AttributeError(
                f"d.{name} = ... would stay here and reach no Bank; write {instead}"
            )
        super().__setattr__(name, call_timeout(value) if name == "timeout" else value)

    def __getitem__(self, name: str) -> B:
        try:
            return self.available_players[name]
        except KeyError:
            raise NoSuchPlayerError([name], self.available_players) from None

    def __contains__(self, name: object) -> bool:
        return name in self.available_players

    def __iter__(self) -> Iterator[str]:
        return iter(self.available_players)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.available_players)

    def __getattr__(self, name: str) -> RemoteValue:
        """Return the Bank of this name, else a verb of the Banks."""
        bank = vars(self).get("available_players", {}).get(name)
        return self._remote_verb(name) if bank is None else bank

    def _remote_verb(self, name: str) -> RemoteVerb:
        """Return a method of the active Banks as a verb; AttributeError if they have none of this
        name."""
        raise NotImplementedError

    def _names_of_banks(self) -> list[str]:
        """Return the Banks that may be written as attributes: `d.BANKA`."""
        return [
            name
            for name in self.available_players
            if name.isidentifier() and not hasattr(type(self), name)
        ]

    def __repr__(self) -> str:
        active, available = ", ".join(self.players) or "none", ", ".join(self.available_players)
        return f"<{type(self).__name__}, active: {active}; available: {available}>"

    # who is asked

    def list_available_players(self) -> list[str]:
        """Return the names of all Players this Dealer knows."""
        return list(self.available_players)

    def list_active_players(self) -> list[str]:
        """Return the names of the Players that verbs address."""
        return list(self.players)

    def add_active_player(self, *names: str) -> list[str]:
        """Make Players active; the new list. NoSuchPlayerError names all unknown ones, and nothing
        is changed."""
        self._check_names(names)
        with self._lock:
            wanted = {*self.players, *names}
            self.players = {n: p for n, p in self.available_players.items() if n in wanted}
        return list(self.players)

    def remove_active_player(self, *names: str) -> list[str]:
        """Make Players inactive; the new list. NoSuchPlayerError names all unknown ones, and
        nothing is changed."""
        self._check_names(names)
        with self._lock:
            self.players = {n: p for n, p in self.players.items() if n not in names}
        return list(self.players)

    def _check_names(self, names: Iterable[str]) -> list[str]:
        names = list(names)
        if not all(isinstance(name, str) for name in names):
            raise TypeError(
                f'names of Players are text, as in add_active_player("BANKA", "BANKB"); not {names!r}'
            )
        unknown = [name for name in names if name not in self.available_players]
        if unknown:
            raise NoSuchPlayerError(unknown, self.available_players)
        return names

    def _active(self, action: str) -> list[str]:
        names = list(self.players)
        if not names:
            raise NoActivePlayersError(action, self.available_players)
        return names

    def _asked(
        self, action: str, banks: Iterable[str] | None, timeout: float | None
    ) -> tuple[list[str], float]:
        """Return which Banks are asked, and for how long, s: those, and the time, that were given,
        if any were."""
        if self._calls.is_closed:
            raise ClosedError(action)
        names = self._active(action) if banks is None else self._check_names(banks)
        return names, self.timeout if timeout is None else call_timeout(timeout)

    # control

    def control(
        self, reason: str, minutes: float = 60.0, *, _banks: Iterable[str] | None = None
    ) -> ControlBlock:
        """Have control of all active Banks, or of none, within a block: `with d.control("pointing run",
        minutes=30): ...`; of an AsyncDealer `async with`.

        Commands of others are refused meanwhile; see `take_control`.

        Args:
            reason: One line, for others to read.
            minutes: It ends after this time in any case.
            _banks: Of these instead of the active ones.

        Raises:
            PlayersError: On entering the block, as of `take_control`.
        """
        banks, timeout = self._asked("control", _banks, None)
        return ControlBlock(
            partial(self._controls.take, reason, minutes, False, banks, timeout),
            partial(self._controls.release, banks, timeout),
        )

    def use_control(self, credentials: Mapping[str, str]) -> None:
        """Command by control that another process has taken, with `take_control(..., stays=True)`.

        Args:
            credentials: Bank -> `credential` of what was taken there.
        """
        for bank in self._check_names(credentials):
            self._controls.hold(bank, credentials[bank])

    # what Banks publish

    def subscribe(
        self,
        patterns: str | Iterable[str] | Mapping[str, Iterable[str]],
        callback: Callable[[Update], object] | None = None,
        *,
        _banks: Iterable[str] | None = None,
        **options: RemoteValue,
    ) -> Subscription:
        """Subscribe to what Banks publish: `for update in d.subscribe("status.*"): ...`.

        Each update says of which Bank it is (`source`). The present values come first, then
        changes. Players need not be there yet, and may end and come back: what was missed then is
        counted.

        Args:
            patterns: Names of properties, or patterns; one, or several, or those of each Bank:
                `{"BANKA": ["level"]}`.
            callback: Called with each update, in a thread of its own; None: iterate over what is
                returned, or ask `latest()`.
            _banks: Banks to subscribe to; None: those that are named in `patterns`, else those that
                are active now.
            **options: `on_event`, `rate`, `dead_band`, `policy`, `most`, `most_bytes`: see
                `zmqjsonproxy.subscriptions.Subscriptions.begin`.
        """
        if isinstance(patterns, Mapping) and _banks is None:
            _banks = patterns
        banks, _ = self._asked("subscribe", _banks, None)
        players = {bank: self._calls.urls[bank] for bank in banks}
        return self._subscriptions.begin(players, "bank", patterns, callback, **options)

    # any method of the Banks

    async def _values(self, method: str, *args: RemoteValue) -> dict[str, RemoteValue]:
        """Call a method that all active Banks export; Bank -> value."""
        banks = list(self.players) or self._active(method)  # which raises
        return await self._calls.values(method, banks, self.timeout, args)

    async def _remote_values(
        self,
        method: str,
        /,
        *args: RemoteValue,
        _timeout: float | None = None,
        _banks: Iterable[str] | None = None,
        **kwargs: RemoteValue,
    ) -> dict[str, RemoteValue]:
        banks, timeout = self._asked(method, _banks, _timeout)
        return await self._calls.values(method, banks, timeout, args, kwargs)

    async def _exported(self, method: str) -> MethodDescription:
        """Return what is known of a method of all active Banks; NotExportedError if some lack it,
        or none is active.

        Where no Bank can be asked, its name is all: the call itself will tell what is the matter
        with their Players.
        """
        banks = list(self.players)
        if not banks:
            raise NotExportedError(method, {})
        return await self._calls.check_exported(method, banks) or MethodDescription(method)

    async def _common_methods(self) -> set[str]:
        """Return the names of the methods that all active Banks export, as far as they can be
        asked."""
        known = await self._calls.exporting(list(self.players), afresh=True)
        return set.intersection(*(set(each.methods) for each in known.values())) if known else set()

"""Who there is, and who is asked: the part of a Dealer that waits for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

from dealer.errors import NoActivePlayersError, NoSuchPlayerError
from dealer.scanwait import StartMade
from zmqjsonproxy import InterfaceDescription
from zmqjsonproxy.process import ForkSafeLock, OfOneProcess
from zmqjsonproxy.rpc.knownservers import KnownServers
from zmqjsonproxy.rpc.proxy import reply_timeout

__all__ = ["DEFAULT_TIMEOUT", "RemoteVerbs", "Roster", "default_deadline"]

DEFAULT_TIMEOUT = 180.0
"""The original's, s."""

B = TypeVar("B")

_SETTINGS = frozenset({"available_players", "clocks_refuse_s", "players", "timeout"})


class RemoteVerbs:
    """The methods of Banks as verbs of a Dealer, and nothing else."""

    def __init__(self, dealer: Any) -> None:
        self._dealer = dealer

    def __getattr__(self, name: str) -> Any:
        return self._dealer._remote_verb(name)

    def __repr__(self) -> str:
        return f"<the methods of the Banks of {self._dealer!r}>"


def default_deadline(timeout: float | None) -> float:
    """Return the `timeout` of a Dealer in seconds: 0 and None are the default one. ValueError: it
    is none."""
    return reply_timeout(timeout or DEFAULT_TIMEOUT)


class Roster(OfOneProcess, Generic[B]):
    """The Players of a Dealer, those of them that verbs address, and what is known of each.

    Args:
        urls: Bank -> URL.
        proxy: Makes the proxy of a Bank, from its name and URL.
        hub: The socket.
        timeout: Default deadline of a call, s.
        clocks_refuse_s: A start is refused if the clocks of Dealer and Players are further apart,
            s.

    Attributes:
        available_players: Bank -> proxy, of all.
        players: Of those that are active.
    """

    _operation: Callable[[str, dict[str, Any]], Any]
    """Makes an operation of a Player's URL and of what it said of it; its owner sets it."""

    def __init__(
        self,
        urls: Mapping[str, str],
        proxy: Callable[[str, str], B],
        hub: KnownServers,
        timeout: float,
        clocks_refuse_s: float,
    ) -> None:
        self._urls: Mapping[str, str] = dict(urls)
        self._hub = hub
        self.timeout = timeout
        self.clocks_refuse_s = clocks_refuse_s
        self.available_players = {name: proxy(name, url) for name, url in urls.items()}
        self.players: dict[str, B] = {}
        self._lock = ForkSafeLock()
        self._closed = False
        self._last_start: StartMade | None = None
        self._offered: datetime | None = None
        self._described: dict[str, InterfaceDescription] = {}
        if "BANKA" in self.available_players:
            self.players["BANKA"] = self.available_players["BANKA"]
        elif len(self.available_players) == 1:
            self.players.update(self.available_players)

    def _made_by(self) -> str:
        return f"{type(self).__name__}({dict(self._urls)!r})"

    @property
    def remote(self) -> RemoteVerbs:
        """The methods that all active Banks export, those too whose names a Dealer has itself:
        `d.remote.close()`."""
        return RemoteVerbs(self)

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and name not in _SETTINGS:
            instead = (
                f"{name} is a verb: d.{name}(...)"
                if hasattr(type(self), name)
                else f"d.set_param({name}=...)"
            )
            raise AttributeError(
                f"d.{name} = ... would stay here and reach no Bank; write {instead}"
            )
        super().__setattr__(name, value)

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

    def __getattr__(self, name: str) -> Any:
        """Return the Bank of this name, else a verb of the Banks."""
        bank = vars(self).get("available_players", {}).get(name)
        return self._remote_verb(name) if bank is None else bank

    def _remote_verb(self, name: str) -> Any:
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

    def _check_names(self, names: Iterable[str]) -> None:
        names = list(names)
        if not all(isinstance(name, str) for name in names):
            raise TypeError(
                f'names of Players are text, as in add_active_player("BANKA", "BANKB"); not {names!r}'
            )
        unknown = [name for name in names if name not in self.available_players]
        if unknown:
            raise NoSuchPlayerError(unknown, self.available_players)

    def _active(self, action: str) -> list[str]:
        names = list(self.players)
        if not names:
            raise NoActivePlayersError(action, self.available_players)
        return names

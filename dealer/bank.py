"""One Bank as an object: its methods, its parts `roach` and `valon`, its files; for callers that
wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from dealer.fetching import FetchVerbs
from zmqjsonproxy import ZMQJSONProxyClient
from zmqjsonproxy.hubs import blocking

if TYPE_CHECKING:
    from zmqjsonproxy import ThreadHub
    from zmqjsonproxy.subscriptions import Subscriptions

__all__ = ["BankProxy", "Parts"]

PART_TIMEOUT = 60.0

P = TypeVar("P")


class Parts(Generic[P]):
    """The other objects of a Bank's Player, each with a proxy of the same kind."""

    _name: str
    _url: str
    _parts: dict[str, P]
    _make_part: Callable[[str], P]

    @property
    def roach(self) -> P:
        """The FPGA board; without methods if the Bank has none."""
        return self.part("roach")

    @property
    def valon(self) -> P:
        """The synthesizer; without methods if the Bank has none."""
        return self.part("valon")

    def part(self, name: str) -> P:
        """Return the proxy of an object that the Player exposes as `bank.<name>`."""
        return self._object(f"bank.{name}")

    @property
    def files(self) -> P:
        """The files that the Player serves: `areas()`, `listing("DATA", "*.fits")`; `fetch` fetches
        them."""
        return self._object("files")

    def _object(self, name: str) -> P:
        found = self._parts.get(name)
        if found is None:
            found = self._parts.setdefault(name, self._make_part(name))
        return found

    def __repr__(self) -> str:
        return f"<Bank {self._name} at {self._url}>"


class BankProxy(Parts[ZMQJSONProxyClient], ZMQJSONProxyClient):
    """The Bank of one Player: `proxy.set_mode("MODE1")`, and its parts, `proxy.jobs.list()`.

    Args:
        name: Bank.
        url: Its Player.
        hub: Shared by all Banks of a Dealer.
        time_out: s.
        subscriptions: Shared likewise.
    """

    def __init__(
        self, name: str, url: str, hub: ThreadHub, time_out: float, subscriptions: Subscriptions
    ) -> None:
        shared: dict[str, Any] = {
            "hub": hub,
            "eager": False,
            "subscriptions": subscriptions,
            "source": name,
        }
        super().__init__(None, "bank", url, time_out, **shared)
        self._name, self._parts = name, {}
        self._make_part = lambda part: ZMQJSONProxyClient(None, part, url, PART_TIMEOUT, **shared)

    fetch = blocking(FetchVerbs.fetch)

    def __getattr__(self, name: str) -> Any:
        # A part of this name, if the Bank has no such method: `proxy.jobs` is `proxy.part("jobs")`.
        try:
            return super().__getattr__(name)
        except AttributeError:
            known = self._description
            if known is None or f"bank.{name}" not in known.objects:
                raise
        return self.part(name)

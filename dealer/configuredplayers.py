"""Players that a program or its configuration names, found and connected to: the part of a Dealer that
is made once."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from dealer.control import Renewal
from dealer.players import find_players
from dealer.selection import DEFAULT_TIMEOUT, B, PlayerSelection, default_deadline
from dealer.services import Services
from zmqjsonproxy.hubs import Hub
from zmqjsonproxy.keys import KeyRing
from zmqjsonproxy.subscriptions import Subscriptions

if TYPE_CHECKING:
    from zmqjsonproxy.channels import LinkSettings
    from zmqjsonproxy.rights import ClientKeys

__all__ = ["ConfiguredPlayers"]


class ConfiguredPlayers(PlayerSelection[B]):
    """The Players of a Dealer with connections of its own.

    Arguments and errors as those of Dealer.
    """

    _renewal: ClassVar[type[Renewal]]

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
        hub = self._connect(urls, config)
        shared = Subscriptions(Services(self._keys).resolvers, watch, self._keys)
        proxies = {bank: self._proxy(bank, url, within, shared) for bank, url in urls.items()}
        super().__init__(urls, proxies, hub, within, clocks_refuse_s, shared)
        self._controls.renewal = self._renewal()

    @abstractmethod
    def _connect(self, urls: Mapping[str, str], config: str | os.PathLike[str] | None) -> Hub:
        """Make the hub of all calls, and say how operations are made."""

    @abstractmethod
    def _proxy(self, bank: str, url: str, timeout: float, subscriptions: Subscriptions) -> B:
        """Return the proxy of a Bank over that hub."""

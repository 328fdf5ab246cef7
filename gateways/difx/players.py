"""Other Players of the configuration, reached as a Dealer reaches them."""

from __future__ import annotations

import fnmatch
import threading
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from gateways.difx.errors import JobError
from groundwork.errors import did_you_mean
from player.remotes import resolvers
from player.tables import Config
from zmqjsonproxy import CallRequest, ThreadHub, ZMQJSONProxyClient
from zmqjsonproxy.rights import ClientKeys

__all__ = ["DifxPlayers"]

PING_S = 2.0
"""Time in which a Player answers a ping."""


class DifxPlayers:
    """The Banks of a configuration, by name. Thread-safe.

    Args:
        config: Names them.
        served: Name -> URL of those that are served elsewhere than the configuration says.
        keys: By which they are reached; None: without keys.
    """

    def __init__(
        self,
        config: Config,
        served: Mapping[str, str] = MappingProxyType({}),
        keys: ClientKeys | None = None,
    ) -> None:
        self._config, self._served, self._lock = config, served, threading.Lock()
        self._keys = keys
        self._hub: ThreadHub | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All Banks of the file."""
        return self._config.bank_names

    @property
    def hub(self) -> ThreadHub:
        """The connections to all of them."""
        with self._lock:
            if self._hub is None:
                self._hub = ThreadHub(resolvers=resolvers(self._keys), keys=self._keys)
            return self._hub

    def matching(self, pattern: str) -> list[str]:
        """Return the names that a pattern fits; letters of either case."""
        return [name for name in self.names if fnmatch.fnmatchcase(name.lower(), pattern.lower())]

    def url(self, name: str) -> str:
        """Return where a Bank is; JobError: there is none of this name."""
        found = self.matching(name)
        if len(found) != 1:
            hint = did_you_mean(name.upper(), self.names)
            raise JobError(
                f"{name:.80}: is no Bank of {self._config.path}; there are "
                f"{', '.join(self.names)}{hint}"
            )
        return self._served.get(found[0]) or self._config.reached_at(found[0])

    def proxy(self, name: str, part: str = "") -> ZMQJSONProxyClient:
        """Return a proxy of a Bank, or of a part of it; errors as of `url`."""
        path = f"bank.{part}" if part else "bank"
        return ZMQJSONProxyClient(None, path, self.url(name), hub=self.hub, eager=False)

    def ping(self, names: Iterable[str]) -> dict[str, bool]:
        """Ask all at once whether they answer; a name of no Bank does not."""
        wanted = list(dict.fromkeys(names))
        known = {name: self.url(name) for name in wanted if len(self.matching(name)) == 1}
        requests = [CallRequest(url, "rpc", "ping") for url in known.values()]
        results = self.hub.call_many(requests, PING_S) if requests else []
        answered = {name for name, got in zip(known, results, strict=True) if got.error is None}
        return {name: name in answered for name in wanted}

    def close(self) -> None:
        """Close the connections; may be called twice."""
        with self._lock:
            if self._hub is not None:
                self._hub.close()

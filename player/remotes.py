"""Remotes of a Player: properties of other Players, which it follows for as long as it lives, and
publishes under names of its own.

`@NAME` is published besides: what is known of the remote itself, and why nothing is heard of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from groundwork.truncation import cut
from groundwork.values import JsonObject
from player.errors import PlayerError
from player.remotenames import SIGN, Item, local_names, read_item
from player.services import reached_at
from player.tables import Config, RemoteConfig
from zmqjsonproxy import ProxyError, ThreadHub, portsearch
from zmqjsonproxy.channels import Event, EventKind, LinkSettings, Update
from zmqjsonproxy.channels.declarations import Declared, PropertyKind
from zmqjsonproxy.channels.properties import PropertyTable
from zmqjsonproxy.resolver import NotResolvedError, Resolvers
from zmqjsonproxy.rights import ClientKeys
from zmqjsonproxy.subscriptions import Subscriptions

__all__ = ["Remotes", "resolvers"]

log = logging.getLogger(__name__)

_DESCRIBE_WITHIN_S = 5.0
_KINDS = frozenset(PropertyKind)
_TOLD = ("unit", "doc", "annotation", "x_unit")
_LONGEST = 300
_MAX_COMPLAINTS = 20
"""Of a remote, in the log, while one connection lasts."""
_MAX_UPDATES = 1000
"""Updates that wait to be published, of one remote."""
Describe = Callable[[], JsonObject]


class Remotes:
    """All remotes of one Player.

    Args:
        table: Publishes.
        config: The configuration.
        bank: Of the Player.
        keys: By which it reaches others; None: without keys.
    """

    def __init__(
        self, table: PropertyTable, config: Config, bank: str, keys: ClientKeys | None = None
    ) -> None:
        self._table, self._config, self._bank, self._keys = table, config, bank, keys
        self._by_settings: dict[LinkSettings, Subscriptions] = {}
        self._hub: ThreadHub | None = None

    def open(self) -> None:
        """Follow them from now on; they need not be there yet."""
        for name, remote in self._config.banks[self._bank].remotes.items():
            self._follow(name, remote, remote.url or self._config.reached_at(str(remote.bank)))

    def _follow(self, name: str, remote: RemoteConfig, url: str) -> None:
        if self._hub is None:
            self._hub = ThreadHub(resolvers=resolvers(self._keys), keys=self._keys)
        settings = remote.link_settings(name=self._bank)
        made_now = Subscriptions(resolvers(self._keys), settings, self._keys)
        subscriptions = self._by_settings.setdefault(settings, made_now)
        describe = partial(_described, self._hub, url, remote.object)
        made = Remote(self._table, name, remote, url, describe)
        subscriptions.begin(
            {name: url},
            remote.object,
            [item.remote for item in made.items],
            made.take,
            on_event=made.note,
            rate=remote.rate,
            dead_band=remote.dead_band,
            most=_MAX_UPDATES,
        )

    def close(self) -> None:
        """Follow nothing more; may be called twice."""
        for subscriptions in self._by_settings.values():
            subscriptions.close()
        if self._hub is not None:
            self._hub.close()


class Remote:
    """One remote: what comes of it is published here. No sockets.

    Args:
        table: Publishes.
        name: Of the remote.
        config: Its table.
        url: Of its Player.
        describe: Asks it what its properties are, name -> description.
    """

    def __init__(
        self, table: PropertyTable, name: str, config: RemoteConfig, url: str, describe: Describe
    ) -> None:
        self.items: list[Item] = [read_item(each) for each in config.properties]
        self._table, self._name, self._into = table, name, config.into or name
        self._is_shared = config.into is not None
        self._describe, self._complaints = describe, 0
        self._described: JsonObject = {}
        self._locals: dict[tuple[str, str], list[str]] = {}
        self._state: JsonObject = {"url": url, "stale": "not connected yet", "fault": ""}
        self._state |= {"lost": 0, "reopened": 0}
        doc = f"Connection to the remote {name}: why nothing is heard of it (stale), updates lost."
        table.declare(Declared(name=SIGN + name, annotation="dict", doc=doc))
        self._tell()

    def _tell(self, **changes: str | int) -> None:
        self._state |= changes
        self._table.publish(SIGN + self._name, self._state)

    def note(self, event: Event) -> None:
        """Take what happened to the connection."""
        match event.kind:
            case EventKind.OPENED | EventKind.REOPENED:
                self._described = self._describe()
                self._locals.clear()
                self._complaints = 0
                again = int(event.kind is EventKind.REOPENED)
                self._tell(stale="", fault="", reopened=int(str(self._state["reopened"])) + again)
            case EventKind.STALE | EventKind.ENDED:
                self._tell(stale=event.text)
            case EventKind.GAP:
                self._tell(lost=int(str(self._state["lost"])) + event.lost)
            case _:
                self._complain(event.text)

    def _complain(self, text: str) -> None:
        text = cut(text, _LONGEST)
        if text != self._state["fault"] and self._complaints < _MAX_COMPLAINTS:
            self._complaints += 1
            log.warning("remote %s: %s", self._name, text)
            self._tell(fault=text)

    def take(self, update: Update) -> None:
        """Publish an update, with the time that it has."""
        value, time_us = update.value, round(update.time * 1e6)
        if self._is_shared and update.kind != PropertyKind.RESULT and isinstance(value, dict):
            value = {**value, "remote": self._name}
        for name in self._names_here(update.name, update.kind):
            self._table.publish(name, value, time_us)

    def _names_here(self, name: str, kind: str) -> list[str]:
        """Return under which names a property is published here, which are declared."""
        found = self._locals.get((name, kind))
        if found is None:
            wanted = local_names(self.items, name, self._into) if kind in _KINDS else []
            found = self._locals[name, kind] = [
                each for each in wanted if self._declare(each, name, PropertyKind(kind))
            ]
        return found

    def _declare(self, local: str, name: str, kind: PropertyKind) -> bool:
        known = self._table.properties.get(local)
        if known is not None and known.declared.kind is not kind:
            self._complain(
                f"{name} is a {kind}, and {local} a {known.declared.kind}: it is left out"
            )
            return False
        described = self._described.get(name)
        told = described if isinstance(described, dict) else {}
        unit, doc, annotation, x_unit = (cut(str(told.get(key, "")), _LONGEST) for key in _TOLD)
        declared = Declared(
            name=local, kind=kind, unit=unit, doc=doc, annotation=annotation, x_unit=x_unit
        )
        try:
            self._table.declare(declared)
        except ValueError as error:
            self._complain(f"{name} is left out: {error}")
            return False
        return True


def _described(hub: ThreadHub, url: str, object_name: str) -> JsonObject:
    try:
        told = hub.call(url, object_name, "list_properties", (), {}, _DESCRIBE_WITHIN_S)
    except ProxyError as error:
        log.info("properties of %s are not described: %s", url, error)
        return {}
    listed = told if isinstance(told, list) else []
    return {str(each.get("name")): each for each in listed if isinstance(each, dict)}


def _service_at(url: str, _within: float) -> str:
    try:
        return reached_at(url)
    except PlayerError as error:
        raise NotResolvedError(str(error)) from error


def resolvers(keys: ClientKeys | None) -> Resolvers:
    """Return those of hubs that reach the Players of a configuration by their URLs, with a client's
    keys."""
    return {"service": _service_at, portsearch.SCHEME: partial(portsearch.locate, keys=keys)}

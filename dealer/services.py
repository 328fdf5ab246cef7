"""Players under names: of services, whose port managers are asked where they are each time a
connection to one is made; or at ports of a range, which are asked themselves.

A Player that came back on another port is therefore found by the next call to it, and that is said
in the log once. If a port manager does not answer, its Players are looked for where they were: it
may be away while they go on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from dealer.errors import ConfigurationError
from portmanager import Allocation, PortManager, PortManagerError
from portmanager.protocol.dialogue import only_one
from portmanager.protocol.urls import ManagerAddress, ServiceAddress, ServicesAddress
from zmqjsonproxy import ThreadHub, portsearch
from zmqjsonproxy.keys import KeyRing
from zmqjsonproxy.resolver import AsyncResolvers, NotResolvedError, Resolvers
from zmqjsonproxy.rights import ClientKeys

if TYPE_CHECKING:
    import asyncio

__all__ = ["AsyncServices", "Services", "find_services", "open_hub"]

log = logging.getLogger(__name__)

SCHEME = "service"
SAME_LIST_S = 0.05
"""So long one list serves all Players of a port manager: they are asked for at once, s."""
WITHIN_S = 2.0
"""A port manager is waited for so long when a Dealer is made, s."""
BEGINS_WITH = "BANK"
"""Of services that are Players, where nothing else is said: the names of Banks, from the original
on."""


@dataclass(frozen=True, slots=True)
class _Listing:
    """Answer of a port manager, or why it gave none."""

    at: float
    found: Sequence[Allocation] | Exception


class _Known:
    """Knowledge of port managers and of the Players there, without asking."""

    def __init__(self) -> None:
        self._listings: dict[ManagerAddress, _Listing] = {}
        self._addresses: dict[str, str] = {}
        self._silent: set[ManagerAddress] = set()

    def _recent(self, manager: ManagerAddress) -> _Listing | None:
        listing = self._listings.get(manager)
        return (
            listing if listing is not None and time.monotonic() - listing.at < SAME_LIST_S else None
        )

    def _note(self, manager: ManagerAddress, found: Sequence[Allocation] | Exception) -> _Listing:
        listing = self._listings[manager] = _Listing(time.monotonic(), found)
        if isinstance(found, Exception):
            if manager not in self._silent:
                log.warning(
                    "the port manager at %s does not tell where Players are: %s", manager, found
                )
            self._silent.add(manager)
        elif manager in self._silent:
            self._silent.discard(manager)
            log.info("the port manager at %s tells again where Players are", manager)
        return listing

    def _judge(self, url: str, service: ServiceAddress, listing: _Listing) -> str:
        """Return the address of a service.

        Raises:
            NotResolvedError: There is none, or more than one; or nobody can tell.
        """
        before = self._addresses.get(url)
        if isinstance(listing.found, Exception):
            if before is None:
                raise NotResolvedError(
                    f"the port manager at {service.manager} does not tell: {listing.found}"
                )
            return before
        try:
            there = only_one(
                listing.found, service.service, service.user, f"the port manager {service.manager}"
            )
        except PortManagerError as error:
            several = sum(one.service == service.service for one in listing.found) > 1
            hint = (
                f"; say whose it is: {service.url}?user=NAME"
                if several and service.user is None
                else ""
            )
            raise NotResolvedError(f"{error}{hint}") from error
        address = self._addresses[url] = service.manager.tcp_url(there.port)
        if before not in (None, address):
            log.warning("%s has moved from %s to %s", service.service, before, address)
        return address


class Services(_Known):
    """For Dealers that wait.

    Args:
        keys: By which Players are asked at the ports of a range; None: without keys.
    """

    def __init__(self, keys: ClientKeys | None = None) -> None:
        super().__init__()
        self._keys = keys

    @property
    def resolvers(self) -> Resolvers:
        """For a ThreadHub."""
        return {SCHEME: self.locate, portsearch.SCHEME: partial(portsearch.locate, keys=self._keys)}

    def locate(self, url: str, within: float) -> str:
        """Return the address of a service, within some seconds; NotResolvedError if it has none."""
        service = ServiceAddress.read(url)
        listing = self._recent(service.manager)
        if listing is None:
            listing = self._note(service.manager, _ask(service.manager, within))
        return self._judge(url, service, listing)


class AsyncServices(_Known):
    """For Dealers that use asyncio; argument as of Services."""

    def __init__(self, keys: ClientKeys | None = None) -> None:
        super().__init__()
        self._keys = keys
        self._asking: dict[ManagerAddress, asyncio.Future[_Listing]] = {}

    @property
    def resolvers(self) -> AsyncResolvers:
        """For an AsyncHub."""
        return {
            SCHEME: self.locate,
            portsearch.SCHEME: partial(portsearch.locate_in_task, keys=self._keys),
        }

    async def locate(self, url: str, within: float) -> str:
        """Return the address of a service, within some seconds; NotResolvedError if it has none."""
        import asyncio  # which whoever awaits this has imported

        service = ServiceAddress.read(url)
        listing = self._recent(service.manager)
        if listing is None:
            asking = self._asking.get(service.manager)
            if asking is None:
                asking = asyncio.ensure_future(self._ask(service.manager, within))
                self._asking[service.manager] = asking
            listing = await asyncio.shield(asking)  # several Players wait for it
        return self._judge(url, service, listing)

    async def _ask(self, manager: ManagerAddress, within: float) -> _Listing:
        from portmanager.aio import AsyncPortManager

        found: Sequence[Allocation] | Exception
        try:
            async with AsyncPortManager(manager.host, manager.port, timeout=within) as client:
                found = await client.list_ports()
        except (OSError, PortManagerError) as error:
            found = error
        finally:
            del self._asking[manager]
        return self._note(manager, found)


def open_hub() -> ThreadHub:
    """Return a hub that reaches Players as a Dealer does: with this user's keys, and under names.

    Raises:
        KeyFileError: The keys cannot be used.
    """
    keys = KeyRing.load()
    return ThreadHub(resolvers=Services(keys).resolvers, keys=keys)


def _ask(manager: ManagerAddress, within: float) -> Sequence[Allocation] | Exception:
    try:
        with PortManager(manager.host, manager.port, timeout=within) as client:
            return client.list_ports()
    except (OSError, PortManagerError) as error:
        return error


def find_services(where: ServicesAddress, source: str) -> dict[str, str]:
    """Ask a port manager which Players it knows: name -> URL, in the order of their names.

    A further instance of a service (`BANKA_1`) is none of its own.

    Args:
        where: The port manager, whose services, and how their names begin; if that is not said,
            with `BANK`.
        source: Who wants to know, for messages.

    Raises:
        ConfigurationError: It does not answer, or knows none, or one name is several users'.
    """
    found = _ask(where.manager, WITHIN_S)
    at = f"the port manager at {where.manager}"
    if isinstance(found, Exception):
        fault = f"{at} does not answer ({found}); is one running there? `portmanager check --host HOST` asks it"
        raise ConfigurationError(source, [fault])
    beginning = where.beginswith or BEGINS_WITH
    ours = [
        one for one in found if one.service.startswith(beginning) and where.user in (None, one.user)
    ]
    keys = {(one.service, one.user) for one in ours}
    ours = [one for one in ours if not _is_further_instance(one, keys)]
    names = sorted({one.service for one in ours})
    faults = []
    for name in names:
        users = sorted(one.user for one in ours if one.service == name)
        if len(users) > 1:
            faults.append(
                f"{name} at {where.manager} is there of {', '.join(users)}; say whose: ?user={users[0]}"
            )
    if not names:
        whose = "" if where.user is None else f" of user {where.user}"
        faults.append(
            f"{at} knows no service {beginning}...{whose}; do its Players run, and under names?"
        )
    if faults:
        raise ConfigurationError(source, faults)
    return {name: ServiceAddress(name, where.manager, where.user).url for name in names}


def _is_further_instance(one: Allocation, keys: set[tuple[str, str]]) -> bool:
    plain, found, number = one.service.rpartition("_")
    return bool(found) and number.isdigit() and (plain, one.user) in keys

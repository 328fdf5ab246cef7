"""Owners of Banks: leases that were given, commands that were carried out under them, and a rival
who takes control from the observer."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from zmqjsonproxy import ZMQJSONProxyClient
from zmqjsonproxy.errors import ProxyError

__all__ = ["Command", "Grant", "Rival", "no_two_owners", "numbers_rise"]

CALL_WITHIN_S = 5.0
TERM_S = 60.0


@dataclass(frozen=True, slots=True)
class Grant:
    """Control of a Bank that was given to somebody.

    Attributes:
        bank: Name.
        number: Of the lease.
        at: When that was known, s, monotonic.
    """

    bank: str
    number: int
    at: float


@dataclass(frozen=True, slots=True)
class Command:
    """Command that was carried out by all Banks.

    Attributes:
        name: Of it.
        numbers: Bank -> number of the lease under which it was asked for.
        begun: When it was asked for, s, monotonic.
    """

    name: str
    numbers: Mapping[str, int]
    begun: float


def no_two_owners(grants: Iterable[Grant], commands: Sequence[Command]) -> list[str]:
    """Return the commands of owners that were none any more: another had been given control before
    they asked."""
    return [
        f"{grant.bank}: {command.name} was carried out under lease {command.numbers[grant.bank]}, "
        f"{command.begun - grant.at:.3f} s after lease {grant.number} was given"
        for grant in grants
        for command in commands
        if command.numbers.get(grant.bank, grant.number) < grant.number and command.begun > grant.at
    ]


def numbers_rise(grants: Sequence[Grant]) -> list[str]:
    """Return leases whose number is not above that of the one before, in the order of their giving."""
    newest: dict[str, int] = {}
    found = []
    for grant in sorted(grants, key=lambda one: one.at):
        if grant.number <= newest.get(grant.bank, 0):
            found.append(
                f"{grant.bank}: lease {grant.number} was given after lease {newest[grant.bank]}"
            )
        newest[grant.bank] = max(grant.number, newest.get(grant.bank, 0))
    return found


@dataclass(slots=True)
class Rival:
    """Somebody who takes control from whoever has it, and keeps it until `give_back`.

    Attributes:
        grants: Of control to the rival.
    """

    grants: list[Grant] = field(default_factory=list)

    def take(self, urls: Mapping[str, str]) -> None:
        """Take control of all Banks that answer."""
        for bank, url in urls.items():
            with ZMQJSONProxyClient(None, "control", url, CALL_WITHIN_S) as control:
                try:
                    control.break_lease("the rival of a soak")
                    told = control.take("the rival of a soak", TERM_S, None)
                except ProxyError:
                    continue  # it is frozen, or has ended
                self.grants.append(Grant(bank, told["number"], time.monotonic()))

    def give_back(self, urls: Mapping[str, str]) -> None:
        """Let nobody have control; of those that answer."""
        for url in urls.values():
            with ZMQJSONProxyClient(None, "control", url, CALL_WITHIN_S) as control:
                try:
                    control.break_lease("the end of a soak's round")
                except ProxyError:
                    continue

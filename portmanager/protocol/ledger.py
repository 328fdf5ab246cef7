"""Ledger of ports: who has which, and under which name it is listed. Knows neither connections nor
which port comes next.

The original makes up the suffixes `_1`, `_2` anew for each listing, so that the newest instance of
a service steals the plain name from a running one. Here the names of a user's services follow three
rules:

1. The oldest living instance of a service has its plain name, always: this is what clients look up.
2. Every other instance has a suffix, the lowest that gives a name no other service of the user has,
   and keeps it until rule 1 gives it the plain name.
3. A suffix gives way to a real name: if `foo_1` is the second `foo` when a service called `foo_1`
   comes, the second `foo` gets another suffix. Only then does a name change beneath a running
   instance.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from portmanager.allocation import Allocation
from portmanager.protocol.lines import write_allocation, write_listing
from portmanager.protocol.tcllist import join_list

__all__ = ["Ledger", "LedgerEntry"]


@dataclass(slots=True, eq=False)
class LedgerEntry:
    """A port that is lent.

    Attributes:
        port: TCP port.
        service: Name that was asked for, without suffix.
        user: As the program said.
        listed: Name that the listing gives.
    """

    port: int
    service: str
    user: str
    listed: str
    _row: tuple[str, int, str] | None = field(default=None, repr=False)

    def row(self) -> tuple[str, int, str]:
        """Return what the listing is ordered by, and the line itself."""
        if self._row is None:
            line = write_allocation(Allocation(self.port, self.listed, self.user))
            suffix = self.listed.removeprefix(self.service).removeprefix("_")
            self._row = (join_list((self.user, self.service)), int(suffix or 0), line)
        return self._row

    def rename(self, listed: str) -> None:
        """List it under another name."""
        self.listed, self._row = listed, None


class Ledger:
    """All ports that are lent."""

    def __init__(self) -> None:
        self._lent: dict[int, LedgerEntry] = {}
        self._instances: dict[
            tuple[str, str], list[LedgerEntry]
        ] = {}  # (user, service): the oldest first
        self._names: dict[tuple[str, str], LedgerEntry] = {}  # (user, name in the listing)
        self._listing: bytes | None = None

    def __len__(self) -> int:
        return len(self._lent)

    def add(self, port: int, service: str, user: str) -> LedgerEntry:
        """Enter a port that is now lent."""
        instances = self._instances.setdefault((user, service), [])
        lent = LedgerEntry(port, service, user, service)
        if instances:
            lent.rename(self._free_name(service, user))
        elif displaced := self._names.get((user, service)):
            displaced.rename(self._free_name(displaced.service, user, taken=service))
            self._names[user, displaced.listed] = displaced
        instances.append(lent)
        self._names[user, lent.listed] = lent
        self._lent[port] = lent
        self._listing = None
        return lent

    def remove(self, lent: LedgerEntry) -> None:
        """Strike a port out; the oldest instance that is left gets the plain name."""
        del self._lent[lent.port]
        del self._names[lent.user, lent.listed]
        instances = self._instances[lent.user, lent.service]
        instances.remove(lent)
        if not instances:
            del self._instances[lent.user, lent.service]
        elif lent.listed == lent.service:
            heir = instances[0]
            del self._names[heir.user, heir.listed]
            heir.rename(heir.service)
            self._names[heir.user, heir.listed] = heir
        self._listing = None

    def _free_name(self, service: str, user: str, taken: str = "") -> str:
        names = (f"{service}_{n}" for n in count(1))
        return next(name for name in names if name != taken and (user, name) not in self._names)

    def listing(self) -> bytes:
        """Return the whole reply to LIST, by user and service as in the original, the plain name
        first."""
        if self._listing is None:
            self._listing = write_listing(
                line for *_, line in sorted(lent.row() for lent in self._lent.values())
            )
        return self._listing

    def by_port(self) -> list[LedgerEntry]:
        """Return all, ascending by port as text, as the usage file has them."""
        return sorted(self._lent.values(), key=lambda lent: str(lent.port))

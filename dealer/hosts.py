"""Banks of an array on their hosts, and the supervisord of each. Names and addresses, no sockets."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from arrayconfig.files import table_of
from arrayconfig.hosts import SupervisorAddress, read_supervisors
from dealer.errors import ConfigurationError
from dealer.players import configuration_path, players_of_file, tables_of_file

__all__ = ["PROGRAM_PREFIX", "BankOnHost", "Installation", "read_installation"]

PROGRAM_PREFIX = "player-"
"""A Bank's Player is supervisord's program `player-<BANK>`; `player supervisor-config` names it
so."""


@dataclass(frozen=True, slots=True)
class BankOnHost:
    """A Bank, its host, and the URL of its Player."""

    name: str
    host: str
    url: str

    @property
    def program(self) -> str:
        """Name of its Player at the supervisord of its host."""
        return PROGRAM_PREFIX + self.name


@dataclass(frozen=True, slots=True)
class Installation:
    """Hosts as the file describes them.

    Attributes:
        supervisors: Host -> its supervisord, in file order.
        banks: Bank -> where it is at home, in the Dealer's order.
        source: The file, for messages.
    """

    supervisors: Mapping[str, SupervisorAddress]
    banks: Mapping[str, BankOnHost]
    source: str = ""

    def choose(self, names: Iterable[str]) -> list[BankOnHost]:
        """Return the Banks that are meant, in the Dealer's order: by their own names, or all of a
        host.

        Args:
            names: Of Banks or hosts; none: all Banks that have a supervisord.

        Raises:
            ConfigurationError: Names every one that is neither Bank nor host, and Banks without a
                supervisord.
        """
        wanted = list(names)
        hosts = {*self.supervisors, *(bank.host for bank in self.banks.values())}
        known = [*self.banks, *hosts]
        faults: list[str] = []
        chosen: set[str] = set()
        for name in wanted:
            if name in self.banks:
                chosen.add(name)
            elif name in hosts:
                chosen |= {bank.name for bank in self.banks.values() if bank.host == name}
            else:
                close = difflib.get_close_matches(name, known, n=1)
                hint = f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"
                faults.append(f"{name} is neither Bank nor host{hint}")
        if not wanted:
            chosen = {bank.name for bank in self.banks.values() if bank.host in self.supervisors}
        without = sorted(
            {
                self.banks[name].host
                for name in chosen
                if self.banks[name].host not in self.supervisors
            }
        )
        faults += [f"[hosts.{host}] is missing: where is its supervisord?" for host in without]
        if faults:
            raise ConfigurationError(self.source, faults)
        return [bank for name, bank in self.banks.items() if name in chosen]


def read_installation(config: str | os.PathLike[str] | None = None) -> Installation:
    """Read the hosts of the array's file.

    Args:
        config: As of the Dealer.

    Raises:
        ConfigurationError: With every fault.
    """
    path = configuration_path(config)
    urls = players_of_file(path)
    content = tables_of_file(path, (("hosts", "*"), ("banks", "*", "hpc_host")))
    supervisors, faults = read_supervisors(
        content.get("hosts", {}), path if path.is_dir() else path.parent
    )
    if faults:
        raise ConfigurationError(str(path), faults)
    tables = table_of(content, "banks")
    banks = {
        name: BankOnHost(name, str(table_of(tables, name)["hpc_host"]), url)
        for name, url in urls.items()
    }
    return Installation(supervisors, banks, str(path))

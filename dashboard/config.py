"""Configuration of the dashboard: the table `[dashboard]`, and what it needs of other tables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dealer.errors import ConfigurationError
from dealer.hosts import Installation, read_installation
from dealer.players import configuration_path, find_players, is_port_manager, tables_of_file
from groundwork.addresses import is_loopback_host
from player.tables import DashboardConfig

__all__ = ["Array", "read_array"]

READ = (
    ("dashboard",),
    ("instrument", "telescope"),
    ("instrument", "keys"),
    ("instrument", "insecure"),
    ("instrument", "key_dir"),
    ("instrument", "portmanager"),
    ("banks", "*", "hpc_host"),
    ("hosts",),
)
KEY_DIR = "keys"


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """Array that is shown.

    Attributes:
        urls: Bank -> URL of its Player.
        site: `[dashboard]`.
        hosts: Bank -> its host, as far as the file says.
        telescope: Name; empty: not known.
        path: The file, absolute, or folder of files; None: the array is of another origin.
        directory: Of the file, which its paths are relative to.
        keys: Callers need keys at the loopback address, too.
        insecure: Callers need no keys, whatever the address.
        key_dir: Key folder of this host.
        portmanager: Where a host's port manager is, as the file says; empty: it does not.
        installation: Hosts with their supervisords; None: the file names none.
    """

    urls: Mapping[str, str]
    site: DashboardConfig = field(default_factory=DashboardConfig)
    hosts: Mapping[str, str] = field(default_factory=dict)
    telescope: str = ""
    path: Path | None = None
    directory: Path = Path()
    keys: bool = False
    insecure: bool = False
    key_dir: Path = Path(KEY_DIR)
    portmanager: str = ""
    installation: Installation | None = None

    def demands_keys(self, address: str) -> bool:
        """Tell whether people log in at an address that is served on."""
        return self.keys if is_loopback_host(address) else not self.insecure


def read_array(config: str | os.PathLike[str] | None = None) -> Array:
    """Return the array of a configuration.

    Args:
        config: As of the Dealer: file, directory of files, or a port manager.

    Raises:
        ConfigurationError: With every fault.
    """
    urls = find_players(None, config)
    if is_port_manager(config):
        return Array(urls=urls)
    path = configuration_path(config)
    tables = tables_of_file(path, READ)
    instrument, banks = _table(tables, "instrument"), _table(tables, "banks")
    directory = path if path.is_dir() else path.parent
    hosts = {name: str(_table(banks, name).get("hpc_host", "")) for name in urls}
    return Array(
        urls=urls,
        site=_site(path, tables.get("dashboard", {})),
        hosts=hosts,
        telescope=str(instrument.get("telescope", "")),
        path=path,
        directory=directory,
        keys=instrument.get("keys") is True,
        insecure=instrument.get("insecure") is True,
        key_dir=directory / os.path.expanduser(str(instrument.get("key_dir", KEY_DIR))),
        portmanager=str(instrument.get("portmanager", "")),
        installation=read_installation(path) if _table(tables, "hosts") else None,
    )


def _table(tables: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    table = tables.get(key, {})
    return table if isinstance(table, Mapping) else {}


def _site(path: Path, table: Any) -> DashboardConfig:
    try:
        return DashboardConfig.model_validate(table)
    except ValidationError as error:
        faults = [
            ".".join(["dashboard", *map(str, each["loc"])]) + f": {each['msg']}"
            for each in error.errors()
        ]
        raise ConfigurationError(str(path), faults) from error

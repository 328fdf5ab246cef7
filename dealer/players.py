"""Where Players are found: a dictionary of URLs, or the array's TOML file. Names and URLs, no sockets.

Of the file (or files) a Dealer reads `[dealer] players`, `[instrument] player_port` and of `[banks.*]` the host and the
port; it needs nothing but the standard library for that.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dealer.errors import ConfigurationError
from zmqjsonproxy.configfiles import FilesError, config_path, read_tables

__all__ = ["DEFAULT_PORT", "configuration_path", "find_players", "players_of_file"]

DEFAULT_PORT = 6667
READ = (
    ("dealer",), ("instrument", "player_port"), ("instrument", "bind"), ("banks", "*", "hpc_host"),
    ("banks", "*", "player_port"), ("banks", "*", "bind"),
)  # fmt: skip
"""What a Dealer reads of the file; `*` is any Bank."""


def find_players(
    players: Mapping[str, str] | None = None, config: str | os.PathLike[str] | None = None
) -> dict[str, str]:
    """Return Bank -> URL in the order of the configuration.

    Args:
        players: Given explicitly; `config` is then not read.
        config: TOML file; None: `$DIBAS_CONFIG`, else `$DIBAS_DIR/etc/config/dibas.toml`.

    Raises:
        ConfigurationError: The form of `players`, or the file; every fault is named.
    """
    if players is not None:
        return _checked(players)
    return players_of_file(configuration_path(config))


def _checked(players: Mapping[str, str]) -> dict[str, str]:
    form = 'players is a dictionary of names and URLs, as {"BANKA": "tcp://host:6667"}'
    if not isinstance(players, Mapping):
        raise ConfigurationError("Dealer", [f"{form}; not a {type(players).__name__}"])
    faults = [
        f"{name!r}: {url!r}: {form}"
        for name, url in players.items()
        if not isinstance(name, str) or not isinstance(url, str) or not _is_url(url)
    ]
    if faults:
        raise ConfigurationError("Dealer", faults)
    return dict(players)


def _is_url(url: str) -> bool:
    transport, found, address = url.partition("://")
    if transport != "tcp":
        return bool(found and transport and address)
    host, _, port = address.rpartition(":")
    return bool(host) and port.isascii() and port.isdigit() and 0 < int(port) < 65536


def configuration_path(config: str | os.PathLike[str] | None = None) -> Path:
    """Return the file that holds for a Dealer; ConfigurationError if neither argument nor environment names one."""
    found = config_path(None if config is None else Path(config), os.environ)
    if found is not None:
        return found
    raise ConfigurationError(
        "Dealer",
        [
            "no configuration is named: give players or config (to the command --config FILE), or set DIBAS_CONFIG or "
            "DIBAS_DIR in the environment"
        ],
    )


def players_of_file(path: Path) -> dict[str, str]:
    """Return Bank -> URL of the array's file, or of a directory of files."""
    try:
        content = read_tables(path, os.environ, READ)
    except FilesError as error:
        raise ConfigurationError(str(path), [str(fault).removeprefix(f"{path}: ") for fault in error.faults]) from error
    faults: list[str] = []
    banks = _table(content, "banks", faults)
    instrument = _table(content, "instrument", faults)
    names = _table(content, "dealer", faults).get("players", list(banks))
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        faults.append("dealer.players: a list of Bank names")
        names = []
    twice = sorted({name for name in names if names.count(name) > 1})
    faults += [f"dealer.players: {name} is there {names.count(name)} times" for name in twice]
    urls: dict[str, str] = {}
    for name in dict.fromkeys(names):
        bank = banks.get(name)
        if not isinstance(bank, dict):
            faults.append(f"dealer.players: {name}: there is no table [banks.{name}]")
            continue
        host = bank.get("hpc_host")
        port = bank.get("player_port", instrument.get("player_port", DEFAULT_PORT))
        if not isinstance(host, str) or not host:
            faults.append(f"banks.{name}.hpc_host: the host that runs the Player is missing")
        elif not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536:
            faults.append(f"banks.{name}.player_port: {port!r} is no TCP port")
        else:
            url = f"tcp://{_reachable(host, bank, instrument)}:{port}"
            if url in urls.values():
                other = next(bank for bank, known in urls.items() if known == url)
                faults.append(f"banks.{name}: {url} is the address of {other}")
            urls[name] = url
    if not faults and not urls:
        faults.append("no Player is named: dealer.players or a table [banks.X] is needed")
    if faults:
        raise ConfigurationError(str(path), faults)
    return urls


def _table(content: Mapping[str, Any], key: str, faults: list[str]) -> dict[str, Any]:
    table = content.get(key, {})
    if isinstance(table, dict):
        return table
    faults.append(f"{key}: a table")
    return {}


def _reachable(host: str, bank: Mapping[str, Any], instrument: Mapping[str, Any]) -> str:
    """A Player bound to one address is asked there; bound to none in particular, or to all, at its host.

    A file whose Players all keep to the loopback address (the default) describes one host.
    """
    bind = bank.get("bind", instrument.get("bind", ""))
    return bind if isinstance(bind, str) and bind not in ("", "*", "0.0.0.0", "::") else host

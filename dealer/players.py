"""Sources of the Players that a Dealer knows: a dictionary of URLs, a port manager, or the array's TOML file.

Of the file (or files) a Dealer reads `[dealer] players` and `portmanager`, of `[instrument]` what
all Players share, of `[banks.*]` the host and the port; it needs nothing but the standard library
for that. A Player under the name of a service has a URL `service://HOST:PORT/NAME`, and one at a
port of a range `ports://HOST:FIRST-LAST/NAME`, from which `services` finds its address when it is
needed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from arrayconfig.files import FilesError, KeyPath, config_path, read_tables
from arrayconfig.hosts import DEFAULT_PORT, reachable_host
from dealer.errors import ConfigurationError
from dealer.services import find_services
from groundwork.addresses import (
    checked_host,
    is_loopback_host,
    split_url,
    tcp_url,
)
from groundwork.portranges import ServerInRange, is_range, read_range
from portmanager.protocol.urls import (
    LOCAL,
    ManagerAddress,
    ServiceAddress,
    ServicesAddress,
    is_service,
    own_service,
)

__all__ = [
    "configuration_path",
    "find_players",
    "is_port_manager",
    "players_of_file",
    "tables_of_file",
]

READ = (
    ("dealer",),
    ("instrument", "player_port"),
    ("instrument", "portmanager"),
    ("instrument", "bind"),
    ("banks", "*", "hpc_host"),
    ("banks", "*", "player_port"),
    ("banks", "*", "bind"),
)
"""What a Dealer reads of the file; `*` is any Bank."""
FORM = 'players is a dictionary of names and URLs, as {"BANKA": "tcp://host:6667"}'


def find_players(
    players: Mapping[str, str] | str | None = None, config: str | os.PathLike[str] | None = None
) -> dict[str, str]:
    """Return Bank -> URL in the order of the configuration.

    Args:
        players: Given explicitly, or a port manager,
            `portmanager://HOST[:PORT][?user=U&beginswith=B]`, which is asked at once, within 2 s;
            `config` is then not read.
        config: TOML file; None: `$DIBAS_CONFIG`, else `$DIBAS_DIR/etc/config/dibas.toml`. Of the
            command `dealer` it may be a port manager, too.

    Raises:
        ConfigurationError: The form of `players`, the file, or the port manager; every fault is
            named.
    """
    if players is None:
        if not is_port_manager(config):
            return players_of_file(configuration_path(config))
        players = str(config)
    if isinstance(players, str):
        return find_services(_port_manager(players), players)
    return _checked(players)


def is_port_manager(where: object) -> bool:
    """Tell whether a text names a port manager, rightly or not, in the place of a file."""
    return isinstance(where, str) and where.startswith("portmanager://")


def _checked(players: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(players, Mapping):
        raise ConfigurationError("Dealer", [f"{FORM}; not a {type(players).__name__}"])
    urls: dict[str, str] = {}
    faults: list[str] = []
    for name, url in players.items():
        if is_service(url):
            try:
                urls[name] = ServiceAddress.read(url).url
            except ValueError as error:
                faults.append(f"{name!r}: {error}")
        elif fault := _fault(name, url):
            faults.append(f"{name!r}: {fault}")
        else:
            urls[name] = url
    if faults:
        raise ConfigurationError("Dealer", faults)
    return urls


def _port_manager(text: str) -> ServicesAddress:
    """Return the port manager that a text instead of a dictionary names."""
    if not is_port_manager(text):
        raise ConfigurationError(
            "Dealer", [f'{FORM}, or the text "portmanager://HOST"; not {text!r}']
        )
    try:
        return ServicesAddress.read(text)
    except ValueError as error:
        raise ConfigurationError("Dealer", [str(error)]) from error


def _fault(name: object, url: object) -> str:
    """Return what is wrong with a name or its address; empty: nothing."""
    if not isinstance(name, str) or not isinstance(url, str):
        return f"{url!r}: {FORM}"
    transport, found, address = url.partition("://")
    if transport != "tcp":
        return "" if found and transport and address else f"{url!r}: {FORM}"
    try:
        host, port = split_url(url)
        checked_host(host)
    except ValueError as error:
        return f"{error}; {FORM}"
    return "" if port > 0 else f"{url!r}: a port to connect to is a number from 1 to 65535"


def configuration_path(config: str | os.PathLike[str] | None = None) -> Path:
    """Return the file that holds for a Dealer; ConfigurationError if neither argument nor
    environment names one."""
    if is_port_manager(config):
        fault = "a port manager knows where Players are, and no more: this needs the array's file, --config FILE"
        raise ConfigurationError(str(config), [fault])
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


def tables_of_file(path: Path, wanted: Iterable[KeyPath]) -> dict[str, Any]:
    """Return what a file, or a directory of files, says of some keys; ConfigurationError."""
    try:
        return read_tables(path, os.environ, wanted)
    except FilesError as error:
        raise ConfigurationError(
            str(path), [str(fault).removeprefix(f"{path}: ") for fault in error.faults]
        ) from error


def players_of_file(path: Path) -> dict[str, str]:
    """Return Bank -> URL of the array's file, or of a directory of files."""
    content = tables_of_file(path, READ)
    faults: list[str] = []
    banks = _table(content, "banks", faults)
    instrument = _table(content, "instrument", faults)
    dealer = _table(content, "dealer", faults)
    names = dealer.get("players", list(banks))
    services = _services_of(dealer, faults)
    if services is not None and not names and not faults:
        return find_services(services, str(path))
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        faults.append("dealer.players: a list of Bank names")
        names = []
    twice = sorted({name for name in names if names.count(name) > 1})
    faults += [f"dealer.players: {name} is there {names.count(name)} times" for name in twice]
    urls: dict[str, str] = {}
    for name in dict.fromkeys(names):
        bank = banks.get(name)
        if bank is None and services is not None:
            urls[name] = ServiceAddress(name, services.manager, services.user).url
            continue
        if not isinstance(bank, dict):
            faults.append(f"dealer.players: {name}: there is no table [banks.{name}]")
            continue
        try:
            url = _url_of(name, bank, instrument, None if services is None else services.user)
        except ValueError as error:
            faults.append(f"banks.{name}.{error}")
            continue
        if url in urls.values():
            other = next(bank for bank, known in urls.items() if known == url)
            faults.append(f"banks.{name}: {url} is the address of {other}")
        urls[name] = url
    if not faults and not urls:
        faults.append("no Player is named: dealer.players or a table [banks.X] is needed")
    if faults:
        raise ConfigurationError(str(path), faults)
    return urls


def _url_of(
    name: str, bank: Mapping[str, Any], instrument: Mapping[str, Any], user: str | None
) -> str:
    """Return the URL of a Bank's Player; ValueError: `KEY: what is wrong with it`."""
    host = bank.get("hpc_host")
    port = bank.get("player_port", instrument.get("player_port", DEFAULT_PORT))
    if not isinstance(host, str) or not host:
        raise ValueError("hpc_host: the host that runs the Player is missing")
    try:
        host = checked_host(host)
    except ValueError as error:
        raise ValueError(f"hpc_host: {error}") from error
    reachable = reachable_host(host, bank.get("bind", instrument.get("bind")))
    if is_service(port):
        try:
            return ServiceAddress(
                own_service(port, name), _manager_of(instrument, reachable), user
            ).url
        except ValueError as error:
            raise ValueError(f"player_port: {error}") from error
    if is_range(port):
        try:
            read_range(port)
        except ValueError as error:
            raise ValueError(f"player_port: {error}") from error
        return ServerInRange(reachable, port, name).url
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536:
        raise ValueError(f"player_port: {port!r} is no TCP port")
    return tcp_url(reachable, port)


def _table(content: Mapping[str, Any], key: str, faults: list[str]) -> dict[str, Any]:
    table = content.get(key, {})
    if isinstance(table, dict):
        return table
    faults.append(f"{key}: a table")
    return {}


def _services_of(dealer: Mapping[str, Any], faults: list[str]) -> ServicesAddress | None:
    """Return the port manager that `[dealer]` names, for Players without a table; None: none."""
    text = dealer.get("portmanager")
    if text is None:
        return None
    try:
        if not isinstance(text, str):
            raise ValueError(f"{text!r} is no text")
        return ServicesAddress.read(text)
    except ValueError as error:
        faults.append(f"dealer.portmanager: {error}")
        return None


def _manager_of(instrument: Mapping[str, Any], host: str) -> ManagerAddress:
    """Return where the Player's own port manager is: what the Player calls localhost is its host
    from here."""
    text = instrument.get("portmanager", str(LOCAL))
    manager = ManagerAddress.read(text) if isinstance(text, str) else LOCAL
    return ManagerAddress(host, manager.port) if is_loopback_host(manager.host) else manager

"""Options and environment of `histogrammer` as a configuration of one Bank, and over one."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomlkit

from groundwork.addresses import is_loopback_host, split_url
from player.config import checked
from player.errors import ConfigError, Fault
from player.tables import Config
from player.tomlfile import TomlFile, parse_toml, put_over, read_toml
from portmanager.protocol.urls import ServiceAddress, is_service, own_service

__all__ = ["BANK", "LOG_LEVELS", "array_config", "bank_name", "rest_endpoint", "served_url"]

BANK = "HISTOGRAMMER"
ENDPOINT = "spectcl"
KIND = "histogrammer"
URL = "tcp://127.0.0.1:*"
"""Any free port, as several may run on one host."""
REST_PORT = 8000
EVERYWHERE = "0.0.0.0"
LOG_LEVELS = {"off": "error", "critical": "error", "normal": "info", "debug": "debug"}
"""$ROCKET_LOG_LEVEL -> ours."""
HERE = Path("options of histogrammer")
"""Place of their faults."""


def array_config(options: argparse.Namespace, environment: Mapping[str, str]) -> Config:
    """Return the configuration that options, environment and file make together.

    Args:
        options: Of `build_parser`.
        environment: Of the process.

    Raises:
        ConfigError: With every fault.
    """
    source = TomlFile(HERE, {})
    if options.config is not None:
        source = read_toml(options.config, environment)
    bank = bank_name(options, source.tables)
    under = _parsed(_defaults(bank, source.tables))
    over = _parsed(_given(bank, rest_endpoint(source.tables, bank), options, environment))
    merged = put_over(put_over(under, source), over)
    return checked(replace(merged, path=HERE if options.config is None else options.config))


def bank_name(options: argparse.Namespace, tables: Mapping[str, Any]) -> str:
    """Return the Bank that is meant: the one that is named, else the only one of its kind.

    Args:
        options: Of `build_parser`.
        tables: Of the configuration.

    Raises:
        ConfigError: There are several.
    """
    if options.bank is not None:
        return str(options.bank).upper()
    ours = [
        name
        for name, table in _table(tables, "banks").items()
        if isinstance(table, dict) and table.get("kind") == KIND
    ]
    if len(ours) > 1:
        text = f"there are several histogrammers, {', '.join(ours)}: name one, --bank {ours[0]}"
        raise ConfigError([Fault(options.config, None, "banks", text)])
    return ours[0] if ours else BANK


def rest_endpoint(tables: Mapping[str, Any], bank: str) -> str:
    """Return the name of the endpoint for REST clients in the table of a Bank; `spectcl`, if it has
    none yet."""
    endpoints = _table(_table(tables, "banks", bank), "endpoints")
    return next(
        (
            name
            for name, table in endpoints.items()
            if isinstance(table, dict) and table.get("kind", name) == ENDPOINT
        ),
        ENDPOINT,
    )


def _table(tables: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """Return a table within tables; empty where there is none, whose faults are found later."""
    for key in keys:
        found = tables.get(key)
        tables = found if isinstance(found, dict) else {}
    return tables


def served_url(options: argparse.Namespace, config: Config, bank: str) -> str:
    """Return where the Bank is served for Dealers.

    Raises:
        ConfigError: What is given is no address.
    """
    if options.url is None:
        return URL if options.config is None else config.url(bank)
    try:
        if is_service(options.url):
            return ServiceAddress(own_service(options.url, bank), config.manager).url
        host, _ = split_url(options.url)
    except ValueError as error:
        raise ConfigError([Fault(HERE, None, "url", str(error))]) from error
    if options.peers is None and not is_loopback_host(host):
        text = (
            f"{options.url} can be reached from other hosts: say which may connect, --peers CIDR, "
            "or take 127.0.0.1"
        )
        raise ConfigError([Fault(HERE, None, "url", text)])
    return str(options.url)


def _parsed(tables: Mapping[str, Any]) -> TomlFile:
    return parse_toml(tomlkit.dumps(tables), HERE)


def _defaults(bank: str, tables: Mapping[str, Any]) -> dict[str, Any]:
    """Return what holds unless the file says otherwise."""
    endpoint = rest_endpoint(tables, bank)
    table: dict[str, Any] = {"endpoints": {endpoint: {"port": REST_PORT}}}
    if bank not in _table(tables, "banks"):
        roots = ["~", str(Path.cwd())]
        table = {"kind": KIND, "hpc_host": "localhost", "roots": roots, **table}
    return {"banks": {bank: table}}


def _given(
    bank: str, endpoint: str, options: argparse.Namespace, environment: Mapping[str, str]
) -> dict[str, Any]:
    """Return what options and environment say."""
    settings = {
        "shm_mbytes": options.shm_mbytes,
        "flavor": options.flavor,
        "roots": options.root and [str(root.absolute()) for root in options.root],
    }
    peers = options.peers
    address = environment.get("ROCKET_ADDRESS") or (EVERYWHERE if peers else None)
    service = options.rest_service
    served = {
        "port": options.rest_port if service is None else f"service:{service}",
        "peers": peers,
        "bind": address,
    }
    table: dict[str, Any] = {key: value for key, value in settings.items() if value is not None}
    table["endpoints"] = {
        endpoint: {key: value for key, value in served.items() if value is not None}
    }
    return {"banks": {bank: table}}

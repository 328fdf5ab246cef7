"""Options and environment of `histogrammer` as a configuration of one Bank, and over one."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from player.bankprogram import EVERYWHERE, BankProgram, table_in
from player.tables import Config

__all__ = ["LOG_LEVELS", "MIRROR", "PROGRAM", "array_config"]

PROGRAM = BankProgram(
    name="histogrammer",
    kind="histogrammer",
    endpoint="spectcl",
    bank="HISTOGRAMMER",
    several="histogrammers",
)
REST_PORT, MIRROR_PORT = 8000, 8001
MIRROR = "mirror"
"""Kind of the endpoint for mirrors."""
LOG_LEVELS = {"off": "error", "critical": "error", "normal": "info", "debug": "debug"}
"""$ROCKET_LOG_LEVEL -> ours."""


def array_config(options: argparse.Namespace, environment: Mapping[str, str]) -> Config:
    """Return the configuration that options, environment and file make together.

    Args:
        options: Of `build_parser`.
        environment: Of the process.

    Raises:
        ConfigError: With every fault.
    """
    given = partial(_given, options=options, environment=environment)
    return PROGRAM.config(options, environment, _defaults, given)


def _defaults(bank: str, endpoint: str, tables: Mapping[str, Any]) -> dict[str, Any]:
    """Return what holds unless the file says otherwise."""
    table: dict[str, Any] = {"endpoints": {endpoint: {"port": REST_PORT}}}
    if bank not in table_in(tables, "banks"):
        roots = ["~", str(Path.cwd())]
        table = {"kind": PROGRAM.kind, "hpc_host": "localhost", "roots": roots, **table}
        table["endpoints"][MIRROR] = {"port": MIRROR_PORT}
    return {"banks": {bank: table}}


def _given(
    bank: str,
    endpoint: str,
    tables: Mapping[str, Any],
    options: argparse.Namespace,
    environment: Mapping[str, str],
) -> dict[str, Any]:
    """Return what options and environment say."""
    settings = {
        "shm_mbytes": options.shm_mbytes,
        "shm_kind": options.memory_kind,
        "flavor": options.flavor,
        "roots": options.root and [str(root.absolute()) for root in options.root],
    }
    peers = options.peers
    address = environment.get("ROCKET_ADDRESS") or (EVERYWHERE if peers else None)
    open_to = {"peers": peers, "bind": address}
    mirror = PROGRAM.endpoint_name(tables, bank, MIRROR)
    mirror_port = _port(options.mirror_port, options.mirror_service)
    endpoints = {endpoint: {"port": _port(options.rest_port, options.rest_service), **open_to}}
    is_there = mirror in table_in(tables, "banks", bank, "endpoints")
    if is_there or mirror_port is not None or bank not in table_in(tables, "banks"):
        endpoints[mirror] = {"port": mirror_port, **open_to}
    table: dict[str, Any] = _there(settings)
    table["endpoints"] = {name: _there(served) for name, served in endpoints.items()}
    return {"banks": {bank: table}}


def _port(number: int | None, service: str | None) -> int | str | None:
    return number if service is None else f"service:{service}"


def _there(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if value is not None}

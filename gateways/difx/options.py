"""Options and environment of `difx-gateway` as a configuration of one Bank, and over one."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from gateways.difx.endpointconfig import DEFAULT_GROUP, DEFAULT_PORT
from groundwork.peers import observing
from player.bankprogram import EVERYWHERE, BankProgram, table_in
from player.errors import ConfigError, Fault
from player.tables import Config

__all__ = ["PROGRAM", "array_config"]

PROGRAM = BankProgram(
    name="difx-gateway", kind="difx", endpoint="guiserver", bank="DIFX", several="DiFX gateways"
)

Environment = Mapping[str, str]


def array_config(options: argparse.Namespace, environment: Environment) -> Config:
    """Return the configuration that options, environment and file make together.

    The environment counts as in the original: less than options, and less than a file.

    Args:
        options: Of `build_parser`.
        environment: Of the process.

    Raises:
        ConfigError: With every fault.
    """
    return PROGRAM.config(
        options,
        environment,
        partial(_defaults, environment=environment),
        partial(_given, options=options),
    )


def _defaults(
    bank: str, endpoint: str, tables: Mapping[str, Any], environment: Environment
) -> dict[str, Any]:
    """Return what holds unless the file says otherwise."""
    port = _message_port(environment)
    multicast = {"group": environment.get("DIFX_MESSAGE_GROUP") or DEFAULT_GROUP, "port": port}
    table: dict[str, Any] = {"endpoints": {endpoint: {"port": port, "multicast": multicast}}}
    if bank not in table_in(tables, "banks"):
        base = environment.get("DIFX_BASE", "")
        own = {"hpc_host": "localhost", "root": str(Path.cwd()), "base": base}
        table = {"kind": PROGRAM.kind, **own, **table}
    return {"banks": {bank: table}}


def _message_port(environment: Environment) -> int:
    text = environment.get("DIFX_MESSAGE_PORT") or str(DEFAULT_PORT)
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 65535):
        fault = f"{text!r:.80} is no port; write a number from 1 to 65535"
        raise ConfigError([Fault(PROGRAM.place, None, "DIFX_MESSAGE_PORT", fault)])
    return int(text)


def _given(
    bank: str, endpoint: str, _tables: Mapping[str, Any], options: argparse.Namespace
) -> dict[str, Any]:
    """Return what the options say."""
    port = options.ports[-1] if options.ports else None
    if options.service is not None:
        port = f"service:{options.service}"
    multicast = {
        "enable": True if options.bridge is not None else None,
        "group": options.multicastGroup,
        "port": options.multicastPort,
        "interface": options.bridge,
    }
    capture = options.capture
    served = {
        "port": port,
        "bind": options.bind or (EVERYWHERE if options.peers else None),
        "peers": observing(options.peers or ()) if options.read_only else options.peers,
        "capture": None if capture is None else str(Path(capture).absolute()),
        "multicast": _there(multicast) or None,
    }
    root = options.root
    settings = {"root": None if root is None else str(root.absolute()), "base": options.base}
    return {"banks": {bank: {**_there(settings), "endpoints": {endpoint: _there(served)}}}}


def _there(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if value is not None}

"""Parser of `difx-gateway`."""

from __future__ import annotations

import argparse
from pathlib import Path

from commandline import argument, flag, log_level, parser_for, peers_with_roles, port_number

__all__ = ["PROGRAM", "build_parser"]

PROGRAM = "difx-gateway"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `difx-gateway`."""
    return parser_for(
        PROGRAM,
        "Run correlator jobs for clients of a DiFX guiServer, and for Dealers.",
        argument(
            "ports PORT",
            "TCP port for clients, 0: any free one; of several the last counts; default: 50200",
            nargs="*",
            type=port_number,
        ),
        argument("-h -help --help", "show this help and end", action="help"),
        argument(
            "-b --base DIR",
            "what clients are told as DIFX_BASE, a path of theirs; default: empty",
        ),
        argument("-mg --multicastGroup GROUP", "group of the multicast bridge; default: 224.2.2.1"),
        argument(
            "-mp --multicastPort PORT",
            "UDP port of the multicast bridge; default: 50200",
            type=lambda text: port_number(text, 1),
        ),
        argument(
            "--bridge INTERFACE",
            "switch the multicast bridge on, at this interface; it is off without",
        ),
        argument(
            "--service NAME",
            "get the TCP port from the port manager under this name, whatever PORT says",
        ),
        argument(
            "--bind ADDRESS",
            "address for clients; default: 127.0.0.1, with --peers all of this host",
        ),
        argument(
            "--config FILE",
            "TOML file of an array, with the Bank in it; other options win over it",
            type=Path,
        ),
        argument("--bank NAME", "the Bank's name for Dealers; default: DIFX"),
        argument(
            "--url URL",
            "the Bank's address for Dealers, tcp://HOST:PORT or service:NAME; default: a free port",
        ),
        argument(
            "--root DIR",
            "folder that is the / of clients; default: the working folder",
            type=Path,
        ),
        peers_with_roles(),
        flag("--read-only", "no client may change anything, whatever --peers says"),
        argument("--capture FILE", "write every packet with its time to a file"),
        log_level(),
        add_help=False,
        epilog="Environment: DIFX_BASE, DIFX_MESSAGE_GROUP, DIFX_MESSAGE_PORT (of both ports). "
        "Exit status: 0 done, 1 failed, 2 usage or configuration.",
        version_option="-V --version",
    )

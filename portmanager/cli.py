"""The commands `portmanager`, `DaqPortManager` and `lsservices`. Exit status 0 done, 1 refused, 2
usage."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from commandline import (
    DONE,
    FAILED,
    Argument,
    argument,
    carry_out,
    command,
    count,
    log_level,
    parser_for,
    peer,
    port_number,
    run_command,
    say,
)
from portmanager import queries
from portmanager.errors import PortManagerError
from portmanager.files import Files, default_folder
from portmanager.logs import set_up_logging
from portmanager.protocol.lines import DEFAULT_PORT
from portmanager.protocol.pool import DEFAULT_RANGE

__all__ = ["build_parser", "lsservices", "main"]

STATUS_TEXT = "Exit status: 0 done, 1 refused or failed, 2 usage."


def _ports(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{1,5})-([0-9]{1,5})", text, re.ASCII)
    if not found:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no range of ports; write for example 30001-31000"
        )
    low, high = sorted((int(found[1]), int(found[2])))
    if not 1 <= low <= high <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r}: a port is a number from 1 to 65535")
    return low, high


def _option(names: str, text: str, **more: Any) -> Argument:
    return argument(names, text, default=argparse.SUPPRESS, **more)


def _file(what: str, holds: str, name: str) -> Argument:
    where = "default: in /var/tmp/daqportmgr, or where this user may write"
    text = f"file for {holds}; {where}, {name}"
    return _option(f"-{what}file --{what}file FILE", text, type=Path)


DEFAULTS = {
    "ports": DEFAULT_RANGE,
    "listen": DEFAULT_PORT,
    "bind": None,
    "peers": None,
    "per_connection": 100,
    "per_user": 500,
    "any_user": False,
    "max_connections": 10_000,
    "log": None,
    "portfile": None,
    "pidfile": None,
    "usagefile": None,
}
OPTIONS = (
    _option(
        "-ports --ports LOW-HIGH",
        "ports to lend; default: {}-{}".format(*DEFAULT_RANGE),
        type=_ports,
    ),
    _option(
        "-listen --listen PORT",
        f"port for clients; 0: a free one; default: {DEFAULT_PORT}",
        type=port_number,
    ),
    _option(
        "--bind ADDRESS",
        "address to listen on; may be given several times; default: of loopback, with --peers all, IPv4 "
        "and IPv6",
        action="append",
    ),
    _option(
        "--peers CIDR[=ROLE]",
        "network whose computers may list, as 10.1.0.0/16, with any role; may be given several times; default: "
        "this computer alone",
        action="append",
        type=peer,
    ),
    _option("--per-connection N", "most ports of one connection; default: 100", type=count),
    _option("--per-user N", "most ports of one user; default: 500", type=count),
    _option(
        "--any-user",
        "whoever asks may do it in any user's name; otherwise only root and the user of the port manager, where "
        "the system tells who it is",
        action="store_true",
    ),
    _option("--max-connections N", "more than N are refused; default: 10000", type=count),
    _option(
        "-log --log FILE",
        "where the log goes; a new file at 10 MB, five old ones are kept; default: standard error",
        type=Path,
    ),
    log_level(),
    _file("port", "the listen port", "listen.port"),
    _file("pid", "the process", "daqportmgr.pid"),
    _file("usage", "the ports lent", "ports.txt"),
)
"""Those of the server; they may stand before its word and after it."""


def build_parser() -> argparse.ArgumentParser:
    """The command line of `portmanager`, and of `DaqPortManager`."""
    return parser_for(
        "portmanager",
        "Lend TCP ports to services under their names. Without a command it is the server, and takes the "
        "options of NSCLDAQ's `DaqPortManager`, too.",
        *OPTIONS,
        allow_abbrev=False,
        epilog=STATUS_TEXT,
        defaults=DEFAULTS,
        commands=(
            command(
                "serve", None, "be the server, as without a command", *OPTIONS, allow_abbrev=False
            ),
            *queries.COMMANDS,
        ),
    )


def _lsservices_parser() -> argparse.ArgumentParser:
    return parser_for(
        "lsservices",
        "Show the services that a computer's port manager knows.",
        argument("host HOST", "of which; default: %(default)s", nargs="?", default="localhost"),
        argument(
            "pattern USER",
            "whose services; `*`, `?` and `[a-z]` stand for others; default: all",
            nargs="?",
            default="*",
        ),
        *queries.SERVER,
        *queries.FORM,
        epilog=STATUS_TEXT,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run `portmanager`; its exit status."""
    return run_command("portmanager", lambda: _main(argv))


def _main(argv: Sequence[str] | None) -> int:
    parser = build_parser()
    words = list(sys.argv[1:] if argv is None else argv)
    cut = words.index("--") if "--" in words else len(words)
    options = parser.parse_args(words[:cut])
    options.program = words[cut + 1 :]
    if cut < len(words) and not (options.program and getattr(options, "takes_program", False)):
        parser.error("a program after -- belongs to the command get")
    if options.command in (None, "serve"):
        return _serve(parser, options)
    return _answer("portmanager", options)


def lsservices(argv: Sequence[str] | None = None) -> int:
    """Run `lsservices`; its exit status."""

    def answer() -> int:
        options = _lsservices_parser().parse_args(argv)
        options.run = queries.run_lsservices
        return _answer("lsservices", options)

    return run_command("lsservices", answer)


def _answer(program: str, options: argparse.Namespace) -> int:
    def sentences(error: Exception) -> list[str]:
        if isinstance(error, PortManagerError):
            return [str(error)]
        at = f"{options.host} port {options.port}"
        return [f"cannot reach a port manager at {at}: {getattr(error, 'strerror', None) or error}"]

    return carry_out(
        program,
        lambda: int(options.run(options)),
        failures=(PortManagerError, OSError),
        sentences=sentences,
    )


def _serve(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    from portmanager.program import run  # asyncio, which the other commands need not load
    from portmanager.server import PortManagerSettings, Server

    try:
        set_up_logging(options.log_level, options.log)
    except OSError as error:
        say("portmanager", f"the log {options.log} cannot be written: {error.strerror}")
        return FAILED
    try:
        server = Server(
            PortManagerSettings(
                listen=options.listen,
                bind=tuple(options.bind or ()),
                ports=options.ports,
                peers=tuple(options.peers or ()),
                per_connection=options.per_connection,
                per_user=options.per_user,
                any_user=options.any_user,
                max_connections=options.max_connections,
                files=lambda port: _files(options, port),
            )
        )
    except ValueError as error:
        parser.error("; ".join(str(error).splitlines()))
    try:
        asyncio.run(run(server))
    except OSError as error:
        at = f": {error.filename}" if error.filename else ""
        say("portmanager", f"{error.strerror or error}{at}")
        return FAILED
    return DONE


def _files(options: argparse.Namespace, port: int) -> Files:
    given = (options.portfile, options.pidfile, options.usagefile)
    folder = default_folder(port, dict(os.environ)) if None in given else Path()
    return Files(
        port=options.portfile or folder / "listen.port",
        pid=options.pidfile or folder / "daqportmgr.pid",
        usage=options.usagefile or folder / "ports.txt",
    )


if __name__ == "__main__":
    sys.exit(main())

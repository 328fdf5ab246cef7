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

from groundwork.commandline import Parser, port_number
from groundwork.output import run_command
from portmanager import queries
from portmanager.errors import PortManagerError
from portmanager.files import Files, default_folder
from portmanager.logs import set_up_logging
from portmanager.protocol.lines import DEFAULT_PORT
from portmanager.protocol.pool import DEFAULT_RANGE

__all__ = ["build_parser", "lsservices", "main"]

STATUS_TEXT = "Exit status: 0 done, 1 refused or failed, 2 usage."


def build_parser() -> argparse.ArgumentParser:
    """The command line of `portmanager`, and of `DaqPortManager`."""
    parser = Parser(
        with_version=True,
        prog="portmanager",
        allow_abbrev=False,
        epilog=STATUS_TEXT,
        description="Lend TCP ports to services under their names. Without a command it is the server, and takes the "
        "options of NSCLDAQ's `DaqPortManager`, too.",
    )
    _add_server_options(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    text = "be the server, as without a command"
    serve = commands.add_parser(
        "serve", help=text, description=f"{text.capitalize()}.", allow_abbrev=False
    )
    _add_server_options(serve, suppress=True)
    queries.add_commands(commands)
    return parser


def _lsservices_parser() -> argparse.ArgumentParser:
    parser = Parser(
        with_version=True,
        prog="lsservices",
        epilog=STATUS_TEXT,
        description="Show the services that a computer's port manager knows.",
    )
    parser.add_argument(
        "host",
        nargs="?",
        default="localhost",
        metavar="HOST",
        help="of which; default: %(default)s",
    )
    parser.add_argument(
        "pattern",
        nargs="?",
        default="*",
        metavar="USER",
        help="whose services; `*`, `?` and `[a-z]` stand for others; default: all",
    )
    queries.add_server(parser, with_host=False)
    queries.add_form(parser)
    return parser


def _add_server_options(parser: argparse.ArgumentParser, *, suppress: bool = False) -> None:
    def add(*names: str, default: object, **more: object) -> None:
        parser.add_argument(*names, default=argparse.SUPPRESS if suppress else default, **more)  # type: ignore[arg-type]

    low, high = DEFAULT_RANGE
    add(
        "-ports",
        "--ports",
        type=_ports,
        default=DEFAULT_RANGE,
        metavar="LOW-HIGH",
        help=f"ports to lend; default: {low}-{high}",
    )
    add(
        "-listen",
        "--listen",
        type=port_number,
        default=DEFAULT_PORT,
        metavar="PORT",
        help=f"port for clients; 0: a free one; default: {DEFAULT_PORT}",
    )
    add(
        "--bind",
        action="append",
        default=None,
        metavar="ADDRESS",
        help="address to listen on; may be given several times; default: all, IPv4 and IPv6; 127.0.0.1: only "
        "programs of this computer reach it",
    )
    add(
        "--list-from",
        action="append",
        default=None,
        metavar="WHO",
        help="who may list: `all`, `local`, or a network as 10.1.0.0/16; may be given several times; default: all",
    )
    add(
        "--per-connection",
        type=_count,
        default=100,
        metavar="N",
        help="most ports of one connection; default: 100",
    )
    add(
        "--per-user",
        type=_count,
        default=500,
        metavar="N",
        help="most ports of one user; default: 500",
    )
    add(
        "--any-user",
        action="store_true",
        default=False,
        help="whoever asks may do it in any user's name; otherwise only root and the user of the port manager, where "
        "the system tells who it is",
    )
    add(
        "--max-connections",
        type=_count,
        default=10_000,
        metavar="N",
        help="more than N are refused; default: 10000",
    )
    add(
        "-log",
        "--log",
        type=Path,
        default=None,
        metavar="FILE",
        help="where the log goes; a new file at 10 MB, five old ones are kept; default: standard error",
    )
    add(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="info",
        help="least level that is logged; default: info",
    )
    where = "default: in /var/tmp/daqportmgr, or where this user may write"
    for what, holds, name in (
        ("port", "the listen port", "listen.port"),
        ("pid", "the process", "daqportmgr.pid"),
        ("usage", "the ports lent", "ports.txt"),
    ):
        add(
            f"-{what}file",
            f"--{what}file",
            type=Path,
            default=None,
            metavar="FILE",
            help=f"file for {holds}; {where}, {name}",
        )


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


def _count(text: str) -> int:
    if not (re.fullmatch(r"[0-9]{1,7}", text, re.ASCII) and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return int(text)


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
    try:
        return int(options.run(options))
    except BrokenPipeError:
        raise
    except PortManagerError as error:
        print(f"{program}: {error}", file=sys.stderr)
    except OSError as error:
        at = f"{options.host} port {options.port}"
        print(
            f"{program}: cannot reach a port manager at {at}: {error.strerror or error}",
            file=sys.stderr,
        )
    except KeyboardInterrupt:
        pass
    return 1


def _serve(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    from portmanager.program import run  # asyncio, which the other commands need not load
    from portmanager.server import Server, ServerSettings

    try:
        set_up_logging(options.log_level, options.log)
    except OSError as error:
        print(
            f"portmanager: the log {options.log} cannot be written: {error.strerror}",
            file=sys.stderr,
        )
        return 1
    try:
        server = Server(
            ServerSettings(
                listen=options.listen,
                bind=tuple(options.bind or ("0.0.0.0", "::")),
                ports=options.ports,
                list_from=tuple(options.list_from or ("all",)),
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
        print(f"portmanager: {error.strerror or error}{_at(error)}", file=sys.stderr)
        return 1
    return 0


def _at(error: OSError) -> str:
    return f": {error.filename}" if error.filename else ""


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

"""The command `difx`: files and jobs of a guiServer. Exit status 0 done, 1 failed or refused, 2
usage, 3 done with errors."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence

from gateways.difx.client import filecommands, jobcommands, replaycommand, watchcommands
from gateways.difx.client.conversation import DEFAULT_PORT, TIMEOUT
from gateways.difx.errors import DifxError
from groundwork.commandline import (
    Parser,
    argument,
    command,
    flag,
    number_of_seconds,
    port_number,
)
from groundwork.interrupts import ended_as_by_ctrl_c
from groundwork.output import run_command
from groundwork.printable import printable
from zmqjsonproxy.errors import RecordingError

__all__ = ["build_parser", "main"]

PROGRAM = "difx"
DONE, FAILED, USAGE = 0, 1, 2
HOST = "DIFX_CONTROL_HOST"
PORTS = ("DIFX_CONTROL_PORT", "DIFX_MESSAGE_PORT")
COMMANDS = (filecommands, jobcommands, watchcommands, replaycommand)
"""Modules that bring commands, in the order of the help."""

COMMON = (
    argument(
        "--host",
        f"computer of the server; default: ${HOST}, else localhost",
        default=argparse.SUPPRESS,
    ),
    argument(
        "--port",
        f"where it listens; default: ${PORTS[0]}, else ${PORTS[1]}, else {DEFAULT_PORT}",
        type=port_number,
        default=argparse.SUPPRESS,
    ),
    flag(
        "--tcp",
        "let the server connect to here for each command; default: all goes through one connection",
        default=argparse.SUPPRESS,
    ),
    argument(
        "--timeout S",
        f"wait so long at most for each answer, s; default: {TIMEOUT:g}",
        type=number_of_seconds,
        default=argparse.SUPPRESS,
    ),
    flag(
        "--json",
        "answer in JSON; what goes on for a time, one object a line",
        default=argparse.SUPPRESS,
    ),
    flag(
        "-v --verbose",
        "show everything that the server says, on standard error",
        default=argparse.SUPPRESS,
    ),
)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `difx`."""
    parser = command(
        PROGRAM,
        "Files and jobs of a guiServer, the original or this project's gateway.",
        *COMMON,
        epilog=f"Environment: {HOST}, {', '.join(PORTS)}, DIFX_VERSION. "
        "Exit status: 0 done, 1 failed or refused, 2 usage, 3 done with errors.",
        defaults={
            "host": None,
            "port": None,
            "tcp": False,
            "timeout": TIMEOUT,
            "json": False,
            "verbose": False,
        },
    )
    common = Parser(add_help=False, arguments=COMMON)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.add_commands(commands, common)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    line = list(sys.argv[1:] if argv is None else argv)
    return run_command(PROGRAM, lambda: _main(line, os.environ))


def _main(line: Sequence[str], environment: Mapping[str, str]) -> int:
    parser = build_parser()
    options = parser.parse_args(line)
    try:
        options.host = options.host or environment.get(HOST) or "localhost"
        options.port = _port(environment) if options.port is None else options.port
    except argparse.ArgumentTypeError as error:
        parser.error(str(error))
    options.environment = environment
    try:
        with ended_as_by_ctrl_c(signal.SIGTERM):
            status: int = options.run(options)
            return status
    except BrokenPipeError:  # the reader of the output has seen enough; a server's is a DifxError
        raise
    except (DifxError, RecordingError, OSError, ValueError) as error:
        text = str(error)
        if isinstance(error, OSError) and error.filename is not None:
            text = f"{options.command}: {error.filename}: {error.strerror}"
        print(f"{PROGRAM}: {printable(text)}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(f"{PROGRAM}: interrupted", file=sys.stderr)
        return FAILED


def _port(environment: Mapping[str, str]) -> int:
    for name in PORTS:
        if text := environment.get(name):
            try:
                return port_number(text, least=1)
            except argparse.ArgumentTypeError as error:
                raise argparse.ArgumentTypeError(f"{name}: {error}") from None
    return DEFAULT_PORT


if __name__ == "__main__":
    sys.exit(main())

"""The command `difx`: files and jobs of a guiServer. Exit status 0 done, 1 failed or refused, 2
usage, 3 done with errors."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence

from commandline import (
    argument,
    carry_out,
    flag,
    number_of_seconds,
    parser_for,
    port_number,
    run_command,
)
from gateways.difx.client import filecommands, jobcommands, replaycommand, watchcommands
from gateways.difx.client.conversation import DEFAULT_PORT, TIMEOUT
from gateways.difx.errors import DifxError
from groundwork.interrupts import ended_as_by_ctrl_c
from groundwork.printable import printable
from zmqjsonproxy.errors import RecordingError

__all__ = ["build_parser", "main"]

PROGRAM = "difx"
HOST = "DIFX_CONTROL_HOST"
PORTS = ("DIFX_CONTROL_PORT", "DIFX_MESSAGE_PORT")
COMMANDS = (
    *filecommands.COMMANDS,
    *jobcommands.COMMANDS,
    *watchcommands.COMMANDS,
    replaycommand.COMMAND,
)
"""All commands, in the order of the help."""

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
    return parser_for(
        PROGRAM,
        "Files and jobs of a guiServer, the original or this project's gateway.",
        commands=COMMANDS,
        common=COMMON,
        required=True,
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

    def run() -> int:
        with ended_as_by_ctrl_c(signal.SIGTERM):
            return int(options.run(options))

    def sentences(error: Exception) -> list[str]:
        if isinstance(error, OSError) and error.filename is not None:
            return [printable(f"{options.command}: {error.filename}: {error.strerror}")]
        return [printable(str(error))]

    return carry_out(
        PROGRAM,
        run,
        failures=(DifxError, RecordingError, OSError, ValueError),
        sentences=sentences,
        interrupted="interrupted",
    )


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

"""The command `dealer`: questions to an array, a scan, and a prompt. Exit status 0 done, 1 failed,
2 usage."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from arrayconfig.logs import bind, log_to
from dealer import (
    alarmcommand,
    commands,
    controlcommand,
    fetchcommand,
    historycommand,
    hostcommands,
    journalcommand,
    keycommands,
    pipecommand,
    plancommand,
    plotcommand,
    propertycommands,
    watchcommand,
)
from dealer.errors import DealerError
from groundwork.commandline import LOG_LEVELS, Parser, argument, command, flag, number_of_seconds
from groundwork.output import run_command
from zmqjsonproxy import ProxyError, recording
from zmqjsonproxy.jsontext import json_text

__all__ = ["build_parser", "main"]


COMMON = (
    argument(
        "--config FILE",
        "configuration of the array (TOML), or portmanager://HOST, which knows where its Players are; default: "
        "$DIBAS_CONFIG, else $DIBAS_DIR/etc/config/dibas.toml",
        default=argparse.SUPPRESS,
    ),
    argument(
        "--timeout S",
        "deadline of a call, s; default: 10; scan, prompt: 180; fetch: 30; hosts: 60 for an order, 5 for a question",
        type=number_of_seconds,
        default=argparse.SUPPRESS,
    ),
    flag("--json", "answer in JSON", default=argparse.SUPPRESS),
    argument(
        "--log-level",
        "least level of what is logged on standard error; default: warning",
        choices=LOG_LEVELS,
        default=argparse.SUPPRESS,
    ),
)


COMMANDS = (
    commands,
    propertycommands,
    watchcommand,
    pipecommand,
    alarmcommand,
    journalcommand,
    historycommand,
    fetchcommand,
    controlcommand,
    hostcommands,
    keycommands,
    plancommand,
    plotcommand,
)
"""Modules that bring commands, in the order of the help."""


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = command(
        "dealer",
        "Conducts the Players of an array. Without a command: a Python prompt with `d`, the Dealer.",
        *COMMON,
        epilog="Exit status: 0 done, 1 failed, 2 usage.",
        defaults={
            "config": None,
            "timeout": None,
            "json": False,
            "log_level": "warning",
            "run": commands.run_shell,
        },
    )
    common = Parser(add_help=False, arguments=COMMON)  # they may stand after the command, too
    subcommands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for module in COMMANDS:
        module.add_commands(subcommands, common)
    recording.add_commands(subcommands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    return run_command("dealer", lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    options = build_parser().parse_args(argv)
    bind("dealer")
    log_to(None, options.log_level)
    try:
        if options.command == "record":  # which itself knows addresses only
            options.server = commands.address_of(options.server, options.config)
        return int(options.run(options))
    except (DealerError, ProxyError) as error:
        if options.json:
            print(json_text({"error": str(error)}))
        commands.complain(error)
    except KeyboardInterrupt:
        print("dealer: interrupted; what was begun goes on at the Players", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

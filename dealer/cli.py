"""The command `dealer`: questions to an array, a scan, and a prompt. Exit status 0 done, 1 failed,
2 usage."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from arrayconfig.logs import bind, log_to
from commandline import (
    LOG_LEVELS,
    argument,
    carry_out,
    flag,
    number_of_seconds,
    parser_for,
    run_command,
)
from dealer import (
    alarmcommand,
    commands,
    controlcommand,
    diffcommand,
    fetchcommand,
    handovercommand,
    historycommand,
    hostcommands,
    journalcommand,
    keycommands,
    pipecommand,
    plancommand,
    plotcommand,
    propertycommands,
    watchcommand,
    whycommand,
)
from dealer.errors import DealerError
from zmqjsonproxy import ProxyError, recording

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
    *commands.COMMANDS,
    whycommand.COMMAND,
    *propertycommands.COMMANDS,
    watchcommand.COMMAND,
    pipecommand.COMMAND,
    alarmcommand.COMMAND,
    journalcommand.COMMAND,
    historycommand.COMMAND,
    diffcommand.COMMAND,
    handovercommand.COMMAND,
    fetchcommand.COMMAND,
    controlcommand.COMMAND,
    hostcommands.COMMAND,
    keycommands.COMMAND,
    plancommand.COMMAND,
    plotcommand.COMMAND,
    *recording.COMMANDS,
)
"""All commands, in the order of the help."""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `dealer`."""
    return parser_for(
        "dealer",
        "Conducts the Players of an array. Without a command: a Python prompt with `d`, the Dealer.",
        commands=COMMANDS,
        common=COMMON,
        epilog="Exit status: 0 done, 1 failed, 2 usage.",
        defaults={
            "config": None,
            "timeout": None,
            "json": False,
            "log_level": "warning",
            "run": commands.run_shell,
            "usage_errors": (),
        },
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    return run_command("dealer", lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    options = build_parser().parse_args(argv)
    bind("dealer")
    log_to(None, options.log_level)

    def run() -> int:
        if options.command == "record":  # which itself knows addresses only
            options.server = commands.address_of(options.server, options.config)
        return int(options.run(options))

    return carry_out(
        "dealer",
        run,
        failures=(DealerError, ProxyError),
        usage_errors=options.usage_errors,
        sentences=commands.sentences,
        interrupted="interrupted; what was begun goes on at the Players",
        as_json=options.json,
    )


if __name__ == "__main__":
    sys.exit(main())

"""Parsers of `player` and of its own commands."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from groundwork.commandline import (
    LOG_LEVELS,
    add_command,
    argument,
    command,
    flag,
    log_level,
    one_of,
)
from player.newbank import BankNames
from zmqjsonproxy.rights import Role

__all__ = [
    "build_parser",
    "check_parser",
    "config_parser",
    "doctor_parser",
    "keys_parser",
    "new_bank_parser",
    "ready_parser",
    "shell_parser",
    "supervisor_parser",
    "systemd_parser",
]

CONFIG = argument(
    "--config FILE",
    "the array's TOML file; default: $DIBAS_CONFIG, else $DIBAS_DIR/etc/config/dibas.toml",
    type=Path,
)
BANK = argument("bank BANK", "default: the one of this host", nargs="?")
SIMULATE = flag("--simulate", "touch no real instrument")
JSON = flag("--json", "answer in JSON")
LOG_JSON = flag("--log-json", "log in JSON, one object a line")
INSTALLATION = (
    flag("--simulate", "start the Players with --simulate"),
    argument(
        "--python EXE",
        "interpreter of the Players; default: the one that runs this",
        type=Path,
        default=Path(sys.executable),
    ),
)
"""How this installation starts Players, for files that make others start them."""
ROLES = tuple(map(str, Role))
AS_IF = "as if `player` were given it"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `player [BANK [URL [simulate]]]`."""
    return command(
        "player",
        "Serve one Bank, until SIGINT or SIGTERM.",
        argument("bank BANK", "Bank to serve; default: the one of this host", nargs="?"),
        argument("url URL", "where to serve calls, tcp://HOST:PORT or service:NAME", nargs="?"),
        argument("word", "this word: the same as --simulate", nargs="?", metavar="simulate"),
        CONFIG,
        argument("--bind ADDRESS", "address to serve on; default: the file's, else 127.0.0.1"),
        argument(
            "--service NAME", "serve at a port that this host's port manager lends under NAME"
        ),
        SIMULATE,
        log_level(more="; while it runs: set_log_level of the Bank, or SIGUSR1 for debug and back"),
        LOG_JSON,
        argument(
            "--ready-within S",
            "end with status 1 if the Bank does not answer S seconds after its start; default: %(default)g",
            type=float,
            default=60.0,
        ),
        flag("--check", "check the configuration and end, as `player check`"),
        epilog="Commands: player supervisor-config, systemd-unit, check, config, doctor, keys, new-bank, ready, shell, "
        "and those of kinds of Banks, as migrate; each has its own --help. "
        "Exit status: 0 done, 1 failed, 2 usage or configuration.",
    )


def check_parser() -> argparse.ArgumentParser:
    """Return the parser of `player check`."""
    text = "Check the configuration, and list every fault."
    return command("player check", text, CONFIG)


def config_parser() -> argparse.ArgumentParser:
    """Return the parser of `player config`."""
    text = "Show the configuration, or print its schema."
    parser = command("player config", text)
    words = parser.add_subparsers(dest="word", required=True, metavar="COMMAND")
    add_command(
        words,
        "show",
        "show the values that hold, and where each comes from",
        argument("bank BANK", "what its Player uses; default: all that the files say", nargs="?"),
        argument("--key PREFIX", "only keys that begin so, as banks.BANKA or modes.", default=""),
        JSON,
        argument("--bind ADDRESS", AS_IF),
        flag("--simulate", AS_IF),
        argument("--log-level", AS_IF, choices=LOG_LEVELS),
        flag("--log-json", AS_IF),
        CONFIG,
    )
    add_command(
        words,
        "schema",
        "print a JSON Schema of the file, for editors",
        argument(
            "--kind KIND",
            "a kind of Banks, may be given several times; default: all that are installed",
            action="append",
        ),
    )
    return parser


def ready_parser() -> argparse.ArgumentParser:
    """Return the parser of `player ready`."""
    return command(
        "player ready",
        "Call a Player until it answers; exit status 0 if it did, 1 if not.",
        BANK,
        argument("url URL", "default: as the configuration says", nargs="?"),
        argument(
            "--timeout S",
            "keep trying so long, s; default: %(default)g",
            type=float,
            default=2.0,
        ),
        CONFIG,
    )


def supervisor_parser() -> argparse.ArgumentParser:
    """Return the parser of `player supervisor-config`."""
    return command(
        "player supervisor-config",
        "Print the supervisord sections of a host's Players.",
        one_of(
            argument("--host NAME", "the Banks of host NAME; default: of this host"),
            flag("--all", "all Banks of the file"),
        ),
        argument("--log-dir DIR", "where logs go; default: /var/log/supervisor", type=Path),
        *INSTALLATION,
        argument(
            "--complete DIR",
            "print a whole supervisord.conf whose socket, pid file and logs are in DIR",
            type=Path,
        ),
        CONFIG,
    )


def systemd_parser() -> argparse.ArgumentParser:
    """Return the parser of `player systemd-unit`."""
    return command(
        "player systemd-unit",
        "Print the systemd unit that serves all Banks of a host, player@.service, for this installation.",
        flag("--port-manager", "print that of the port manager instead"),
        argument("--user NAME", "whose processes they are; default: dibas, or daemon"),
        *INSTALLATION,
        CONFIG,
    )


def shell_parser() -> argparse.ArgumentParser:
    """Return the parser of `player shell`."""
    return command(
        "player shell",
        "A Python prompt with a Bank in this process as `p`; nothing is served. The end of the "
        "prompt closes the Bank.",
        BANK,
        SIMULATE,
        log_level("warning"),
        CONFIG,
    )


def new_bank_parser() -> argparse.ArgumentParser:
    """Return the parser of `player new-bank`."""
    return command(
        "player new-bank",
        "Write a distribution with a kind of Bank of your own: Bank, device, simulator, endpoint, tests, "
        "configuration and README. Its tests pass as it is.",
        argument("name NAME", "name of the kind, as weather-mast", type=_bank_names),
        argument(
            "--into DIR",
            "folder in which the folder NAME is made; default: the current one",
            type=Path,
            default=Path(),
        ),
    )


def keys_parser() -> argparse.ArgumentParser:
    """Return the parser of `player keys`."""
    parser = command("player keys", "Make, list and revoke keys, at the host of their servers.")
    words = parser.add_subparsers(dest="word", required=True, metavar="COMMAND")
    key_dir = argument(
        "--key-dir DIR", "key folder; default: [instrument] key_dir of the configuration", type=Path
    )
    name = argument("name NAME", "of the client")
    add_command(
        words,
        "new",
        "make the key of this host's servers; with a name, let them know a client",
        argument("name NAME", "of the client, as anna; default: the servers themselves", nargs="?"),
        argument("--role ROLE", "its rights: observe, operate or admin", choices=ROLES),
        argument("--export FILE", "make its key, and write a bundle for its owner", type=Path),
        argument("--public KEY", "its public key, which its owner has made: --public='KEY'"),
        argument("--token-digest HEX", "that of its token, for web pages"),
        flag("--replace", "put it in the place of a client of the same name"),
        key_dir,
        CONFIG,
    )
    add_command(words, "list", "show the clients that servers know", JSON, key_dir, CONFIG)
    add_command(words, "show", "show the public key of this host's servers", JSON, key_dir, CONFIG)
    text = "refuse a client from the next second on"
    add_command(words, "revoke", text, name, key_dir, CONFIG)
    return parser


def _bank_names(text: str) -> BankNames:
    try:
        return BankNames.read(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def doctor_parser() -> argparse.ArgumentParser:
    """Return the parser of `player doctor`."""
    return command(
        "player doctor",
        "Say what keeps a Player from working on this host, and what puts it right. Changes nothing, "
        "unless --repair is given.",
        argument("bank BANK", "default: the Banks of this host", nargs="?"),
        flag("--simulate", "look only for what a simulated Player needs"),
        flag(
            "--repair",
            "put right what can be without harm, of Banks that no Player serves: damaged or held status "
            "memory, shared memory that a Player left behind; then look again",
        ),
        JSON,
        CONFIG,
        epilog="Exit status: 0 all is well, 1 something is wrong, 2 usage.",
    )

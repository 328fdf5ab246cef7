"""Parsers of `player` and of its own commands."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from groundwork.commandline import LOG_LEVELS, Parser, add_log_level

__all__ = [
    "build_parser",
    "check_parser",
    "config_parser",
    "doctor_parser",
    "ready_parser",
    "shell_parser",
    "supervisor_parser",
    "systemd_parser",
]


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="the array's TOML file; default: $DIBAS_CONFIG, else $DIBAS_DIR/etc/config/dibas.toml",
    )


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `player [BANK [URL [simulate]]]`."""
    parser = Parser(
        with_version=True,
        prog="player",
        description="Serve one Bank, until SIGINT or SIGTERM.",
        epilog="Commands: player check, config, doctor, ready, shell, supervisor-config, systemd-unit, and those of "
        "kinds of Banks, as migrate; each has its own --help. Exit status: 0 done, 1 failed, 2 usage or configuration.",
    )
    parser.add_argument(
        "bank", nargs="?", metavar="BANK", help="Bank to serve; default: the one of this host"
    )
    parser.add_argument(
        "url",
        nargs="?",
        metavar="URL",
        help="where to serve calls, tcp://HOST:PORT or service:NAME",
    )
    parser.add_argument(
        "word", nargs="?", metavar="simulate", help="this word: the same as --simulate"
    )
    _add_config(parser)
    parser.add_argument(
        "--bind", metavar="ADDRESS", help="address to serve on; default: the file's, else 127.0.0.1"
    )
    parser.add_argument(
        "--service",
        metavar="NAME",
        help="serve at a port that this host's port manager lends under NAME",
    )
    parser.add_argument("--simulate", action="store_true", help="touch no real instrument")
    add_log_level(
        parser, more="; while it runs: set_log_level of the Bank, or SIGUSR1 for debug and back"
    )
    parser.add_argument("--log-json", action="store_true", help="log in JSON, one object a line")
    parser.add_argument(
        "--ready-within",
        type=float,
        default=60.0,
        metavar="S",
        help="end with status 1 if the Bank does not answer S seconds after its start; default: %(default)g",
    )
    parser.add_argument(
        "--check", action="store_true", help="check the configuration and end, as `player check`"
    )
    return parser


def check_parser() -> argparse.ArgumentParser:
    """Return the parser of `player check`."""
    text = "Check the configuration, and list every fault."
    parser = Parser(with_version=True, prog="player check", description=text)
    _add_config(parser)
    return parser


def config_parser() -> argparse.ArgumentParser:
    """Return the parser of `player config`."""
    parser = Parser(
        with_version=True,
        prog="player config",
        description="Show the configuration, or print its schema.",
    )
    words = parser.add_subparsers(dest="word", required=True, metavar="COMMAND")
    text = "show the values that hold, and where each comes from"
    show = words.add_parser("show", help=text, description=f"{text.capitalize()}.")
    show.add_argument(
        "bank",
        nargs="?",
        metavar="BANK",
        help="what its Player uses; default: all that the files say",
    )
    show.add_argument(
        "--key",
        default="",
        metavar="PREFIX",
        help="only keys that begin so, as banks.BANKA or modes.",
    )
    show.add_argument("--json", action="store_true", help="answer in JSON")
    show.add_argument("--bind", metavar="ADDRESS", help="as if `player` were given it")
    show.add_argument("--simulate", action="store_true", help="as if `player` were given it")
    show.add_argument("--log-level", choices=LOG_LEVELS, help="as if `player` were given it")
    show.add_argument("--log-json", action="store_true", help="as if `player` were given it")
    _add_config(show)
    text = "print a JSON Schema of the file, for editors"
    schema = words.add_parser("schema", help=text, description=f"{text[0].upper()}{text[1:]}.")
    schema.add_argument(
        "--kind",
        action="append",
        metavar="KIND",
        help="a kind of Banks, may be given several times; default: all that are installed",
    )
    return parser


def ready_parser() -> argparse.ArgumentParser:
    """Return the parser of `player ready`."""
    parser = Parser(
        with_version=True,
        prog="player ready",
        description="Call a Player until it answers; exit status 0 if it did, 1 if not.",
    )
    parser.add_argument("bank", nargs="?", metavar="BANK", help="default: the one of this host")
    parser.add_argument("url", nargs="?", metavar="URL", help="default: as the configuration says")
    parser.add_argument(
        "--timeout",
        type=float,
        default=2.0,
        metavar="S",
        help="keep trying so long, s; default: %(default)g",
    )
    _add_config(parser)
    return parser


def _add_installation(parser: argparse.ArgumentParser) -> None:
    """Add how this installation starts Players, for files that make others start them."""
    parser.add_argument("--simulate", action="store_true", help="start the Players with --simulate")
    parser.add_argument(
        "--python",
        type=Path,
        default=Path(sys.executable),
        metavar="EXE",
        help="interpreter of the Players; default: the one that runs this",
    )


def supervisor_parser() -> argparse.ArgumentParser:
    """Return the parser of `player supervisor-config`."""
    parser = Parser(
        with_version=True,
        prog="player supervisor-config",
        description="Print the supervisord sections of a host's Players.",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--host", metavar="NAME", help="the Banks of host NAME; default: of this host"
    )
    which.add_argument("--all", action="store_true", help="all Banks of the file")
    parser.add_argument(
        "--log-dir", type=Path, metavar="DIR", help="where logs go; default: /var/log/supervisor"
    )
    _add_installation(parser)
    parser.add_argument(
        "--complete",
        type=Path,
        metavar="DIR",
        help="print a whole supervisord.conf whose socket, pid file and logs are in DIR",
    )
    _add_config(parser)
    return parser


def systemd_parser() -> argparse.ArgumentParser:
    """Return the parser of `player systemd-unit`."""
    parser = Parser(
        with_version=True,
        prog="player systemd-unit",
        description="Print the systemd unit that serves all Banks of a host, player@.service, for this installation.",
    )
    parser.add_argument(
        "--port-manager", action="store_true", help="print that of the port manager instead"
    )
    parser.add_argument(
        "--user", metavar="NAME", help="whose processes they are; default: dibas, or daemon"
    )
    _add_installation(parser)
    _add_config(parser)
    return parser


def shell_parser() -> argparse.ArgumentParser:
    """Return the parser of `player shell`."""
    parser = Parser(
        with_version=True,
        prog="player shell",
        description="A Python prompt with a Bank in this process as `p`; nothing is served. The end of the "
        "prompt closes the Bank.",
    )
    parser.add_argument("bank", nargs="?", metavar="BANK", help="default: the one of this host")
    parser.add_argument("--simulate", action="store_true", help="touch no real instrument")
    add_log_level(parser, "warning")
    _add_config(parser)
    return parser


def doctor_parser() -> argparse.ArgumentParser:
    """Return the parser of `player doctor`."""
    parser = Parser(
        with_version=True,
        prog="player doctor",
        description="Say what keeps a Player from working on this host, and what puts it right. Changes nothing, "
        "unless --repair is given.",
        epilog="Exit status: 0 all is well, 1 something is wrong, 2 usage.",
    )
    parser.add_argument("bank", nargs="?", metavar="BANK", help="default: the Banks of this host")
    parser.add_argument(
        "--simulate", action="store_true", help="look only for what a simulated Player needs"
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="put right what can be without harm, of Banks that no Player serves: damaged or held status memory, "
        "shared memory that a Player left behind; then look again",
    )
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    _add_config(parser)
    return parser

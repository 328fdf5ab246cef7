"""The commands of `player` that need no module of their own: check, config, doctor, new-bank, ready, shell.

Nothing heavy is imported up here: signals have to be taken over before the first second is gone.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commandline import (
    DONE,
    LOG_LEVELS,
    Report,
    Run,
    argument,
    command,
    flag,
    json_text,
    log_level,
    say,
    tell,
)
from player import supervisioncommands
from player.commandconfig import (
    CONFIG,
    JSON,
    SIMULATE,
    chosen_bank,
    load_and_warn,
    load_config,
    local_host,
)
from player.errors import PlayerError
from player.newbank import BankNames
from zmqjsonproxy.rights import Role

if TYPE_CHECKING:
    from player.tables import Config
    from zmqjsonproxy.rights import ClientKeys

__all__ = ["COMMANDS_BY_WORD", "namespace_of_prompt"]


def _check(args: argparse.Namespace) -> int:
    config = load_and_warn(args.config)
    from player.access import key_findings

    for finding in key_findings(config):
        say("warning", finding)
    print(f"{config.source.path}: no faults; Banks: {', '.join(config.banks)}")
    return DONE


def _schema(args: argparse.Namespace) -> int:
    from player.kinds import kind_names
    from player.schema import file_schema

    print(json_text(file_schema(args.kind or kind_names())))
    return DONE


def _settings(args: argparse.Namespace) -> int:
    from dataclasses import fields

    from player.effective import Flags, settings_of

    config = load_and_warn(args.config)
    flags = Flags(**{flag.name: getattr(args, flag.name) for flag in fields(Flags)})
    bank = None if args.bank is None else chosen_bank(config, args.bank)
    settings = [
        one for one in settings_of(config, bank, flags, os.environ) if one.key.startswith(args.key)
    ]
    if settings or args.json:
        told = [one.describe() for one in settings]
        tell(args.json, told, "\n".join(one.line() for one in settings))
    return DONE


def _ready_url(config: Config, bank: str, keys: ClientKeys | None) -> str:
    """Return where a Bank's Player is reached from here: one that serves everywhere is asked at its
    host.

    Raises:
        ServiceError: It has a name, and is not found under it.
        NotReadyError: It serves at a port of a range, and is found at none.
    """
    from groundwork.portranges import has_range
    from player.hosts import banks_here
    from player.ports import is_loopback, local_url, port_of, tcp_url
    from player.services import found_in_range, reached_at
    from portmanager.protocol.urls import is_service

    host, bind = config.banks[bank].hpc_host, tcp_url(config.bind(bank), 1)
    is_elsewhere = local_url(bind) != bind and bank not in banks_here(
        config.bank_hosts, local_host()
    )
    url = config.url(bank)
    if is_service(url):
        return reached_at(url, host if is_elsewhere else None)
    if has_range(url):
        asked = host if is_elsewhere and not is_loopback(bind) else None
        return found_in_range(url, bank, asked, keys=keys)
    if is_elsewhere and not is_loopback(url):
        return tcp_url(host, port_of(url))
    return local_url(url)


def _ready(args: argparse.Namespace) -> int:
    if args.bank is not None and args.url is not None:
        bank, config = args.bank.upper(), None
    else:
        config = load_config(args.config)
        bank = chosen_bank(config, args.bank)
    import time

    from player.access import keys_of_host
    from player.errors import NotReadyError, ServiceError
    from player.host import ask_ready
    from zmqjsonproxy import ThreadHub
    from zmqjsonproxy.keys import KeyRing

    end = time.monotonic() + args.timeout
    keys = KeyRing.load() if config is None else keys_of_host(config)
    with ThreadHub(keys=keys) as hub:
        while True:
            try:
                url = args.url if config is None else _ready_url(config, bank, keys)
                ask_ready(hub, bank, url, max(end - time.monotonic(), 0.05))
            except (NotReadyError, ServiceError):
                if time.monotonic() >= end:
                    raise
                time.sleep(0.05)
            else:
                print(f"ready: {bank} at {url}")
                return DONE


def _shell(args: argparse.Namespace) -> int:
    from player.interactive import InteractiveBank
    from player.logs import set_up_logging
    from player.shell import run_shell

    set_up_logging(args.log_level, args.bank.upper() if args.bank else None)
    with InteractiveBank(
        args.bank, args.config, simulate=args.simulate, environment=os.environ
    ) as bank:
        run_shell(bank)
    return DONE


def namespace_of_prompt(argv: Sequence[str]) -> dict[str, Any]:
    """Return the names of `player shell` for a prompt that somebody else opened; arguments as
    there.

    Without a Bank that can be opened it says why, and `Bank` is there to open one.
    """
    args = COMMANDS_BY_WORD["shell"].build_parser("player").parse_args(argv)
    from player.interactive import InteractiveBank
    from player.logs import set_up_logging
    from player.shell import banner

    set_up_logging(args.log_level, args.bank.upper() if args.bank else None)
    try:
        bank = InteractiveBank(args.bank, args.config, simulate=args.simulate)
    except PlayerError as error:
        say("player", error)
        print('Bank("BANKA", config="FILE") opens one.', file=sys.stderr)
        return {"Bank": InteractiveBank}
    print(banner(bank))
    return {"p": bank, "Bank": InteractiveBank}


def _doctor(args: argparse.Namespace) -> int:
    from player.doctor import examine, repair

    def examined() -> Report:
        return examine(args.config, args.bank, os.environ, simulate=args.simulate)

    report = examined()
    if args.repair:
        if repaired := repair(report):
            report = examined()
        report.repaired = repaired
    return report.show(args.json)


def _new_bank(args: argparse.Namespace) -> int:
    from player.newbank import write_distribution

    folder = write_distribution(args.name, args.into)
    kind, bank = args.name.kind, args.name.holes()["BANK"]
    print(f"{folder}: a Bank of kind {kind}. Next:")
    for line in (
        f"cd {shlex.quote(str(folder))}",
        "python -m pip install --editable '.[test]'",
        "python -m pytest",
        f"player {bank} --simulate --config {kind}.toml",
    ):
        print(f"  {line}")
    return DONE


def _bank_names(text: str) -> BankNames:
    try:
        return BankNames.read(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _keys(word: str) -> Run:
    def run(args: argparse.Namespace) -> int:
        from player.keycommands import run

        return run(word, args)

    return run


_BANK = argument("bank BANK", "default: the one of this host", nargs="?")
_AS_IF = "as if `player` were given it"
_KEY_DIR = argument(
    "--key-dir DIR", "key folder; default: [instrument] key_dir of the configuration", type=Path
)
_KEYS = command(
    "keys",
    None,
    "make, list and revoke keys, at the host of their servers",
    commands=(
        command(
            "new",
            _keys("new"),
            "make the key of this host's servers; with a name, let them know a client",
            argument(
                "name NAME", "of the client, as anna; default: the servers themselves", nargs="?"
            ),
            argument(
                "--role ROLE",
                "its rights: observe, operate or admin",
                choices=tuple(map(str, Role)),
            ),
            argument("--export FILE", "make its key, and write a bundle for its owner", type=Path),
            argument("--public KEY", "its public key, which its owner has made: --public='KEY'"),
            argument("--token-digest HEX", "that of its token, for web pages"),
            flag("--replace", "put it in the place of a client of the same name"),
            _KEY_DIR,
            CONFIG,
        ),
        command(
            "list", _keys("list"), "show the clients that servers know", JSON, _KEY_DIR, CONFIG
        ),
        command(
            "show",
            _keys("show"),
            "show the public key of this host's servers",
            JSON,
            _KEY_DIR,
            CONFIG,
        ),
        command(
            "revoke",
            _keys("revoke"),
            "refuse a client from the next second on",
            argument("name NAME", "of the client"),
            _KEY_DIR,
            CONFIG,
        ),
    ),
)
_ALL = (
    command("check", _check, "check the configuration, and list every fault", CONFIG),
    command(
        "config",
        None,
        "show the configuration, or print its schema",
        commands=(
            command(
                "show",
                _settings,
                "show the values that hold, and where each comes from",
                argument(
                    "bank BANK", "what its Player uses; default: all that the files say", nargs="?"
                ),
                argument(
                    "--key PREFIX", "only keys that begin so, as banks.BANKA or modes.", default=""
                ),
                JSON,
                argument("--bind ADDRESS", _AS_IF),
                flag("--simulate", _AS_IF),
                argument("--log-level", _AS_IF, choices=LOG_LEVELS),
                flag("--log-json", _AS_IF),
                CONFIG,
            ),
            command(
                "schema",
                _schema,
                "print a JSON Schema of the file, for editors",
                argument(
                    "--kind KIND",
                    "a kind of Banks, may be given several times; default: all that are installed",
                    action="append",
                ),
            ),
        ),
    ),
    command(
        "doctor",
        _doctor,
        "say what keeps a Player from working on this host, and what puts it right",
        argument("bank BANK", "default: the Banks of this host", nargs="?"),
        flag("--simulate", "look only for what a simulated Player needs"),
        flag(
            "--repair",
            "put right what can be without harm, of Banks that no Player serves: damaged or held status "
            "memory, shared memory that a Player left behind; then look again",
        ),
        JSON,
        CONFIG,
        description="Say what keeps a Player from working on this host, and what puts it right. Changes nothing, "
        "unless --repair is given.",
        epilog="Exit status: 0 all is well, 1 something is wrong, 2 usage.",
    ),
    _KEYS,
    command(
        "new-bank",
        _new_bank,
        "write a distribution with a kind of Bank of your own",
        argument("name NAME", "name of the kind, as weather-mast", type=_bank_names),
        argument(
            "--into DIR",
            "folder in which the folder NAME is made; default: the current one",
            type=Path,
            default=Path(),
        ),
        description="Write a distribution with a kind of Bank of your own: Bank, device, simulator, endpoint, tests, "
        "configuration and README. Its tests pass as it is.",
    ),
    command(
        "ready",
        _ready,
        "call a Player until it answers; exit status 0 if it did, 1 if not",
        _BANK,
        argument("url URL", "default: as the configuration says", nargs="?"),
        argument(
            "--timeout S",
            "keep trying so long, s; default: %(default)g",
            type=float,
            default=2.0,
        ),
        CONFIG,
    ),
    *supervisioncommands.COMMANDS,
    command(
        "shell",
        _shell,
        "open a Python prompt with a Bank in this process",
        _BANK,
        SIMULATE,
        log_level("warning"),
        CONFIG,
        description="A Python prompt with a Bank in this process as `p`; nothing is served. The end of the "
        "prompt closes the Bank.",
    ),
)
COMMANDS_BY_WORD = {each.name: each for each in _ALL}
"""Word -> command, but those that kinds of Banks bring."""

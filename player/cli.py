"""The command `player`: what the arguments and the environment say, and nothing of how it is done.

Nothing heavy is imported up here: signals have to be taken over before the first second is gone.
"""

from __future__ import annotations

import argparse
import os
import shlex
import stat
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arrayconfig.files import absolute
from groundwork.output import run_command
from player import parsers
from player.errors import BankNameError, ConfigError, KindError, PlayerError
from player.lifecycle import EndRequest, EndSignals, Notifier, force_end

if TYPE_CHECKING:
    from player.tables import Config
    from zmqjsonproxy.rights import ClientKeys

__all__ = ["main"]

DONE, FAILED, USAGE = 0, 1, 2
FIRST_ORDINARY_UID = 1000


def _local_host() -> str:
    import socket

    return socket.gethostname()


def _load(given: Path | None, environment: Mapping[str, str]) -> Config:
    from player.config import find_file, load

    return load(find_file(given, environment), environment)


def _load_and_warn(given: Path | None, environment: Mapping[str, str]) -> Config:
    config = _load(given, environment)
    for warning in config.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return config


def _pick_bank(config: Config, given: str | None) -> str:
    from player.config import pick_bank

    return pick_bank(config, given, _local_host())


def _check(args: argparse.Namespace, environment: Mapping[str, str]) -> int:
    config = _load_and_warn(args.config, environment)
    from player.access import key_findings

    for finding in key_findings(config):
        print(f"warning: {finding}", file=sys.stderr)
    print(f"{config.source.path}: no faults; Banks: {', '.join(config.banks)}")
    return DONE


def _config(args: argparse.Namespace, environment: Mapping[str, str]) -> int:
    from zmqjsonproxy.jsontext import json_text

    if args.word == "schema":
        from player.kinds import kind_names
        from player.schema import file_schema

        print(json_text(file_schema(args.kind or kind_names())))
        return DONE
    from dataclasses import fields

    from player.effective import Flags, settings_of

    config = _load_and_warn(args.config, environment)
    flags = Flags(**{flag.name: getattr(args, flag.name) for flag in fields(Flags)})
    bank = None if args.bank is None else _pick_bank(config, args.bank)
    settings = [
        one for one in settings_of(config, bank, flags, environment) if one.key.startswith(args.key)
    ]
    told = json_text([one.describe() for one in settings])
    print(f"{told}\n" if args.json else "".join(f"{one.line()}\n" for one in settings), end="")
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
        config.bank_hosts, _local_host()
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


def _ready(args: argparse.Namespace, environment: Mapping[str, str]) -> int:
    if args.bank is not None and args.url is not None:
        bank, config = args.bank.upper(), None
    else:
        config = _load(args.config, environment)
        bank = _pick_bank(config, args.bank)
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


def _supervisor_config(args: argparse.Namespace, environment: Mapping[str, str]) -> int:
    from player.hosts import banks_here, banks_of_host
    from player.supervisor import ProgramSettings, complete_conf, control_of, programs

    config = _load_and_warn(args.config, environment)
    if args.all:
        banks = list(config.banks)
    elif args.host is not None:
        banks = banks_of_host(config.bank_hosts, args.host)
    else:
        banks = banks_here(config.bank_hosts, _local_host())
    if not banks:
        known = ", ".join(dict.fromkeys(config.bank_hosts.values()))
        where = args.host or f"{_local_host()}, which this is"
        raise BankNameError(
            f"{config.path} has no Bank on host {where}; give --all, or --host NAME of: {known}"
        )
    settings = ProgramSettings(
        # not resolved: a virtual environment is found by the link's name
        python=args.python.absolute(),
        log_dir=absolute(args.log_dir or args.complete or Path("/var/log/supervisor")),
        simulate=args.simulate,
        environment={
            name: str(absolute(Path(value))) for name, value in _places(environment).items()
        },
    )
    text = programs(config, banks, settings)
    if args.complete is not None:
        hosts = list(dict.fromkeys(config.banks[bank].hpc_host for bank in banks))
        control = (
            control_of(config, hosts[0]) if len(hosts) == 1 else None
        )  # one supervisord is one host's
        text = complete_conf(config, banks, settings, args.complete, control)
        if control is not None and control.credentials:
            _keep_from_others()
    sys.stdout.write(text)
    return DONE


def _systemd_unit(args: argparse.Namespace, environment: Mapping[str, str]) -> int:
    import pwd

    from player.systemd import PLAYER_UNIT, PORT_MANAGER_UNIT, UnitSettings, systemd_unit

    variables = _places(environment)
    if args.config is not None:
        variables["DIBAS_CONFIG"] = str(args.config.absolute())
    text = systemd_unit(
        PORT_MANAGER_UNIT if args.port_manager else PLAYER_UNIT,
        UnitSettings(
            # not resolved: a virtual environment is found by the link's name
            python=args.python.absolute(),
            user=args.user or "",
            simulate=args.simulate,
            environment={} if args.port_manager else variables,
        ),
    )
    sys.stdout.write(text)
    user = text.partition("\nUser=")[2].partition("\n")[0]
    try:
        is_ordinary = pwd.getpwnam(user).pw_uid >= FIRST_ORDINARY_UID
    except KeyError:
        print(
            f"player: there is no user {user} here: useradd --system {user}, or give --user",
            file=sys.stderr,
        )
    else:
        if is_ordinary and not args.port_manager:
            note = "systemd-logind removes the shared memory of ordinary users: RemoveIPC=no in logind.conf keeps it"
            print(f"player: {note}, or take a system user", file=sys.stderr)
    return DONE


def _places(environment: Mapping[str, str]) -> dict[str, str]:
    names = ("DIBAS_DIR", "DIBAS_DATA")
    return {name: environment[name] for name in names if environment.get(name)}


def _keep_from_others() -> None:
    """Make the file that we print into one that nobody else may read; say what has to be done where
    there is none."""
    remedy = "put it where nobody else can read it: chmod 600"
    with suppress(OSError, ValueError):  # ValueError: standard output is no file, or closed
        if stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode):
            os.fchmod(sys.stdout.fileno(), 0o600)
            remedy = "its file can be read by you alone now, mode 0600"
    text = "the hash of the password for orders is in it, without salt, as supervisord wants it"
    print(f"player: {text}; whoever reads it can guess at it; {remedy}", file=sys.stderr)


def _shell(args: argparse.Namespace, environment: Mapping[str, str]) -> int:
    from player.interactive import InteractiveBank
    from player.logs import set_up_logging
    from player.shell import run_shell

    set_up_logging(args.log_level, args.bank.upper() if args.bank else None)
    with InteractiveBank(
        args.bank, args.config, simulate=args.simulate, environment=environment
    ) as bank:
        run_shell(bank)
    return DONE


def namespace_of_prompt(argv: Sequence[str]) -> dict[str, Any]:
    """Return the names of `player shell` for a prompt that somebody else opened; arguments as
    there.

    Without a Bank that can be opened it says why, and `Bank` is there to open one.
    """
    args = parsers.shell_parser().parse_args(argv)
    from player.interactive import InteractiveBank
    from player.logs import set_up_logging
    from player.shell import banner

    set_up_logging(args.log_level, args.bank.upper() if args.bank else None)
    try:
        bank = InteractiveBank(args.bank, args.config, simulate=args.simulate)
    except PlayerError as error:
        print(f'player: {error}\nBank("BANKA", config="FILE") opens one.', file=sys.stderr)
        return {"Bank": InteractiveBank}
    print(banner(bank))
    return {"p": bank, "Bank": InteractiveBank}


def _doctor(args: argparse.Namespace, environment: Mapping[str, str]) -> int:
    from player.doctor import examine, repair
    from zmqjsonproxy.jsontext import json_text

    report, repaired = examine(args.config, args.bank, environment, simulate=args.simulate), []
    if args.repair and (repaired := repair(report)):
        report = examine(args.config, args.bank, environment, simulate=args.simulate)
    told = json_text(report.describe() | ({"repaired": repaired} if args.repair else {}))
    lines = "".join(f"{line}\n" for line in [*repaired, *report.lines()])
    print(f"{told}\n" if args.json else lines, end="")
    return FAILED if report.findings else DONE


def _keys(args: argparse.Namespace, environment: Mapping[str, str]) -> int:
    from player.keycommands import run

    return run(args, environment)


def _new_bank(args: argparse.Namespace, _environment: Mapping[str, str]) -> int:
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


def _url(
    parser: argparse.ArgumentParser, args: argparse.Namespace, config: Config, bank: str
) -> str:
    """Return where to serve: URL or --service, then --bind, then the file."""
    from groundwork.portranges import split_ports
    from portmanager.protocol.urls import ServiceAddress, is_service, own_service

    if args.url is not None and args.service is not None:
        parser.error("give a URL or --service, not both")
    given = args.url if args.service is None else f"service:{args.service}"
    if given is None:
        return config.url(bank, args.bind)
    try:
        if is_service(given):
            return ServiceAddress(own_service(given, bank), config.manager).url
        if args.bind is not None:
            parser.error("give a URL or --bind, not both")
        split_ports(given)
    except ValueError as error:
        parser.error(f"{'URL' if args.service is None else '--service'}: {error}")
    return str(given)


def _serve(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    parser = parsers.build_parser()
    args = parser.parse_args(argv)
    if args.url == "simulate" and args.word is None:  # the URL is left out, as it may be
        args.url, args.word = None, args.url
    if args.word not in (None, "simulate"):
        parser.error(f"the third word can only be `simulate`, not {args.word!r}")
    # Children must not speak in our name.
    notifier = Notifier(os.environ.pop("NOTIFY_SOCKET", None))
    try:
        with EndSignals(
            force=force_end, hang_up_ends=os.isatty(0)
        ) as signals:  # else a daemon, without a terminal
            if args.check:
                config = _load_and_warn(args.config, environment)
                bank = f"; Bank {_pick_bank(config, args.bank)}" if args.bank is not None else ""
                print(f"{config.source.path}: no faults{bank}; Banks: {', '.join(config.banks)}")
                return DONE
            config = _load(args.config, environment)
            bank = _pick_bank(config, args.bank)
            url = _url(parser, args, config, bank)
            import logging

            from player.config import data_root, dibas_dir, state_dir
            from player.host import Host, HostSettings
            from player.lifecycle import run
            from player.logs import LevelSignal, set_up_logging

            set_up_logging(args.log_level, bank, as_json=args.log_json)
            host = Host(
                config,
                bank,
                url,
                bind=args.bind,
                simulate=args.simulate or args.word == "simulate",
                data_root=data_root(config, environment),
                dibas_dir=dibas_dir(environment),
                state_dir=state_dir(environment),
                settings=HostSettings(ready_within=args.ready_within),
            )
            for warning in config.source.warnings:
                # What is open to the network the host says of its true address.
                logging.getLogger(__name__).warning("%s", warning)
            with LevelSignal():
                return DONE if run(host, signals, notifier) else FAILED
    except EndRequest:
        return DONE  # asked to end before there was anything to end


Run = Callable[[Sequence[str], Mapping[str, str]], int]


def _command(
    parser: Callable[[], argparse.ArgumentParser],
    run: Callable[[argparse.Namespace, Mapping[str, str]], int],
) -> Run:
    return lambda argv, environment: run(parser().parse_args(argv), environment)


COMMANDS = {
    "check": _command(parsers.check_parser, _check),
    "config": _command(parsers.config_parser, _config),
    "doctor": _command(parsers.doctor_parser, _doctor),
    "keys": _command(parsers.keys_parser, _keys),
    "new-bank": _command(parsers.new_bank_parser, _new_bank),
    "ready": _command(parsers.ready_parser, _ready),
    "shell": _command(parsers.shell_parser, _shell),
    "supervisor-config": _command(parsers.supervisor_parser, _supervisor_config),
    "systemd-unit": _command(parsers.systemd_parser, _systemd_unit),
}


def _find_command(word: str) -> Run | None:
    """Return what carries out a command, ours or one that a kind brings; None if the word is
    none."""
    if word in COMMANDS or not word.islower():
        return COMMANDS.get(word)
    from player.commands import find_command

    found = find_command(word)
    return None if found is None else found.run


def _first_word(words: Sequence[str]) -> int | None:
    """Return the index of the first word that is neither an option nor an option's value."""
    takes_value = {
        option
        for action in parsers.build_parser()._actions
        if action.nargs is None
        for option in action.option_strings
    }
    index = 0
    while index < len(words):
        if not words[index].startswith("-"):
            return index
        index += 2 if words[index] in takes_value else 1
    return None


def _is_for_a_daemon(words: Sequence[str]) -> bool:
    at = _first_word(words)
    return {"-h", "--help", "--version"}.isdisjoint(words) and (at is None or words[at].isupper())


def _split_command(argv: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return (command word, the other words); options may stand before the command."""
    words = list(argv)
    at = _first_word(words)
    if at is None or _find_command(words[at]) is None:
        return None, words
    return words[at], words[:at] + words[at + 1 :]


def _print_command_like(line: Sequence[str]) -> None:
    """Where a word was taken for a Bank that is not there: name the command that it is like, if
    any."""
    at = _first_word(line)
    if at is None or not line[at].islower():
        return
    import difflib

    from player.commands import BUILT_IN

    for like in difflib.get_close_matches(line[at], (*COMMANDS, *BUILT_IN), n=1, cutoff=0.7):
        if like != line[at]:
            print(f"player: did you mean the command `player {like}`?", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 done, 1 failed, 2 usage or configuration."""
    line = list(sys.argv[1:] if argv is None else argv)
    return run_command("player", lambda: _main(line), must_write=not _is_for_a_daemon(line))


def _main(line: Sequence[str]) -> int:
    try:
        word, words = _split_command(line)
        run = _serve if word is None else _find_command(word) or _serve
        return run(words, os.environ)
    except (ConfigError, BankNameError, KindError) as error:
        for fault in error.faults if isinstance(error, ConfigError) else (error,):
            print(f"player: {fault}", file=sys.stderr)
        _print_command_like(line)
        return USAGE
    except PlayerError as error:
        print(f"player: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return FAILED


if __name__ == "__main__":
    sys.exit(main())

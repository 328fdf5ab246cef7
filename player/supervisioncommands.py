"""The commands `player supervisor-config` and `systemd-unit`: files that make others start Players."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

from arrayconfig.files import absolute
from commandline import DONE, argument, command, flag, one_of, say
from player.commandconfig import CONFIG, INSTALLATION, load_and_warn, local_host
from player.errors import BankNameError

__all__ = ["COMMANDS"]

FIRST_ORDINARY_UID = 1000


def _supervisor_config(args: argparse.Namespace) -> int:
    from player.hosts import banks_here, banks_of_host
    from player.supervisor import ProgramSettings, complete_conf, control_of, programs

    config = load_and_warn(args.config)
    if args.all:
        banks = list(config.banks)
    elif args.host is not None:
        banks = banks_of_host(config.bank_hosts, args.host)
    else:
        banks = banks_here(config.bank_hosts, local_host())
    if not banks:
        known = ", ".join(dict.fromkeys(config.bank_hosts.values()))
        where = args.host or f"{local_host()}, which this is"
        raise BankNameError(
            f"{config.path} has no Bank on host {where}; give --all, or --host NAME of: {known}"
        )
    settings = ProgramSettings(
        # not resolved: a virtual environment is found by the link's name
        python=args.python.absolute(),
        log_dir=absolute(args.log_dir or args.complete or Path("/var/log/supervisor")),
        simulate=args.simulate,
        environment={name: str(absolute(Path(value))) for name, value in _places().items()},
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


def _systemd_unit(args: argparse.Namespace) -> int:
    import pwd

    from player.systemd import PLAYER_UNIT, PORT_MANAGER_UNIT, UnitSettings, systemd_unit

    variables = _places()
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
        say("player", f"there is no user {user} here: useradd --system {user}, or give --user")
    else:
        if is_ordinary and not args.port_manager:
            note = "systemd-logind removes the shared memory of ordinary users: RemoveIPC=no in logind.conf keeps it"
            say("player", f"{note}, or take a system user")
    return DONE


def _places() -> dict[str, str]:
    names = ("DIBAS_DIR", "DIBAS_DATA")
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def _keep_from_others() -> None:
    """Make the file that we print into one that nobody else may read; say what has to be done where
    there is none."""
    remedy = "put it where nobody else can read it: chmod 600"
    with suppress(OSError, ValueError):  # ValueError: standard output is no file, or closed
        if stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode):
            os.fchmod(sys.stdout.fileno(), 0o600)
            remedy = "its file can be read by you alone now, mode 0600"
    text = "the hash of the password for orders is in it, without salt, as supervisord wants it"
    say("player", f"{text}; whoever reads it can guess at it; {remedy}")


COMMANDS = (
    command(
        "supervisor-config",
        _supervisor_config,
        "print the supervisord sections of a host's Players",
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
    ),
    command(
        "systemd-unit",
        _systemd_unit,
        "print the systemd unit that serves all Banks of a host, player@.service, for this installation",
        flag("--port-manager", "print that of the port manager instead"),
        argument("--user NAME", "whose processes they are; default: dibas, or daemon"),
        *INSTALLATION,
        CONFIG,
    ),
)

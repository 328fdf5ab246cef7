"""Where the supervisord of each host answers: `[hosts.X]` of the array's file. Names and addresses,
no sockets.

[hosts.hpc1]                              # as in hpc_host of its Banks
supervisor = "http://hpc1:9001"           # or "unix:///run/supervisor.sock" on this host
user = "dealer"
password_file = "/etc/dibas/supervisor"   # or password = "${SUPERVISOR_PASSWORD}"
"""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dealer.errors import ConfigurationError
from dealer.players import configuration_path, players_of_file
from zmqjsonproxy.configfiles import FilesError, read_tables

__all__ = ["PROGRAM_PREFIX", "HostedBank", "Installation", "SupervisorAddress", "read_installation"]

PROGRAM_PREFIX = "player-"
"""A Bank's Player is supervisord's program `player-<BANK>`; `player supervisor-config` names it
so."""
KEYS = ("supervisor", "user", "password", "password_file")


@dataclass(frozen=True, slots=True)
class SupervisorAddress:
    """Where a supervisord takes orders.

    Attributes:
        host: Name of the host, as in the file.
        url: `http://HOST:PORT` or `unix:///PATH`.
        user: Name to give; empty: none is asked for.
        password: Word to give.
    """

    host: str
    url: str
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class HostedBank:
    """A Bank, its host, and the URL of its Player."""

    name: str
    host: str
    url: str

    @property
    def program(self) -> str:
        """Name of its Player at the supervisord of its host."""
        return PROGRAM_PREFIX + self.name


@dataclass(frozen=True, slots=True)
class Installation:
    """What the file says of hosts.

    Attributes:
        supervisors: Host -> its supervisord, in file order.
        banks: Bank -> where it is at home, in the Dealer's order.
        source: The file, for messages.
    """

    supervisors: Mapping[str, SupervisorAddress]
    banks: Mapping[str, HostedBank]
    source: str = ""

    def choose(self, names: Iterable[str]) -> list[HostedBank]:
        """Return the Banks that are meant, in the Dealer's order: by their own names, or all of a
        host.

        Args:
            names: Of Banks or hosts; none: all Banks that have a supervisord.

        Raises:
            ConfigurationError: Names every one that is neither Bank nor host, and Banks without a
                supervisord.
        """
        wanted = list(names)
        hosts = {*self.supervisors, *(bank.host for bank in self.banks.values())}
        known = [*self.banks, *hosts]
        faults: list[str] = []
        chosen: set[str] = set()
        for name in wanted:
            if name in self.banks:
                chosen.add(name)
            elif name in hosts:
                chosen |= {bank.name for bank in self.banks.values() if bank.host == name}
            else:
                close = difflib.get_close_matches(name, known, n=1)
                hint = f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"
                faults.append(f"{name} is neither Bank nor host{hint}")
        if not wanted:
            chosen = {bank.name for bank in self.banks.values() if bank.host in self.supervisors}
        without = sorted(
            {
                self.banks[name].host
                for name in chosen
                if self.banks[name].host not in self.supervisors
            }
        )
        faults += [f"[hosts.{host}] is missing: where is its supervisord?" for host in without]
        if faults:
            raise ConfigurationError(self.source, faults)
        return [bank for name, bank in self.banks.items() if name in chosen]


def read_installation(config: str | os.PathLike[str] | None = None) -> Installation:
    """Read the hosts of the array's file.

    Args:
        config: As of the Dealer.

    Raises:
        ConfigurationError: With every fault.
    """
    path = configuration_path(config)
    urls = players_of_file(path)
    try:
        content = read_tables(path, os.environ, (("hosts", "*"), ("banks", "*", "hpc_host")))
    except FilesError as error:
        raise ConfigurationError(
            str(path), [str(fault).removeprefix(f"{path}: ") for fault in error.faults]
        ) from error
    tables = content.get("hosts", {})
    faults: list[str] = []
    if not isinstance(tables, dict) or not tables:
        faults.append(
            'no [hosts.X] is there; one for each host, with supervisor = "http://X:9001" or "unix:///PATH"'
        )
        tables = {}
    directory = path if path.is_dir() else path.parent
    supervisors = {name: _address(name, table, directory, faults) for name, table in tables.items()}
    if faults:
        raise ConfigurationError(str(path), faults)
    banks = {
        name: HostedBank(name, content["banks"][name]["hpc_host"], url)
        for name, url in urls.items()
    }
    return Installation(supervisors, banks, str(path))


def _address(host: str, table: Any, directory: Path, faults: list[str]) -> SupervisorAddress:
    where = f"hosts.{host}"
    if not isinstance(table, dict):
        faults.append(f"{where}: a table")
        return SupervisorAddress(host, "")
    for key in table:
        if key not in KEYS:
            faults.append(f"{where}.{key}: unknown key; there are {', '.join(KEYS)}")
        elif not isinstance(table[key], str) or not table[key]:
            found = "" if key == "password" else f", found {table[key]!r}"
            faults.append(f"{where}.{key}: text is expected{found}")
    texts = {key: value for key in KEYS if isinstance(value := table.get(key), str)}
    url, user, password = (
        texts.get("supervisor", ""),
        texts.get("user", ""),
        texts.get("password", ""),
    )
    if "supervisor" not in table:
        faults.append(
            f'{where}.supervisor: missing; "http://{host}:9001", or "unix:///PATH" on this host'
        )
    elif (wrong := _wrong_url(url)) and isinstance(table["supervisor"], str):
        faults.append(f"{where}.supervisor: {wrong}")
    if password and "password_file" in texts:
        faults.append(f"{where}: password and password_file: one of them")
    elif "password_file" in texts:
        password = _password(where, directory / Path(texts["password_file"]).expanduser(), faults)
    if bool(user) != bool(password) and not faults:
        faults.append(
            f"{where}: user and password belong together; {'password' if user else 'user'} is missing"
        )
    if url.startswith("http:") and not user and not faults:
        faults.append(
            f"{where}: over the network supervisord wants user and password: who reaches it can run programs"
        )
    return SupervisorAddress(host, url, user, password)


def _wrong_url(url: str) -> str:
    """Say what is wrong with the address of a supervisord; empty: nothing."""
    if "@" in url:
        return "user and password have keys of their own"
    form = f'{url!r} is no "http://HOST:PORT" and no "unix:///PATH"'
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return form
    if parts.scheme == "unix" and not parts.netloc and parts.path.startswith("/"):
        return ""
    return (
        ""
        if parts.scheme == "http" and parts.hostname and port and parts.path in ("", "/")
        else form
    )


def _password(where: str, path: Path, faults: list[str]) -> str:
    """Return the first line of a file that only its owner may read."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        faults.append(f"{where}.password_file: {path} cannot be read: {why}")
        return ""
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        faults.append(
            f"{where}.password_file: others may read {path} (mode {mode:04o}); chmod 600 {path}"
        )
    if not lines or not lines[0].strip():
        faults.append(f"{where}.password_file: {path} is empty; the password is its first line")
        return ""
    return lines[0].strip()

"""Hosts of an array: where the supervisord of each takes orders, and where a Player answers.

[hosts.hpc1]                              # as in hpc_host of its Banks
supervisor = "http://hpc1:9001"           # or "unix:///run/supervisor.sock" on this host
user = "dealer"
password_file = "/etc/dibas/supervisor"   # or password = "${SUPERVISOR_PASSWORD}"
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from groundwork.addresses import bind_address, is_every_address, is_ip

__all__ = [
    "DEFAULT_PORT",
    "SUPERVISOR_FORM",
    "SupervisorAddress",
    "checked_supervisor",
    "reachable_host",
    "read_supervisors",
]

DEFAULT_PORT = 6667
"""Of a Player whose table has none; the original's."""
SUPERVISOR_FORM = r"^(http://[^/@\s]+:\d+/?|unix:///\S.*)$"
KEYS = ("supervisor", "user", "password", "password_file")


@dataclass(frozen=True, slots=True)
class SupervisorAddress:
    """Address at which a supervisord takes orders.

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


def reachable_host(host: str, bind: object) -> str:
    """Return the host to ask a Player at, of `hpc_host` and of the `bind` that holds for it.

    Bound to one address it is asked there; bound to none in particular, or to all, at its host. A
    file whose Players all keep to the loopback address (the default) describes one host.
    """
    address = bind_address(bind) if isinstance(bind, str) else ""
    return address if is_ip(address) and not is_every_address(address) else host


def checked_supervisor(address: str) -> str:
    """Return the address of a supervisord.

    Raises:
        ValueError: It is none, with what to write instead.
    """
    match = re.match(SUPERVISOR_FORM.replace("$", r"\Z"), address)
    if match and not _has_wrong_port(address):
        return address
    found = "" if "@" in address else f"{address!r} is "
    own = " (user and password have keys of their own)" if "@" in address else ""
    raise ValueError(
        f'{found}no address of a supervisord; expected "http://HOST:PORT", as "http://hpc1:9001", '
        f'or, on this host, "unix:///PATH", as "unix:///run/supervisor.sock"{own}'
    )


def _has_wrong_port(address: str) -> bool:
    port = re.search(r":(\d+)/?\Z", address)
    return address.startswith("http:") and port is not None and not 0 < int(port[1]) < 65536


def read_supervisors(
    tables: object, directory: Path
) -> tuple[Mapping[str, SupervisorAddress], list[str]]:
    """Read the tables `[hosts.X]`.

    Args:
        tables: Host -> table, as the file has them.
        directory: Where relative paths of password files begin.

    Returns:
        Host -> its supervisord, in file order; all that is wrong, in sentences.
    """
    faults: list[str] = []
    if not isinstance(tables, dict) or not tables:
        faults.append(
            'no [hosts.X] is there; one for each host, with supervisor = "http://X:9001" or '
            '"unix:///PATH"'
        )
        tables = {}
    return {
        name: _address(name, table, directory, faults) for name, table in tables.items()
    }, faults


def _address(host: str, table: object, directory: Path, faults: list[str]) -> SupervisorAddress:
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
    elif isinstance(table["supervisor"], str):
        try:
            checked_supervisor(url)
        except ValueError as error:
            faults.append(f"{where}.supervisor: {error}")
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

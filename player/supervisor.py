"""The supervisord file of a host's Players, made from the configuration. Text only: starts and
writes nothing.

What "running" means: supervisord calls a program RUNNING when it has lived for `startsecs`. A
Player ends with status 1 if it does not answer a call on its own socket within `--ready-within`,
which is less; so a RUNNING Player is a ready one.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import stat
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from player.errors import ConfigError, UnwritableError
from player.tables import Config

__all__ = [
    "ProgramSettings",
    "SupervisorControl",
    "complete_conf",
    "control_of",
    "program_name",
    "programs",
]

READY_WITHIN = (
    30  # s; a start takes 2 s on an idle host, and 20 s on one with ten times too much to do
)
START_SECONDS = READY_WITHIN + 1
START_RETRIES = 1000
STOP_SECONDS = 8  # s; a Player ends within 5
SOCKET_PATH_MAX = (
    90  # bytes; the limit of the system is 107, and supervisord appends its pid while it binds
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramSettings:
    """Settings that the programs of a host have in common.

    Attributes:
        python: The interpreter that has the package.
        log_dir: Where their logs go.
        simulate: Start them with `--simulate`.
        environment: Variables to set, `DIBAS_...`.
    """

    python: Path
    log_dir: Path
    simulate: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


def program_name(bank: str) -> str:
    """Return the name under which supervisord knows a Bank's Player."""
    return f"player-{bank}"


def _escaped(text: str) -> str:
    """Supervisord expands `%(name)s` in every value."""
    return text.replace("%", "%%")


def _quoted(value: str) -> str:
    """Return a value of `environment=`: quoted, so that commas are no separators. There are no
    escapes in it."""
    if value != value.strip("'\"") or ('"' in value and "'" in value):
        raise UnwritableError(value)
    quote = "'" if '"' in value else '"'
    return f"{quote}{_escaped(value)}{quote}"


def _checked(text: str) -> str:
    """Refuse a value that supervisord would cut: ` ;` and ` #` begin a comment wherever they
    stand."""
    for line in text.splitlines():
        if not line.startswith(";") and (" ;" in line or " #" in line):
            raise UnwritableError(line)
    return text


def _program(config: Config, bank: str, settings: ProgramSettings) -> str:
    command = [
        str(settings.python),
        "-m",
        "player.cli",
        bank,
        "--config",
        str(config.path.resolve()),
    ]
    command += ["--ready-within", str(READY_WITHIN)]
    if settings.simulate:
        command.append("--simulate")
    log = _escaped(
        _escaped(f"{settings.log_dir / program_name(bank)}.log")
    )  # supervisord expands this value twice
    variables = {"PYTHONUNBUFFERED": "1", **settings.environment}
    lines = [
        f"[program:{program_name(bank)}]",
        f"; {config.banks[bank].kind} on {config.banks[bank].hpc_host}, {config.url(bank)}",
        f"command={_escaped(shlex.join(command))}",
        "environment=" + ",".join(f"{name}={_quoted(value)}" for name, value in variables.items()),
        "autostart=true",
        "; back after a crash; not after an end that was asked for",
        "autorestart=unexpected",
        "exitcodes=0",
        "; a Player that is not ready by then has ended by itself",
        f"startsecs={START_SECONDS}",
        "; tried again for days, each pause a second longer than the one before: nobody is there at night",
        f"startretries={START_RETRIES}",
        "stopsignal=TERM",
        f"stopwaitsecs={STOP_SECONDS}",
        "stopasgroup=true",
        "killasgroup=true",
        f"stdout_logfile={log}",
        "stdout_logfile_maxbytes=10MB",
        "stdout_logfile_backups=5",
        "redirect_stderr=true",
    ]
    return _checked("\n".join(lines) + "\n")


def programs(config: Config, banks: Sequence[str], settings: ProgramSettings) -> str:
    """Return one `[program:player-<BANK>]` section for each Bank, to be included by an existing
    supervisord.conf."""
    head = f"; Players of {', '.join(banks)}, from {config.path.name}; remake it with `player supervisor-config`.\n"
    return head + "\n" + "\n".join(_program(config, bank, settings) for bank in banks)


def _socket_path(directory: Path) -> Path:
    """Return where the control socket goes: into the directory, unless its name is too long for a
    socket.

    Then into the user's own runtime directory, where nobody else can put something of that name;
    the common one for temporary files is the last resort.
    """
    path = directory / "supervisor.sock"
    if len(str(path).encode()) <= SOCKET_PATH_MAX:
        return path
    tag = hashlib.sha256(str(directory).encode()).hexdigest()[:16]
    own = Path(f"/run/user/{os.getuid()}")
    folder = own if os.access(own, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
    return folder / f"dealer-player-{tag}.sock"


@dataclass(frozen=True, slots=True)
class SupervisorControl:
    """Where `dealer hosts` gives its orders to a host's supervisord.

    Attributes:
        url: `http://HOST:PORT` or `unix:///PATH`.
        user: Empty: none is asked for.
        password: Of the user.
    """

    url: str
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def credentials(self) -> list[str]:
        """Lines of a section; of the password only the hash, in hexadecimal digits."""
        if not self.user:
            return []
        digest = hashlib.sha1(self.password.encode()).hexdigest()  # the one that supervisord knows
        return [f"username={_escaped(self.user)}", "password={SHA}" + digest]


def control_of(config: Config, host: str) -> SupervisorControl | None:
    """Return what `[hosts.X]` says of a host; None if it is not there.

    Raises:
        ConfigError: Its variables are not set, or its password cannot be read or is not secret.
    """
    table = config.hosts.get(host)
    unset = [
        config.fault(key, text)
        for key, texts in config.source.unresolved.items()
        for text in texts
        if key[:2] == ("hosts", host)
    ]
    if unset or table is None:
        if unset:
            raise ConfigError(unset)
        return None
    key = ("hosts", host)
    password = table.password or ""
    if table.password_file is not None:
        path = config.directory / Path(table.password_file).expanduser()
        try:
            if stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
                raise ConfigError(
                    [
                        config.fault(
                            (*key, "password_file"), f"others may read {path}; chmod 600 {path}"
                        )
                    ]
                )
            password = (path.read_text(encoding="utf-8").splitlines() or [""])[0].strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                [config.fault((*key, "password_file"), f"{path} cannot be read: {error}")]
            ) from error
    if bool(table.user) != bool(password):
        raise ConfigError(
            [config.fault(key, "user and password (or password_file) belong together")]
        )
    if table.supervisor.startswith("http:") and not table.user:
        raise ConfigError(
            [
                config.fault(
                    key, "over the network: user and password are needed; orders run programs"
                )
            ]
        )
    return SupervisorControl(table.supervisor, table.user or "", password)


def _control_sections(control: SupervisorControl | None, here: Path) -> tuple[list[str], str]:
    """Return the sections for orders, and the socket file, which there is always: for
    supervisorctl."""
    path, credentials, inet = str(_socket_path(here)), list[str](), list[str]()
    if control is not None and control.url.startswith("unix://"):
        path, credentials = control.url.removeprefix("unix://"), control.credentials
    elif control is not None:
        address = control.url.removeprefix("http://").rstrip("/")
        inet = ["[inet_http_server]", f"port={_escaped(address)}", *control.credentials, ""]
    return [
        "[unix_http_server]",
        f"file={_escaped(path)}",
        "chmod=0700",
        *credentials,
        "",
        *inet,
    ], path


def complete_conf(
    config: Config,
    banks: Sequence[str],
    settings: ProgramSettings,
    directory: Path,
    control: SupervisorControl | None = None,
) -> str:
    """Return a whole supervisord.conf whose socket, pid file and log are in `directory`, which must
    exist.

    Args:
        config: The configuration.
        banks: Of the host.
        settings: Of all its programs.
        directory: Where what supervisord makes goes.
        control: Where it takes orders from elsewhere; None: nowhere.
    """
    here = directory.resolve()
    sections, path = _control_sections(control, here)
    lines = [
        *sections,
        "[supervisord]",
        f"pidfile={_escaped(str(here / 'supervisord.pid'))}",
        f"logfile={_escaped(str(here / 'supervisord.log'))}",
        "logfile_maxbytes=10MB",
        "logfile_backups=3",
        f"childlogdir={_escaped(str(settings.log_dir))}",
        "",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
        "",
        "[supervisorctl]",
        f"serverurl=unix://{_escaped(path)}",
        "",
    ]
    return _checked("\n".join(lines) + "\n") + programs(config, banks, settings)

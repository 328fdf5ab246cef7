"""The table of a Bank of the kind `difx`, and faults that no single key of it shows."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from gateways.difx.rootfolders import ONLY_ROOT
from groundwork.errors import did_you_mean
from player.errors import Fault
from player.hosts import banks_here
from player.tables import BankConfig, Config, Table
from player.tomlfile import KeyPath

__all__ = [
    "PLACE_HOLDER",
    "CommandConfig",
    "DifxBankConfig",
    "RunnerConfig",
    "config_faults",
    "folder_fault",
    "program_fault",
]

Text = Annotated[str, Field(min_length=1)]
ROOT_FORM = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,60}$"
PROFILE_FORM = r"^[A-Za-z0-9_.+-]{1,60}$"
PLACE_HOLDER = re.compile(r"\{(\w+)\}")
JOB_PLACES = frozenset({"input", "stem", "folder", "restart", "machines", "threads", "monitor"})
"""In arguments of check, run and products; paths are absolute, so that none is taken for an option."""
PREPARE_PLACES = frozenset({"file", "folder", "model"})
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _places(words: list[str], known: frozenset[str]) -> list[str]:
    """Refuse a program that is looked for in the folder of a job, and a place holder that stands
    for nothing."""
    if "/" in words[0] and not os.path.isabs(words[0]):
        raise ValueError(f"{words[0]!r}: name a program on the PATH, or its absolute path")
    for word in words:
        for name in PLACE_HOLDER.findall(word):
            if name not in known:
                told = ", ".join(f"{{{each}}}" for each in sorted(known))
                hint = did_you_mean(name, known)
                raise ValueError(f"{word!r}: {{{name}}} stands for nothing; there are {told}{hint}")
    return words


def _job_command(words: list[str]) -> list[str]:
    """Refuse place holders that jobs have not."""
    return _places(words, JOB_PLACES)


def _prepare_command(words: list[str]) -> list[str]:
    """Refuse place holders that preparations have not."""
    return _places(words, PREPARE_PLACES)


def _beside(pattern: str) -> str:
    """Refuse a pattern of output that is not beside the input."""
    for name in PLACE_HOLDER.findall(pattern):
        if name != "job":
            raise ValueError(f"{pattern!r}: {{{name}}} stands for nothing here; there is {{job}}")
    if "/" in pattern or pattern in (".", ".."):
        raise ValueError(f"{pattern!r}: output is beside the input; write a name as {{job}}.difx")
    if not pattern.replace("{job}", "", 1).strip("*?") or "{job}" not in pattern:
        raise ValueError(f"{pattern!r}: has to have the name of the job in it, as {{job}}.difx")
    return pattern


def _variable(name: str) -> str:
    """Refuse what is no name of a variable."""
    if not _VARIABLE.fullmatch(name):
        raise ValueError(f"{name!r} is no name of an environment variable")
    return name


JobCommand = Annotated[list[Text], Field(min_length=1), AfterValidator(_job_command)]
PrepareCommand = Annotated[list[Text], Field(min_length=1), AfterValidator(_prepare_command)]


class RunnerConfig(Table):
    """`[banks.X.runner.NAME]`: a profile, by which jobs are run.

    Programs are argument lists, never given to a shell. Either `run`, or `player` and `method`.
    """

    check: JobCommand | None = Field(None, description="checks a job; without it none is checked")
    run: JobCommand | None = Field(None, description="runs a job")
    player: Text | None = Field(None, description="Bank of this file that runs jobs")
    method: Text | None = Field(None, description="its operation, which takes the path of the job")
    prepare: PrepareCommand | None = Field(
        None, description="prepares jobs; prints a line `FILE path` for each file that it made"
    )
    products: JobCommand | None = Field(
        None, description="prints live visibilities of a running job"
    )
    banks: list[Text] | None = Field(
        None, description="Banks whose published spectra are the live products, in its place"
    )
    output: list[Annotated[str, AfterValidator(_beside)]] = Field(
        default_factory=lambda: ["{job}.difx"],
        description="output of a job beside its input: what must not exist before, or is removed",
    )
    grace: float = Field(
        10.0, ge=0, le=600, description="time between interrupt and terminate of a stop, s"
    )

    @model_validator(mode="after")
    def _runs_somehow(self) -> Self:
        """Refuse a profile that runs nothing, or in two ways."""
        if (self.player is None) != (self.method is None):
            raise ValueError("player and method go together: which Bank, and which of its methods")
        if (self.run is None) == (self.player is None):
            raise ValueError(
                'say how jobs are run: run = ["program", "{input}"], or player and method'
            )
        if self.products is not None and self.banks is not None:
            raise ValueError(
                "live products come from a program, `products`, or from `banks`; not both"
            )
        return self

    @property
    def programs(self) -> Iterator[tuple[str, Sequence[str]]]:
        """Its programs that are there, by key."""
        for key in ("check", "run", "prepare", "products"):
            if (words := getattr(self, key)) is not None:
                yield key, words


class CommandConfig(Table):
    """`[banks.X.commands.NAME]`: a command that clients may give to Players."""

    player: Text = Field(description="Banks of this file, a name or a pattern as recorder-*")
    call: str = Field(
        pattern=r"^([A-Za-z]\w*\.)?[A-Za-z]\w*$", description="method of the Bank, or PART.METHOD"
    )
    arguments: list[Any] = Field(default_factory=list, description="that it is called with")
    timeout: float = Field(60.0, gt=0, le=3600, description="for its answer, s")


class DifxBankConfig(BankConfig):
    """`[banks.X]` with `kind = "difx"`."""

    root: Text | dict[Annotated[str, Field(pattern=ROOT_FORM)], Text] = Field(
        description="folder that is the clients' /; or several by name, each a folder in it"
    )
    base: Annotated[str, Field(pattern="^(/|$)")] = Field(
        "/", description="path that clients are told as DIFX_BASE; may be empty"
    )
    versions: list[Text] | None = Field(
        None, description="names of runner profiles that clients are offered; default: all"
    )
    difx_version: str | None = Field(
        None, description="version of DiFX that clients are told; default: none"
    )
    environment: list[Annotated[str, AfterValidator(_variable)]] = Field(
        default_factory=list, description="variables that clients may read"
    )
    keep_jobs: bool = Field(True, description="jobs outlive the connection of their client")
    max_jobs: int = Field(8, ge=1, le=1000, description="jobs that run at once")
    runner: dict[Annotated[str, Field(pattern=PROFILE_FORM)], RunnerConfig] = Field(
        default_factory=dict, description="profiles, the first is the default"
    )
    commands: dict[Text, CommandConfig] = Field(
        default_factory=dict, description="commands that clients may give; no other is allowed"
    )

    def root_folders(self, directory: Path) -> dict[str, Path]:
        """Return the roots by name, ONLY_ROOT for one alone; relative paths begin at `directory`."""
        roots = {ONLY_ROOT: self.root} if isinstance(self.root, str) else self.root
        return {name: directory / os.path.expanduser(path) for name, path in roots.items()}

    @property
    def offered(self) -> list[str]:
        """Names of the profiles that clients are offered."""
        return list(self.runner) if self.versions is None else self.versions

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        """Refuse no root at all."""
        if not self.root:
            raise ValueError('root: name a folder, as root = "/data/scans"')
        return self


def config_faults(config: Config) -> list[Fault]:
    """Return the faults of all Banks of this kind, of names and of this host."""
    here = set(banks_here(config.bank_hosts, socket.gethostname()))
    found: list[Fault] = []
    for name, bank in config.banks.items():
        if isinstance(bank, DifxBankConfig):
            key: KeyPath = ("banks", name)
            found += [config.fault((*key, *at), text) for at, text in _names(config, bank)]
            if name in here:
                found += [config.fault((*key, *at), text) for at, text in _of_host(config, bank)]
    return found


_Found = Iterator[tuple[tuple[str, ...], str]]


def _names(config: Config, bank: DifxBankConfig) -> _Found:
    """Yield keys with names that mean nothing."""
    for version in bank.versions or ():
        if version not in bank.runner:
            hint = did_you_mean(version, bank.runner)
            text = f"{version} is no runner profile; make a table runner.{version}{hint}"
            yield ("versions",), text
    banks = config.bank_names
    for profile, runner in bank.runner.items():
        named = [("player", runner.player)] if runner.player else []
        named += [("banks", each) for each in runner.banks or ()]
        for key, each in named:
            if each not in banks:
                text = (
                    f"{each} is no Bank of this file; name one of them{did_you_mean(each, banks)}"
                )
                yield ("runner", profile, key), text
    for name, command in bank.commands.items():
        if not any(fnmatchcase(each.lower(), command.player.lower()) for each in banks):
            hint = did_you_mean(command.player, banks)
            text = f"{command.player} fits no Bank of this file; name one, or a pattern{hint}"
            yield ("commands", name, "player"), text


def _of_host(config: Config, bank: DifxBankConfig) -> _Found:
    """Yield keys that name what is not on this host."""
    for name, folder in bank.root_folders(config.directory).items():
        if why := folder_fault(folder):
            yield ("root", name) if name else ("root",), f"{folder} {why}; make it, or correct root"
    for profile, runner in bank.runner.items():
        if runner.run is not None and (why := program_fault(runner.run[0])):
            yield ("runner", profile, "run"), f"{why}, or correct it"


def folder_fault(folder: Path) -> str:
    """Return why a folder cannot be used; empty: it can."""
    try:
        is_folder = folder.is_dir()
    except OSError as error:
        return f"cannot be found: {error.strerror}"
    if not is_folder:
        return "is no folder" if folder.exists() else "does not exist"
    return "" if os.access(folder, os.R_OK | os.X_OK) else "cannot be read"


def program_fault(program: str) -> str:
    """Return why a program cannot be started, with a remedy; empty: it can."""
    if shutil.which(program) is not None:
        return ""
    if not os.path.dirname(program):
        return f"{program} is not on the PATH; install it"
    if os.path.isfile(program):
        return f"{program} cannot be executed; allow it, chmod +x {program}"
    return f"{program} is not there; put it there"

"""Two supervisords with toy Players on the loopback address: one takes orders on a TCP port, one on
a socket file."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.dealers import dealer_here
from support.player_run import DEADLINE, clean_environment, free_port, player
from support.toy_bank import ToyBank

from zmqjsonproxy.interface import current_operation, operation, query

HOSTS: Mapping[str, Sequence[str]] = {"hpc1": ("BANKA", "BANKB"), "hpc2": ("BANKC",)}


class SupervisedBank(ToyBank):
    """Has a long operation; cannot be opened, or has a scan, while there is a file that says so."""

    def open(self) -> None:
        if (self.context.data_root / f"broken-{self.context.name}").exists():
            raise OSError(5, "the board does not answer")

    @query
    def scan_status(self) -> list[Any]:
        """Return whether a scan runs."""
        return [
            (self.context.data_root / f"scanning-{self.context.name}").exists(),
            "NETSTAT=receiving",
        ]

    @operation
    def sweep(self, seconds: float) -> str:
        """Take long."""
        current_operation().progress(0.5, "sweeping")
        current_operation().wait(seconds)
        return "swept"


@dataclass(frozen=True)
class SupervisedArray:
    """The array that runs.

    Attributes:
        directory: Of its files.
        ports: Host or Bank -> TCP port.
    """

    directory: Path
    ports: Mapping[str, int]

    @property
    def config(self) -> Path:
        """The array's file."""
        return self.directory / "dibas.toml"

    def write(self, path: Path, **hosts: str) -> Path:
        """Write the array's file; `hosts`: host -> other lines of its table."""
        tables = {
            "hpc1": f'supervisor = "http://127.0.0.1:{self.ports["hpc1"]}"\n'
            'user = "dealer"\npassword_file = "password"',
            "hpc2": f'supervisor = "unix://{self.directory}/hpc2/s.sock"',
        }
        text = "".join(f"[hosts.{host}]\n{lines}\n" for host, lines in (tables | hosts).items())
        for host, banks in HOSTS.items():
            for bank in banks:
                text += f'[banks.{bank}]\nkind = "support.supervised_array:SupervisedBank"\nhpc_host = "{host}"\n'
                text += f'player_port = {self.ports[bank]}\nbind = "127.0.0.1"\n'
        path.write_text(text)
        return path

    def broken(self, bank: str) -> Path:
        """The file whose existence keeps a Bank from being opened."""
        return self.directory / f"broken-{bank}"

    def command(self, *words: str, config: Path | None = None) -> list[str]:
        """The command `dealer hosts ...`."""
        return [
            sys.executable,
            "-m",
            "dealer.cli",
            "--config",
            str(config or self.config),
            "hosts",
            *words,
        ]

    def hosts(self, *words: str, config: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run it to its end, in this process: a test looks again and again."""
        return dealer_here(*self.command(*words, config=config)[3:])


def start_supervisord(conf: Path) -> subprocess.Popen[bytes]:
    """Start a supervisord with a file, in whose folder it runs."""
    program = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "--nodaemon"]
    with (conf.parent / "output").open("wb") as output:
        return subprocess.Popen(
            [*program, "-c", str(conf)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=conf.parent,
            env=clean_environment(),
        )


@contextlib.contextmanager
def supervised_array(directory: Path) -> Iterator[SupervisedArray]:
    """Run two supervisords with the files that `player supervisor-config` makes."""
    array = SupervisedArray(
        directory, {name: free_port() for name in ("hpc1", "BANKA", "BANKB", "BANKC")}
    )
    password = directory / "password"
    password.touch(mode=0o600)
    password.write_text("a secret: 100%\n")
    config = array.write(array.config)
    running: list[subprocess.Popen[bytes]] = []
    try:
        for host in HOSTS:
            home = directory / host
            home.mkdir()
            environment = clean_environment(DIBAS_DATA=str(directory))
            made = player(
                "supervisor-config",
                "--config",
                config,
                "--host",
                host,
                "--complete",
                home,
                env=environment,
            )
            assert (made.returncode, "chmod 600" in made.stderr) == (0, host == "hpc1"), (
                made.stderr
            )  # has a password
            (home / "supervisord.conf").write_text(made.stdout)
            running.append(start_supervisord(home / "supervisord.conf"))
        for banks in HOSTS.values():
            for bank in banks:
                ready = player("ready", bank, "--config", config, "--timeout", str(DEADLINE - 5))
                assert ready.returncode == 0, ready.stderr
        yield array
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(DEADLINE)

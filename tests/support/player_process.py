"""Players as processes of their own, for tests. The first line such a process prints is its URL."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from groundwork.closing import Closing

_ROOT = Path(__file__).resolve().parents[2]


class PlayerProcess(Closing):
    """A process that serves; its first line of stdout is its URL. A context manager that leaves
    nothing behind."""

    def __init__(self, module: str, arguments: Iterable[str]) -> None:
        environment = dict(
            os.environ, PYTHONPATH=os.pathsep.join([str(_ROOT), str(_ROOT / "tests")])
        )
        self._arguments = list(arguments)
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *self._arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=_ROOT,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            _, trouble = self.process.communicate()
            raise RuntimeError(f"{module} did not start: {trouble}")

    @property
    def is_alive(self) -> bool:
        """True while the process runs."""
        return self.process.poll() is None

    def kill(self) -> None:
        """End it the hard way (SIGKILL)."""
        self.process.kill()
        self.process.wait(10)

    def suspend(self) -> None:
        """Freeze it (SIGSTOP): connected, but silent."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self.process.send_signal(signal.SIGCONT)

    def wait(self, seconds: float = 120.0) -> tuple[int, str]:
        """Wait for its end: exit status and stderr."""
        _, trouble = self.process.communicate(timeout=seconds)
        return self.process.returncode, trouble

    def close(self) -> None:
        """End it, if it still runs."""
        if self.is_alive:
            self.process.kill()
        self.process.wait(10)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


def add_misbehaviour(parser: argparse.ArgumentParser, refusal: str) -> None:
    """Add options by which methods refuse, fail, end the process, are not there or take longer."""
    parser.add_argument("--refuse-text", default="refused, as told")
    for option, metavar, text in (
        ("--refuse", "METHOD", refusal),
        ("--fail", "METHOD", "methods that raise ValueError"),
        ("--die", "METHOD", "methods that end the process at once"),
        ("--lacks", "METHOD", "methods that are not there"),
        ("--slow", "METHOD=S", "methods that take longer"),
    ):
        parser.add_argument(option, action="append", default=[], metavar=metavar, help=text)


def options_of(settings: Mapping[str, Any]) -> list[str]:
    """Turn keyword arguments into options: `refuse=["start"], arm_delay=1, python2=True`."""
    words: list[str] = []
    for key, value in settings.items():
        option = "--" + key.replace("_", "-")
        if value is True:
            words.append(option)
        elif value is None or value is False:
            continue
        else:
            words.extend(
                f"{option}={item}"
                for item in (value if isinstance(value, (list, tuple)) else [value])
            )
    return words


class ToyProcess(PlayerProcess):
    """A toy Player as a process; keyword arguments are its options."""

    module: str

    def __init__(self, url: str = "tcp://127.0.0.1:*", **settings: Any) -> None:
        super().__init__(self.module, [url, *options_of(settings)])

"""Players as processes of their own, for tests. The first line such a process prints is its URL."""

from __future__ import annotations

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
        """Whether the process runs."""
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

"""Processes of a soak: started with a mark in their environment, by which all that came of them is
found again, and ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from groundwork.closing import Closing

ROOT = Path(__file__).resolve().parents[2]
MARK = "DEALER_PLAYER_SOAK"
ENDS_WITHIN_S = 30.0
READY_WITHIN_S = 120.0
LOOK_EVERY_S = 0.02


def environment(mark: str, **more: str) -> dict[str, str]:
    """Return ours with the mark, without what concerns a Player of ours."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("DIBAS_", "NOTIFY_", "SUPERVISOR"))
    }
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return {**kept, "PYTHONPATH": paths, MARK: mark, **more}


def marked(mark: str) -> Iterator[psutil.Process]:
    """Yield all processes with a mark that have not ended; zombies have."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                yield process


def eventually(condition: Callable[[], object], within_s: float) -> bool:
    """Wait for a condition; False: it did not come."""
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(LOOK_EVERY_S)
    return True


class Child(Closing):
    """A process whose lines are kept, and whose stdin takes lines.

    Args:
        name: Of it, for people.
        words: Module and arguments.
        variables: Its environment.
        log: Where its stderr is added; its stdout is read.
    """

    def __init__(
        self, name: str, words: Sequence[str], variables: Mapping[str, str], log: Path
    ) -> None:
        self.name, self.lines = name, deque[str]()
        self._changed = threading.Condition()
        with log.open("ab") as stream:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
                env=dict(variables),
                cwd=ROOT,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """It has not ended."""
        return self._process.poll() is None

    @property
    def status(self) -> int | None:
        """Exit status; None: it has not ended."""
        return self._process.poll()

    def programs(self) -> list[psutil.Process]:
        """Return its children: data-taking programs of a Player."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return [
                child
                for child in psutil.Process(self.pid).children()
                if child.status() != psutil.STATUS_ZOMBIE
            ]
        return []

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if it is alive."""
        if self.is_alive:
            self._process.send_signal(number)

    def kill(self) -> None:
        """End it by SIGKILL."""
        self.send(signal.SIGKILL)
        self._process.wait(ENDS_WITHIN_S)

    def write(self, line: str) -> None:
        """Let it read a line; one that has ended reads none."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            print(line, file=self._process.stdin, flush=True)

    def wait_line(self, fits: Callable[[str], bool], within_s: float) -> str | None:
        """Return the first line that fits, and drop those before it; None: its end, or none came."""
        end = time.monotonic() + within_s
        with self._changed:
            while True:
                while self.lines:
                    if fits(line := self.lines.popleft()):
                        return line
                if not self._reader.is_alive() or time.monotonic() > end:
                    return None
                self._changed.wait(LOOK_EVERY_S)

    def end(self) -> bool:
        """Ask it to end (SIGTERM); False: it had to be killed."""
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        try:
            self._process.wait(ENDS_WITHIN_S)
            return True
        except subprocess.TimeoutExpired:
            self.kill()
            return False

    def close(self) -> None:
        """End it, if it still runs, and let go of its pipes."""
        if self.is_alive:
            self.kill()
        self._process.wait(ENDS_WITHIN_S)
        self._reader.join(ENDS_WITHIN_S)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()

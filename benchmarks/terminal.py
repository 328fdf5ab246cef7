"""The terminal, 80x24 on a pseudo-terminal, over an array of one Bank: bytes and CPU time while 20 of 200
values change four times a second, all of them seen, and the time to the first screen.

The Bank is a process of its own on another core.
"""

from __future__ import annotations

import contextlib
import os
import pty
import selectors
import statistics
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.floors import Telling, cores, ready, serving
from benchmarks.parts import Effort, Part
from benchmarks.rows import Row

__all__ = ["PARTS"]

KEYS, CHANGED, RATE_HZ = 200, 20, 4
COLUMNS, LINES = 80, 24
STARTS, SETTLE_S, MEASURED_S = 5, 5.0, 10.0
WITHIN_S = 60.0
FIRST = b"BANKA"
"""In the first screen with the array."""
VALUES = b"2/key0\r"
"""Keys that show 22 lines of values, the ones that change among them."""


def _play(connection: Telling) -> None:
    """Serve a Bank of which some values change."""
    from player.bank import Bank
    from player.testing import HostedBank
    from zmqjsonproxy.channels.properties import table_of

    with HostedBank(Bank) as hosted:
        table = table_of(hosted.bank)
        for key in range(KEYS):
            table.publish(f"status.KEY{key:03d}", key + 0.25)
        ready(connection, hosted.url)
        number, due = 0, time.monotonic()
        while True:
            number, due = number + 1, due + 1 / RATE_HZ
            for key in range(CHANGED):
                table.publish(f"status.KEY{key:03d}", round(number * 1.37 + key, 2))
            time.sleep(max(due - time.monotonic(), 0.0))


class _Terminal:
    """The program on a pseudo-terminal of which all that is written is taken."""

    def __init__(self, config: Path) -> None:
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (LINES, COLUMNS))
        self._waiting = selectors.DefaultSelector()
        self._waiting.register(self._ours, selectors.EVENT_READ)
        line = [sys.executable, "-m", "dashboard", "--terminal", "--config", str(config)]
        env = {**os.environ, "TERM": "xterm-256color"}
        self.process = subprocess.Popen(
            line, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True
        )
        os.close(theirs)
        self.begun, self.taken = time.perf_counter(), b""

    def take(self, seconds: float, until: bytes = b"") -> int:
        """Take what is written for some time, or until something is; bytes."""
        before, end = len(self.taken), time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0 and not (until and until in self.taken):
            if self._waiting.select(left):
                self.taken += os.read(self._ours, 1 << 16)
        return len(self.taken) - before

    def type(self, keys: bytes) -> None:
        """Type on its keyboard."""
        os.write(self._ours, keys)

    def close(self) -> None:
        """End it."""
        self.type(b"q")
        with contextlib.suppress(OSError):  # its end hangs the terminal up
            self.take(1.0)
        self.process.terminate()
        self.process.wait(WITHIN_S)
        self._waiting.close()
        os.close(self._ours)


@contextlib.contextmanager
def _shown(config: Path) -> Iterator[_Terminal]:
    terminal = _Terminal(config)
    try:
        yield terminal
    finally:
        terminal.close()


def _first_screen(config: Path) -> float:
    """Return the time from the start of the process to the first screen, s."""
    with _shown(config) as terminal:
        terminal.take(WITHIN_S, FIRST)
        return time.perf_counter() - terminal.begun


def _moving(config: Path, effort: Effort) -> tuple[float, float]:
    """Return bytes in a second and the share of a core while values change."""
    with _shown(config) as terminal:
        terminal.take(WITHIN_S, FIRST)
        terminal.take(SETTLE_S)
        terminal.type(VALUES)
        terminal.take(SETTLE_S)
        effort.pass_on()
        process = psutil.Process(terminal.process.pid)
        before, begun = process.cpu_times(), time.perf_counter()
        taken = terminal.take(MEASURED_S)
        after, passed = process.cpu_times(), time.perf_counter() - begun
        used = after.user + after.system - before.user - before.system
        return taken / passed, used / passed


def _measure(effort: Effort) -> list[Row]:
    with (
        tempfile.TemporaryDirectory() as name,
        serving(cores()[-1], 1, _play) as [(url, _)],
    ):
        config = Path(name) / "array.toml"
        host, _, port = url.rpartition("//")[2].rpartition(":")
        config.write_text(f'[banks.BANKA]\nhpc_host = "{host}"\nplayer_port = {port}\n')
        firsts = []
        for _ in range(STARTS):
            effort.pass_on()
            firsts.append(_first_screen(config))
        moved, used = _moving(config, effort)
    changes = f"{CHANGED} of {KEYS} values {RATE_HZ} times a second"
    return [
        Row(f"written, {changes}", None, moved / 1000, None, 4, 2, "kB in 1 s"),
        Row(f"terminal, {changes}", None, 100 * used, None, 5, 2.5, "% CPU"),
        Row("first screen", None, statistics.median(firsts), None, 1.0, 0.5, "s"),
    ]


PARTS: dict[str, Part] = {"terminal": _measure}
"""Names of the parts, and their measurements."""

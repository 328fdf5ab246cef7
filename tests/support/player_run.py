"""The command `player` as a process, for tests."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import psutil

from zmqjsonproxy.client import ZMQJSONProxyClient

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 120.0  # s; a loaded machine is slow
ENDS_WITHIN = 15.0  # s; a Player's promise is 5
CALL_WITHIN = (
    60.0  # s; a mode change starts a program; a Player that is lost is noticed long before
)
FIRST_PORT, WORKERS, WORKERS_PORTS = 12000, 16, 1100
"""Ports of tests are below those that the system gives to whoever asks for any, 32768 and more."""


def clean_environment(**more: str) -> dict[str, str]:
    """Return our environment without what concerns a Player and without the user's keys, with the
    toy Banks importable."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("DIBAS_", "NOTIFY_", "SUPERVISOR"))
    }
    own = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]), "DIBAS_KEYS": ""}
    return {**kept, **own, **more}


def poll(condition: Callable[[], Any], what: str, deadline: float = DEADLINE) -> Any:
    """Return the first true value of `condition`; fail after `deadline` s."""
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {deadline:g} s")


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended (a zombie has)."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _ports() -> Iterator[int]:
    """The ports of this worker of pytest-xdist, round and round; processes it starts begin
    elsewhere in them."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    offset = int.from_bytes(
        os.urandom(2), "big"
    )  # the module random is seeded alike in all workers
    while True:
        yield FIRST_PORT + worker * WORKERS_PORTS + offset % WORKERS_PORTS
        offset += 1


_PORTS = _ports()


def free_port() -> int:
    """Return a port of the loopback address that nobody serves on now and that nobody else is given
    meanwhile.

    Not the system's next one, which it may give to another before the test has used it.
    """
    for port in itertools.islice(_PORTS, WORKERS_PORTS):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


def python(
    *words: str | Path, cwd: Path = ROOT, env: Mapping[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run Python to its end; options are those of `subprocess.run`."""
    return subprocess.run(
        [sys.executable, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        cwd=cwd,
        env=dict(env or clean_environment()),
        **options,
    )


def player(
    *words: str | Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `player` to its end."""
    return python("-m", "player.cli", *words, env=env)


@contextlib.contextmanager
def bank_of(url: str) -> Iterator[Any]:
    """Yield a proxy of the Bank at a URL."""
    with ZMQJSONProxyClient(None, "bank", url, CALL_WITHIN) as proxy:
        yield proxy


class PlayerRun:
    """A Player; a context manager that leaves no process behind."""

    def __init__(
        self,
        *words: str | Path,
        log: Path,
        env: Mapping[str, str] | None = None,
        program: Path | None = None,
    ) -> None:
        """Start it; `program` is an installed one, None for that of this tree."""
        self.log = log
        command = [sys.executable, "-m", "player.cli"] if program is None else [str(program)]
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                [*command, *map(str, words)],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env=dict(env or clean_environment()),
                cwd=ROOT if program is None else log.parent,
            )

    @property
    def text(self) -> str:
        """Output so far."""
        return self.log.read_text()

    def wait_ready(self) -> str:
        """Wait for its line `ready: BANKA at URL`; the URL."""

        def found() -> str | None:
            assert self.process.poll() is None, self.text
            lines = [line for line in self.text.splitlines() if ": ready: " in line]
            return lines[0].split(" at ")[-1] if lines else None

        return str(poll(found, "ready"))

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal and wait: (exit status, seconds it took)."""
        begun = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(DEADLINE), time.monotonic() - begun

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        """End it as a supervisor would, so that it takes its shared memory away, and by force if it
        does not end."""
        if self.process.poll() is None:
            children = psutil.Process(self.process.pid).children(recursive=True)
            for child in children:
                with contextlib.suppress(psutil.NoSuchProcess):
                    if child.status() == psutil.STATUS_STOPPED:
                        child.kill()
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(ENDS_WITHIN)
            for child in children:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
            self.process.kill()
        self.process.wait(DEADLINE)

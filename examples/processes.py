"""Processes of a demo, and the folder of their files: all end with it, whatever ends it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType
from typing import TypeVar

__all__ = [
    "START_S",
    "DemoError",
    "Processes",
    "run_demo",
    "start_port_manager",
    "start_supervised",
]

T = TypeVar("T")

START_S = 60.0
END_S = 30.0
"""supervisord gives a Player 8 s to end, and is not to be killed before: its Players would be left."""


class DemoError(Exception):
    """Something did not come about; the text says what."""


class Processes:
    """Processes and a folder of a demo, which go with it.

    SIGINT, SIGTERM and SIGHUP end it by a KeyboardInterrupt, once: what cleans up is not disturbed by
    a second one, nor is the start of a process by the first.

    Args:
        name: Of the demo, by which the folder begins.

    Attributes:
        folder: For its files.
    """

    def __init__(self, name: str) -> None:
        self._running: list[subprocess.Popen[str]] = []
        self._is_asked, self._is_held = False, True
        ends = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        self._handlers = {number: signal.signal(number, self._ask) for number in ends}
        self.folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        was_asked, self._is_asked = self._is_asked, True
        if not self._is_held and not was_asked:
            raise KeyboardInterrupt

    def release(self) -> None:
        """Let signals end the demo from now on."""
        self._is_held = False
        if self._is_asked:
            raise KeyboardInterrupt

    def start(self, name: str, module: str, *options: str | Path) -> subprocess.Popen[str]:
        """Start a module as a process; its log is `NAME.log`."""
        self._is_held = True
        with (self.folder / f"{name}.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *map(str, options)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self.environment,
                start_new_session=True,  # Ctrl-C is for this program, which ends them
            )
        self._running.append(process)
        self.release()
        return process

    @property
    def environment(self) -> dict[str, str]:
        """Variables of its processes: none of an array that is there."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("DIBAS_")}
        return {**kept, "XDG_STATE_HOME": str(self.folder / "state")}

    def log(self, name: str) -> str:
        """Return the log of a process."""
        return (self.folder / f"{name}.log").read_text()

    def close(self) -> None:
        """End all processes and remove the folder; may be called twice."""
        self._is_held = True
        for process in self._running:
            process.terminate()
        for process in self._running:
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            assert process.stdout is not None
            process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)


def run_demo(
    name: str, run: Callable[[Processes, ExitStack], int], *errors: type[Exception]
) -> int:
    """Run a demo; return its exit status.

    Args:
        name: Of the demo.
        run: Given its processes, and a stack of what is closed before they end; returns the status.
        errors: Further errors that are told in a line.
    """
    try:
        with ExitStack() as stack:
            processes = Processes(name)
            stack.callback(processes.close)
            stack.callback(processes.close)  # if a signal comes within the first
            processes.release()
            return run(processes, stack)
    except KeyboardInterrupt:
        print("demo: interrupted; nothing is left of it", file=sys.stderr)
        return 130
    except (DemoError, OSError, RuntimeError, *errors) as error:
        print(f"demo: {str(error) or type(error).__name__}", file=sys.stderr)
        return 1


def start_port_manager(processes: Processes) -> int:
    """Start a port manager of the demo's own on a port of the system; return the port.

    Raises:
        DemoError: It did not start.
    """
    folder = processes.folder
    files = [f"-{what}file={folder / what}" for what in ("port", "pid", "usage")]
    process = processes.start(
        "portmanager", "portmanager.cli", "--bind", "127.0.0.1", "-listen", "0", *files
    )
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        with suppress(FileNotFoundError, ValueError):
            return int((folder / "port").read_text())
        time.sleep(0.02)
    raise DemoError(f"the port manager did not start:\n{processes.log('portmanager')}")


def start_supervised(
    processes: Processes, config: Path, *options: str, find: Callable[[], T | None]
) -> T:
    """Start all Banks of this host under a supervisord of the demo's own; their logs are in `log`.

    Args:
        processes: Of the demo.
        config: The array's file.
        options: Further ones of `player supervisor-config`.
        find: Asked again until it returns what is to be waited for.

    Returns:
        What `find` returned.

    Raises:
        DemoError: The file for supervisord could not be made, or a Bank did not start.
    """
    folder = processes.folder
    (folder / "log").mkdir()
    words = ["supervisor-config", "--config", config, "--all", "--log-dir", folder / "log"]
    made = subprocess.run(
        [sys.executable, "-m", "player", *map(str, words), *options, "--complete", str(folder)],
        capture_output=True,
        text=True,
        env=processes.environment,
        check=False,
    )
    if made.returncode:
        raise DemoError(f"the file for supervisord could not be made: {made.stderr}")
    (ini := folder / "supervisord.conf").write_text(made.stdout)
    process = processes.start("supervisord", "supervisor.supervisord", "--nodaemon", "-c", ini)
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        if (found := find()) is not None:
            return found
        time.sleep(0.1)
    logs = [path.read_text() for path in sorted((folder / "log").glob("*"))]
    raise DemoError("\n".join(["not all has started:", processes.log("supervisord"), *logs]))

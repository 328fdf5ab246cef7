"""A data-taking program as a child process: start it, feed it words, end it in bounded time.

Knows processes and pipes, not what the words mean. The child leads its own process group, so that
whatever it starts ends with it.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import queue
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

from groundwork.processgroups import signal_group, wait_unreaped
from player.logs import pass_on
from spectrometer.daq.errors import DaqDeafError, DaqNotRunningError, DaqStuckError

LONGEST_LINE = 1 << 16  # bytes; what is longer is several lines
FLOOD_S, FLOOD_LINES = 1.0, 100
"""So many lines of a foreign program go to the log in so many seconds, and a count of the
others."""

HOLD_FIRST_S, HOLD_LAST_S = 0.02, 1.0
"""Between looks whether a program has opened its FIFO; the pauses grow."""

Logger = logging.Logger | logging.LoggerAdapter[logging.Logger]


class DaqProcess:
    """One data-taking program; may be started again after its end.

    Args:
        command: Program and arguments.
        name: What to call it in logs and errors; None: the program's file name.
        env: Environment of the child; None for ours.
        cwd: Its working directory; None for ours.
        log: Where the lines go that it prints.
        has_counts: It reports what it planned and recorded (status keys DAQPLAN and DAQNINT).
        fifo: One that it may open, and whose other end is held open for it while it runs.
        reads_fifo: It reads its words there instead of from its standard input, which is there all
            the same.
        on_exit: Called with the exit status (negative: signal) in a thread of its own, at any end.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        name: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | Path | None = None,
        log: Logger | None = None,
        has_counts: bool = False,
        fifo: Path | None = None,
        reads_fifo: bool = True,
        on_exit: Callable[[int], None] | None = None,
    ) -> None:
        self.command = list(command)
        self.name = name or Path(self.command[0]).name
        self.has_counts: bool | None = has_counts
        self._env, self._cwd, self._on_exit = env, cwd, on_exit
        self._fifo, self._words_to = fifo, fifo if reads_fifo else None
        self._log: Logger = log if log is not None else logging.getLogger(__name__)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = threading.Event()
        self._watcher: threading.Thread | None = None
        self._returncode: int | None = None

    @property
    def is_running(self) -> bool:
        """The program has been started and has not ended."""
        return self._process is not None and not self._ended.is_set()

    @property
    def returncode(self) -> int | None:
        """Exit status of the last run (negative: signal); None while it runs or if it never did."""
        return self._returncode if self._ended.is_set() else None

    @property
    def pid(self) -> int | None:
        """Process id while it runs, else None."""
        process = self._process
        return process.pid if process is not None and self.is_running else None

    def start(self) -> None:
        """Start the program; nothing happens if it runs. OSError if there is no such program."""
        with self._lock:
            if self.is_running:
                return
            ended = threading.Event()
            made: queue.SimpleQueue[subprocess.Popen[bytes] | BaseException] = queue.SimpleQueue()
            watcher = threading.Thread(
                target=self._run, args=(made, ended), name=self.name, daemon=True
            )
            watcher.start()
            process = made.get()
            if isinstance(process, BaseException):
                raise process
            assert process.stdin is not None
            os.set_blocking(
                process.stdin.fileno(), False
            )  # one who does not read must not hold us up
            self._process, self._ended, self._returncode = process, ended, None
            watcher.name = f"{self.name}-{process.pid}"
            threading.Thread(
                target=self._pass_on_output,
                args=(process,),
                name=f"{watcher.name}-log",
                daemon=True,
            ).start()
            self._watcher = watcher
            if self._fifo is not None:
                name, args = f"{watcher.name}-fifo", (self._fifo, ended)
                threading.Thread(target=_hold, args=args, name=name, daemon=True).start()
        self._log.info("%s started as process %d", self.name, process.pid)

    def _run(
        self,
        made: queue.SimpleQueue[subprocess.Popen[bytes] | BaseException],
        ended: threading.Event,
    ) -> None:
        """Make the process, and watch it to its end.

        Both in one thread: a child that asked for a signal at its parent's death gets it when the
        thread ends that made it.
        """
        try:
            process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=None if self._env is None else dict(self._env),
                cwd=self._cwd,
                process_group=0,
                bufsize=0,
            )
        except BaseException as error:  # raised where it is waited for
            made.put(error)
            return
        made.put(process)
        self._watch(process, ended)

    def send(self, command: str) -> None:
        """Write one command line to the program.

        Raises:
            DaqNotRunningError: It does not run, or ended meanwhile.
        """
        with self._lock:
            process = self._process
            if process is None or process.stdin is None or not self.is_running:
                raise DaqNotRunningError(self.name, command, self.returncode)
            line = command.encode("ascii") + b"\n"
            try:
                to = self._words_to
                written = process.stdin.write(line) if to is None else _write_fifo(to, line)
            except (OSError, ValueError) as error:
                self._ended.wait(0.5)
                if self.is_running:
                    raise DaqDeafError(self.name, process.pid, command, str(error)) from error
                raise DaqNotRunningError(self.name, command, self._returncode) from error
            if written != len(line):
                raise DaqDeafError(
                    self.name, process.pid, command, "it has left its input unread for long"
                )

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Wait for the end; the exit status, or None if it still runs after the time limit (s)."""
        self._ended.wait(timeout_s)
        return self.returncode

    def stop(self, quit_s: float = 5.0, term_s: float = 1.0, kill_s: float = 1.0) -> int | None:
        """End the program: `QUIT`, then SIGTERM, then SIGKILL to its group, each with its time
        limit (s).

        Returns:
            The exit status; None if it was never started.

        Raises:
            DaqStuckError: It is still there.
        """
        if self._process is None:
            return None
        if self.is_running and quit_s > 0:
            with contextlib.suppress(DaqNotRunningError, DaqDeafError):
                self.send("QUIT")
            self._ended.wait(quit_s)
        for step, limit in ((signal.SIGTERM, term_s), (signal.SIGKILL, kill_s)):
            if self.is_running:
                self._log.warning("%s did not end, sending %s", self.name, step.name)
                self._signal_group(step)
                self._ended.wait(limit)
        if self.is_running:
            raise DaqStuckError(self.name, self._process.pid)
        watcher = self._watcher
        if watcher is not None and watcher is not threading.current_thread():
            watcher.join(1.0)
        return self.returncode

    def _signal_group(self, number: signal.Signals) -> None:
        with self._lock:
            if self._process is not None and self.is_running:
                signal_group(self._process.pid, number)

    def _pass_on_output(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        began, count = 0.0, 0
        with io.BufferedReader(cast(io.RawIOBase, process.stdout)) as lines:
            while line := lines.readline(LONGEST_LINE):
                text = line.decode("utf-8", "replace").rstrip()
                if pass_on(text):
                    continue
                # a foreign program's, or the interpreter's own
                now = time.monotonic()
                if now - began >= FLOOD_S:
                    self._tell_left_out(count)
                    began, count = now, 0
                count += 1
                if count <= FLOOD_LINES:
                    self._log.info("%s: %s", self.name, text)
            self._tell_left_out(count)

    def _tell_left_out(self, count: int) -> None:
        if count > FLOOD_LINES:
            self._log.warning(
                "%s: %d more lines of the same second left out", self.name, count - FLOOD_LINES
            )

    def _watch(self, process: subprocess.Popen[bytes], ended: threading.Event) -> None:
        # Wait without reaping: while the leader is a zombie, its group number cannot belong to
        # anyone else.
        wait_unreaped(process.pid)
        signal_group(process.pid, signal.SIGKILL)
        returncode = process.wait()
        with self._lock:
            self._returncode = returncode
            ended.set()
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()
        self._log.info("%s ended with status %d", self.name, returncode)
        if self._on_exit is not None:
            self._on_exit(returncode)


def _open_fifo(path: Path) -> int:
    """OSError if nobody reads it, or if something else is in its place now, which is neither
    followed nor written."""
    file = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    if not stat.S_ISFIFO(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(f"{path} is no FIFO any more")
    return file


def _write_fifo(path: Path, line: bytes) -> int:
    file = _open_fifo(path)
    try:
        return os.write(file, line)
    finally:
        os.close(file)


def _hold(path: Path, ended: threading.Event) -> None:
    """Open a FIFO when the program does, which may wait for that, and hold it: no word is followed
    by an end."""
    pause = HOLD_FIRST_S
    while not ended.wait(pause):
        try:
            file = _open_fifo(path)
        except OSError:
            pause = min(2 * pause, HOLD_LAST_S)
        else:
            ended.wait()
            os.close(file)
            return

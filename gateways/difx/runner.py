"""A program of a job as a child process: started, its output read, stopped, ended with all that it
started.

One thread does all of it, `run`. The child leads a process group and has a mark in its environment,
by which what it left behind is found. The job ends with the exit of the program; its output gets a
short time more, for something that the program started may hold it open.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from gateways.difx.protocol.jobs import Severity
from gateways.difx.protocol.lines import LineReader
from groundwork.processgroups import (
    group_members,
    marked_processes,
    process_name,
    signal_group,
)

__all__ = ["MARK", "OutputStream", "ProgramEnd", "ProgramLimits", "ProgramRun", "end_marked"]

MARK = "DIFX_JOB"
"""Variable in the environment of all that a job starts; its value is the job's identity."""
PIPE_BYTES = 1 << 16
REST_BYTES = 1 << 20
"""Of output, read after the end of all who could write it."""
LOOK_EVERY_S = 0.02

log = logging.getLogger(__name__)


class OutputStream(StrEnum):
    """Output of a program."""

    STDOUT = "stdout"
    STDERR = "stderr"

    def severity(self, line: str) -> Severity:
        """Return the severity of a line: on standard error a warning says that it is one."""
        if self is OutputStream.STDOUT:
            return Severity.INFO
        return Severity.WARNING if "warning" in line.lower() else Severity.ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramLimits:
    """Times, s.

    Attributes:
        grace: Of a stop, between interrupt and terminate.
        terminate: Between terminate and kill.
        kill: In which killed processes are gone.
        output: In which output is read after the exit.
        quiet: Silence after which `on_quiet` is called.
    """

    grace: float = 10.0
    terminate: float = 2.0
    kill: float = 2.0
    output: float = 2.0
    quiet: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramEnd:
    """End of a program.

    Attributes:
        status: Exit status; negative: the signal; None: it cannot even be killed.
        survivors: Processes that it started and that run on, number and name.
        is_cut: Its output was still open at the end.
        text: Sentence on how it ended; empty: the status tells it.
    """

    status: int | None
    survivors: tuple[tuple[int, str], ...] = ()
    is_cut: bool = False
    text: str = ""

    def sentence(self) -> str:
        """Say how it ended; empty: with exit status 0."""
        if self.text:
            return self.text
        if self.status is None:
            return "does not end, not even by SIGKILL"
        if self.status < 0:
            with contextlib.suppress(ValueError):
                return f"was ended by {signal.Signals(-self.status).name}"
            return f"was ended by signal {-self.status}"
        return f"ended with exit status {self.status}" if self.status else ""


@dataclass(eq=False)
class ProgramRun:
    """One run of a program.

    Attributes:
        command: Its words.
        mark: Identity of the job.
        on_line: Takes each line of output.
        on_quiet: Called when there was no output for a while, and again.
        on_exit: Called when it has ended; output may follow.
        folder: Working folder.
        environment: Variables beside those of this process.
        limits: Times.
    """

    command: Sequence[str]
    mark: str
    on_line: Callable[[OutputStream, str], None]
    on_quiet: Callable[[], None] = lambda: None
    on_exit: Callable[[], None] = lambda: None
    folder: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    limits: ProgramLimits = field(default_factory=ProgramLimits)

    def __post_init__(self) -> None:
        self._wake = -1
        self._stop_at: list[tuple[float, signal.Signals]] = []
        self._lock = threading.Lock()
        self._is_stopping = self._is_over = False
        self._process: subprocess.Popen[bytes] | None = None
        self._readers: dict[int, tuple[OutputStream, LineReader]] = {}
        self._watch = -1
        self._told_at = 0.0

    @property
    def group(self) -> int | None:
        """Number of its process group; None: it was not started."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it; OSError: it cannot be."""
        program = shutil.which(self.command[0])
        if program is None:
            raise FileNotFoundError(f"{self.command[0]} is not there, or cannot be executed")
        self._process = process = subprocess.Popen(
            [os.path.abspath(program), *self.command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
            cwd=self.folder,
            env={**os.environ, **self.environment, MARK: self.mark},
            bufsize=0,
        )
        try:
            self._follow(process)
        except OSError:  # no descriptors are left
            signal_group(process.pid, signal.SIGKILL)
            process.wait()
            self._close()
            raise

    def _follow(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._watch = os.pidfd_open(process.pid)
        assert process.stdout is not None
        assert process.stderr is not None
        for stream, pipe in (
            (OutputStream.STDOUT, process.stdout),
            (OutputStream.STDERR, process.stderr),
        ):
            os.set_blocking(pipe.fileno(), False)
            self._readers[pipe.fileno()] = stream, LineReader()

    def stop(self, *, grace: float | None = None, terminate: float | None = None) -> None:
        """Ask it to end, and return at once: interrupt its group, wait, terminate, wait, kill. From
        any thread; again: by whichever is sooner.

        Args:
            grace: s; None: as of the limits.
            terminate: Likewise.
        """
        grace = self.limits.grace if grace is None else grace
        terminate = self.limits.terminate if terminate is None else terminate
        now = time.monotonic()
        due = [
            (now, signal.SIGINT),
            (now + grace, signal.SIGTERM),
            (now + grace + terminate, signal.SIGKILL),
        ]
        with self._lock:
            if self._is_over:
                return
            if self._is_stopping:
                left = {number: at for at, number in self._stop_at}
                due = [(min(left[number], at), number) for at, number in due if number in left]
            self._stop_at, self._is_stopping = due, True
            if self._wake >= 0:
                os.eventfd_write(self._wake, 1)

    def run(self) -> ProgramEnd:
        """Read its output until it has ended, and end what it left behind."""
        process = self._process
        assert process is not None
        poll = select.poll()
        for descriptor in (*self._readers, self._watch, self._wake):
            poll.register(descriptor, select.POLLIN)
        ended_at: float | None = None
        killed_at: float | None = None
        open_pipes = set(self._readers)
        self._told_at = time.monotonic()
        while True:
            for descriptor, _ in poll.poll(1000 * self._pause(ended_at, killed_at)):
                if descriptor in open_pipes:
                    if not self._read(descriptor):
                        poll.unregister(descriptor)
                        open_pipes.discard(descriptor)
                elif descriptor == self._watch:
                    poll.unregister(descriptor)
                    ended_at = time.monotonic()
                    self.on_exit()
                else:
                    os.eventfd_read(self._wake)
            now = time.monotonic()
            if ended_at is not None:
                if not open_pipes or now >= ended_at + self.limits.output:
                    break
            else:
                killed_at = self._next_step(now) or killed_at
                if killed_at is not None and now >= killed_at + self.limits.kill:
                    break
            if now >= self._told_at + self.limits.quiet:
                self._told_at = now
                self.on_quiet()
        return self._finish(process, open_pipes, has_ended=ended_at is not None)

    def _pause(self, ended_at: float | None, killed_at: float | None) -> float:
        """Return how long nothing is due, s."""
        due = [self._told_at + self.limits.quiet]
        if ended_at is not None:
            due.append(ended_at + self.limits.output)
        elif killed_at is not None:
            due.append(killed_at + self.limits.kill)
        else:
            with self._lock:
                due += [at for at, _ in self._stop_at]
        return max(min(due) - time.monotonic(), 0.0) + 0.001

    def _next_step(self, now: float) -> float | None:
        """Send the signals that are due; when the last one was sent."""
        with self._lock:
            due = [number for at, number in self._stop_at if at <= now]
            self._stop_at = [(at, number) for at, number in self._stop_at if at > now]
        assert self._process is not None
        for number in due:
            log.info("%s: %s to group %d", self.command[0], number.name, self._process.pid)
            signal_group(self._process.pid, number)
        return now if signal.SIGKILL in due else None

    def _read(self, descriptor: int) -> int:
        """Read once; the number of bytes, 0: it is closed by all who could write."""
        try:
            data = os.read(descriptor, PIPE_BYTES)
        except BlockingIOError:
            return -1
        stream, reader = self._readers[descriptor]
        for line in reader.feed(data) if data else reader.end():
            self._told_at = time.monotonic()
            self.on_line(stream, line)
        return len(data)

    def _finish(
        self, process: subprocess.Popen[bytes], open_pipes: set[int], *, has_ended: bool
    ) -> ProgramEnd:
        """End what is left, and forget the process; till then its group is nobody else's."""
        signal_group(process.pid, signal.SIGKILL)
        end = time.monotonic() + self.limits.kill
        while (left := group_members(process.pid)) and time.monotonic() < end:
            time.sleep(LOOK_EVERY_S)
        for descriptor in open_pipes:
            taken = 0
            while taken < REST_BYTES and (count := self._read(descriptor)) > 0:
                taken += count
            stream, reader = self._readers[descriptor]
            for line in reader.end():
                self.on_line(stream, line)
        found = dict.fromkeys([*left, *marked_processes(f"{MARK}={self.mark}")])
        survivors = tuple((pid, process_name(pid)) for pid in found)
        status = process.wait() if has_ended else process.poll()
        if status is None:  # whenever that is, nobody waits for it
            threading.Thread(target=process.wait, name="unkillable", daemon=True).start()
        self._close()
        return ProgramEnd(status=status, survivors=survivors, is_cut=bool(open_pipes))

    def _close(self) -> None:
        with self._lock:
            self._is_over = True
            if self._wake >= 0:
                os.close(self._wake)
                self._wake = -1
        if self._watch >= 0:
            os.close(self._watch)
        process = self._process
        for pipe in () if process is None else (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def end_marked(mark: str, terminate: float = 2.0, kill: float = 2.0) -> list[tuple[int, str]]:
    """End what a job left behind at an earlier run of the gateway; what is still there then.

    Args:
        mark: Identity of the job.
        terminate: Between SIGTERM and SIGKILL, s.
        kill: In which killed processes are gone, s.
    """
    wanted = f"{MARK}={mark}"
    for number, within in ((signal.SIGTERM, terminate), (signal.SIGKILL, kill)):
        found = marked_processes(wanted)
        for pid in found:
            _send(pid, wanted, number)
        end = time.monotonic() + within
        while found and marked_processes(wanted) and time.monotonic() < end:
            time.sleep(LOOK_EVERY_S)
    return [(pid, process_name(pid)) for pid in marked_processes(wanted)]


def _send(pid: int, mark: str, number: signal.Signals) -> None:
    """Send a signal to a process, unless its number is another's by now."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return
    try:
        if pid in marked_processes(mark):
            log.warning("%s to process %d, %s, of a lost job", number.name, pid, process_name(pid))
            signal.pidfd_send_signal(descriptor, number)
    except OSError:
        log.debug("process %d cannot be signalled", pid, exc_info=True)
    finally:
        os.close(descriptor)

"""Bytes that a program writes to its standard output, and the life of that program."""

from __future__ import annotations

import os
import select
import shlex
import signal
import subprocess
from collections.abc import Sequence

from groundwork.processgroups import signal_group
from histogrammer.errors import EventFileError
from histogrammer.events.stopsign import StopSign

__all__ = ["END_S", "ProgramInput"]

END_S = 1.0
"""Time that a program has to end at SIGTERM, s."""

PIPE_BYTES = 1 << 16
TAIL_BYTES = 4096
"""Of standard error, for its last line."""


class ProgramInput:
    """Standard output of a program, which is started without a shell, in a group of its own.

    Args:
        command: Its words.
    """

    size = live = None

    def __init__(self, command: Sequence[str]) -> None:
        self.name = shlex.join(command)
        self._command = list(command)
        self._process: subprocess.Popen[bytes] | None = None
        self._output = self._errors = self._watch = -1
        self._tail = b""
        self._status: int | None = None

    @property
    def pid(self) -> int | None:
        """Process id while it runs, else None."""
        return None if self._process is None or self._watch < 0 else self._process.pid

    def open(self) -> None:
        """Start the program; nothing happens if it was started.

        Raises:
            EventFileError: It cannot be started.
        """
        if self._process is not None:
            return
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=0,
                bufsize=0,
            )
        except (OSError, ValueError, IndexError) as error:  # a NUL; no words
            why = getattr(error, "strerror", None) or str(error)
            raise EventFileError(self.name, 0, f"cannot be started: {why}") from error
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._output = self._process.stdout.fileno()
        self._errors = self._process.stderr.fileno()
        self._watch = os.pidfd_open(self._process.pid)
        for descriptor in (self._output, self._errors):
            os.set_blocking(descriptor, False)

    def read_into(self, room: memoryview) -> int | None:
        """Read without waiting; 0 when the output has ended and the program, too."""
        if self._output >= 0:
            try:
                if count := os.readv(self._output, [room]):
                    return count
            except BlockingIOError:
                return None
            self._output = -1  # closed by its last writer
        if self._watch < 0:
            return 0
        if not self._has_ended(0):
            return None
        self._finish()
        return 0

    def wait(self, stop: StopSign) -> None:
        """Wait for its output, or for its end after that, or for the sign."""
        mine = [self._output if self._output >= 0 else self._watch, self._errors]
        stop.wait(None, *(descriptor for descriptor in mine if descriptor >= 0))
        self._read_errors()

    def fault(self) -> str:
        """Say how it ended, if not with exit status 0, with its last line on standard error."""
        if not self._status:
            return ""
        if self._status > 0:
            how = f"the program ended with exit status {self._status}"
        else:
            how = f"the program was ended by signal {_signal_name(-self._status)}"
        lines = self._tail.decode("utf-8", "replace").split("\n")
        said = [text.strip() for text in lines if text.strip()]
        return f"{how}: {said[-1]}" if said else how

    def close(self) -> None:
        """End the program, with all that it started: SIGTERM, and SIGKILL after `END_S`."""
        process = self._process
        if process is None:
            return
        if self._watch >= 0:
            self._signal(signal.SIGTERM)
            if not self._has_ended(END_S):
                self._signal(signal.SIGKILL)
                self._has_ended(None)
            self._finish()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        self._output = self._errors = -1

    def _has_ended(self, timeout_s: float | None) -> bool:
        """Tell whether it has ended within a time (s; None: any), without forgetting it."""
        poll = select.poll()
        poll.register(self._watch, select.POLLIN)
        return bool(poll.poll(None if timeout_s is None else timeout_s * 1000))

    def _finish(self) -> None:
        """Take note of its end. Till it is asked for its status its group is nobody else's."""
        assert self._process is not None
        self._signal(signal.SIGKILL)  # what it left behind
        self._read_errors()
        self._status = self._process.wait()
        os.close(self._watch)
        self._watch = -1

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        signal_group(self._process.pid, number)

    def _read_errors(self) -> None:
        """Read as much as a pipe holds, and no more: it may be written as fast as it is read."""
        if self._errors < 0:
            return
        try:
            piece = os.read(self._errors, PIPE_BYTES)
        except BlockingIOError:
            return
        if not piece:
            self._errors = -1
        self._tail = (self._tail + piece)[-TAIL_BYTES:]


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return str(number)

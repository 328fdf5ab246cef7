"""A program on a pseudo-terminal, for tests of what is shown on one."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
import sys
import termios
from collections.abc import Mapping

from support.player_run import DEADLINE, ROOT, poll

from groundwork.closing import Closing

# The pseudo-terminal becomes the controlling one, so that Ctrl-C typed on it is a signal.
PRELUDE = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"


class Terminal(Closing):
    """A program on a terminal of its own; a context manager that leaves no process behind.

    Args:
        *command: The program, with its whole path, and its arguments.
        env: Its environment.
        columns: Of the terminal.
    """

    def __init__(self, *command: str, env: Mapping[str, str], columns: int = 80) -> None:
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, columns))
        os.set_blocking(self._ours, False)
        self.process = subprocess.Popen(
            [sys.executable, "-c", PRELUDE, *command],
            cwd=ROOT,
            env=dict(env),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._unread = ""

    def type(self, text: str) -> None:
        """Type on its keyboard."""
        os.write(self._ours, text.encode())

    def wait_for(self, pattern: str) -> str:
        """Wait for a text after all that was waited for before; what was shown up to its end."""

        def look() -> re.Match[str] | None:
            has_ended = self.process.poll() is not None
            found = re.search(pattern, self._read())
            assert found or not has_ended, f"it ended without {pattern!r}: {self._unread}"
            return found

        found = poll(look, f"{pattern!r} on the terminal, not {self._unread!r}")
        shown, self._unread = self._unread[: found.end()], self._unread[found.end() :]
        return shown

    def wait(self) -> int:
        """Wait for its end: the exit status."""
        poll(lambda: (self._read(), self.process.poll() is not None)[1], "the end")
        return int(self.process.returncode)

    def _read(self) -> str:
        with contextlib.suppress(OSError):  # nothing there, or the program has ended
            self._unread += os.read(self._ours, 65536).decode("utf-8", "replace")
        return self._unread

    def close(self) -> None:
        """End it."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE)
        os.close(self._ours)

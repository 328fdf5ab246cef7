"""Terminal that is written to: textual's driver, which tells how long the terminal takes."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from textual.app import App

__all__ = ["Attachable", "TerminalDriver", "TimedFile"]

BLOCKED_S = 0.25
"""A write that takes longer means that the line is slow."""


@runtime_checkable
class Attachable(Protocol):
    """Application that wants to know its driver."""

    def attach(self, output: TerminalDriver) -> None:
        """Take the driver."""


class TimedFile:
    """File whose writes are timed; it is written by one thread, and looked at by another.

    Args:
        file: It.
        clock: s, never set.

    Attributes:
        slowest: Time of the slowest write, s, since somebody set it to 0.
    """

    def __init__(self, file: IO[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._file, self._clock = file, clock
        self._since: float | None = None
        self.slowest = 0.0

    def write(self, text: str) -> int:
        """Write a text."""
        self._since = self._clock() if self._since is None else self._since
        return self._file.write(text)

    def flush(self) -> None:
        """Write what is left."""
        self._file.flush()
        since, self._since = self._since, None
        if since is not None:
            self.slowest = max(self.slowest, self._clock() - since)

    def fileno(self) -> int:
        """Return its descriptor."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """Tell whether it is a terminal."""
        return self._file.isatty()

    def pending(self) -> float:
        """Return for how long a write has been going on, s."""
        since = self._since
        return 0.0 if since is None else self._clock() - since


class TerminalDriver(LinuxDriver):
    """Driver of textual for a terminal that may be slow."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self._timed = TimedFile(cast("IO[str]", self._file))
        self._file = cast(Any, self._timed)
        if isinstance(app, Attachable):
            app.attach(self)

    def _get_terminal_size(self) -> tuple[int, int]:
        """Return the size of the terminal itself: COLUMNS and LINES, which textual believes, say no
        more than what it once was."""
        try:
            return os.get_terminal_size(self.fileno)
        except OSError:  # it is gone
            return super()._get_terminal_size()

    @property
    def is_blocked(self) -> bool:
        """The terminal takes nothing now: what is written meanwhile would only wait."""
        return self._timed.pending() > BLOCKED_S

    def is_slow(self) -> bool:
        """Tell whether some write since the last question took long."""
        slowest, self._timed.slowest = self._timed.slowest, 0.0
        return slowest > BLOCKED_S

    def is_gone(self) -> bool:
        """Tell whether there is no terminal any more, which no signal has told a process that has it
        from another session."""
        watched = select.poll()
        watched.register(self.fileno, 0)
        return bool(watched.poll(0))

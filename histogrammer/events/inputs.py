"""Bytes of files: whole ones, and those that somebody still writes. Knows nothing of items."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from groundwork.regularfiles import NotRegularError, open_regular, real_path
from histogrammer.errors import EventFileError
from histogrammer.events.livecounts import LiveCounts
from histogrammer.events.stopsign import StopSign

__all__ = ["FOLLOW_S", "FileInput", "FollowedInput", "Input"]

FOLLOW_S = 0.2
"""Pause between two looks at a file that grows, s: nothing tells of a write on all file systems."""


class Input(Protocol):
    """A source of bytes, read from its beginning to its end."""

    @property
    def name(self) -> str:
        """Its name in errors and accounts."""

    @property
    def size(self) -> int | None:
        """Bytes of all of it as far as that is known; None: it is not."""

    @property
    def live(self) -> LiveCounts | None:
        """Counts of a live source; None: it is none."""

    def open(self) -> None:
        """Open it; nothing happens if it is open. EventFileError if it cannot be."""

    def read_into(self, room: memoryview) -> int | None:
        """Read without waiting; the number of bytes, 0 at the end, None if there are none yet.

        Raises:
            OSError: It cannot be read.
        """

    def wait(self, stop: StopSign) -> None:
        """Wait until there may be more, or for the sign."""

    def fault(self) -> str:
        """Say why its end is no good one; empty: it is."""

    def close(self) -> None:
        """Close it for good."""


class FileInput:
    """A regular file.

    Args:
        path: Of the file; a link is followed.
        find: Returns where a file truly is; raises NotRegularError if it is not to be opened.
    """

    live = None

    def __init__(
        self, path: str | os.PathLike[str], find: Callable[[Path], Path] = real_path
    ) -> None:
        self.name, self._find = os.fspath(path), find
        self._file: int | None = None
        self._position = 0

    @property
    def size(self) -> int | None:
        """Bytes that the file has now; None: there is no file any more."""
        try:
            about = os.stat(self.name) if self._file is None else os.fstat(self._file)
        except (OSError, ValueError):
            return None
        return about.st_size

    def open(self) -> None:
        """Open it; nothing happens if it is open.

        Raises:
            EventFileError: There is none, it may not be read, or it is no regular file.
        """
        if self._file is None:
            try:
                self._file = open_regular(self._find(Path(self.name)))
            except NotRegularError as error:
                raise EventFileError(self.name, 0, str(error)) from error

    def read_into(self, room: memoryview) -> int | None:
        """Read without waiting; 0 at the end of what there is."""
        if self._file is None:
            return 0
        count = os.readv(self._file, [room])
        self._position += count
        return count

    def wait(self, stop: StopSign) -> None:
        """Return at once: a file has nothing to wait for."""

    def fault(self) -> str:
        """Say whether it became shorter than what was read of it."""
        size = self.size
        if size is not None and size < self._position:
            return f"the file became shorter: it has {size} bytes now"
        return ""

    def close(self) -> None:
        """Close it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class FollowedInput(FileInput):
    """A regular file that somebody still writes: its end is where no more has been written yet."""

    def read_into(self, room: memoryview) -> int | None:
        """Read without waiting; None where no more has been written."""
        return super().read_into(room) or (0 if self.fault() else None)

    def wait(self, stop: StopSign) -> None:
        """Wait for `FOLLOW_S`, or for the sign."""
        stop.wait(FOLLOW_S)

"""The scan number of a Bank, kept in a file so that it goes on after a restart."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

__all__ = ["ScanNumber"]

FIRST = 1  # the original's; its first scan has the next one

Log = logging.Logger | logging.LoggerAdapter[logging.Logger]


class ScanNumber:
    """A number that outlives the process; a file that cannot be read or written is a warning, not an end."""

    def __init__(self, path: Path, log: Log) -> None:
        self._path, self._log = path, log
        self._lock = threading.Lock()
        self._value = self._read()

    @property
    def value(self) -> int:
        """The number of the present scan."""
        return self._value

    def increment(self) -> int:
        """Count up by one; the new number."""
        with self._lock:
            self._keep(self._value + 1)
            return self._value

    def set(self, number: int) -> None:
        """Set it. ValueError below 0."""
        if number < 0:
            raise ValueError(f"scan number {number}: expected 0 or more")
        with self._lock:
            self._keep(number)

    def _read(self) -> int:
        try:
            return int(self._path.read_text())
        except FileNotFoundError:
            return FIRST
        except (OSError, ValueError) as error:
            self._log.warning("scan number: %s cannot be read (%s); counting from %d", self._path, error, FIRST)
            return FIRST

    def _keep(self, number: int) -> None:
        self._value = number
        new = self._path.with_name(self._path.name + ".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(f"{number}\n")
            os.replace(new, self._path)
        except OSError as error:
            self._log.warning("scan number %d is not kept: %s", number, error)

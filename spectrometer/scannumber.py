"""The scan number of a Bank, kept in a file so that it goes on after a restart."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

from zmqjsonproxy.errors import RefusedError

__all__ = ["ScanNumber"]

FIRST = 1  # the original's; its first scan has the next one
LAST = 2**31 - 1  # what C programs read from the status memory

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
            self._keep(self._value + 1 if self._value < LAST else FIRST)
            return self._value

    def set(self, number: int) -> None:
        """Set it. RefusedError if it is no whole number of 0 to LAST."""
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= LAST:
            raise RefusedError(f"scan number {number!s:.80}: expected a whole number from 0 to {LAST}")
        with self._lock:
            self._keep(number)

    def _read(self) -> int:
        try:
            number = int(self._path.read_text())
            if not 0 <= number <= LAST:
                raise ValueError(f"it is not within 0 to {LAST}")
            return number
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

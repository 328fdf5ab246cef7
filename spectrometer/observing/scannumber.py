"""The scan number of a Bank: kept in a file of the data root, and known from the names of the data
files as well.

The file alone may be behind: a full disk keeps a number from being written, but not a scan from
being taken. So a Bank that is opened also looks which scans of its own the data root has, and
counts on from the highest of them. Files from before the last `set` tell nothing: whoever sets a
number means to have some of them again.
"""

from __future__ import annotations

import os
import re
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from arrayconfig.logs import Log
from groundwork.wholefiles import replace_file
from zmqjsonproxy.errors import RefusedError

__all__ = ["FIRST", "LAST", "FoundScans", "ScanNumber", "scans_of"]

FIRST = 1  # the original's; its first scan has the next one
LAST = 2**31 - 1  # what C programs read from the status memory
LOOK_AT_NAMES, LOOK_FOR_S = 200_000, 3.0
"""So many names are looked at when a Bank is opened, for so long; in the projects that changed last
first."""
MOMENT = "%Y_%m_%d_%H-%M-%S"  # in names of files; as text it is in the order of time
_MAX_FILE_BYTES = 256


class ScanNumber:
    """A number that outlives the process; a file that cannot be read or written is a warning, not
    an end.

    Args:
        data_root: Where the projects of the array are.
        bank: Name of the Bank.
        log: With the Bank's name.
    """

    def __init__(self, data_root: Path, bank: str, log: Log) -> None:
        self._root, self._bank, self._log = data_root, bank, log
        self._path = data_root / f".{bank}.scan-number"
        self._lock = threading.Lock()
        self._value = FIRST
        self._set_at = ""  # as MOMENT; scans that began before it do not count

    @property
    def value(self) -> int:
        """The number of the present scan."""
        return self._value

    def recall(self) -> None:
        """Take up the last number: the one that was kept, or a higher one of a file; takes some
        seconds at most."""
        with self._lock:
            self._value, self._set_at = self._read()
            found = scans_of(self._bank, self._root, self._set_at)
            if found.is_cut:
                self._log.warning(
                    "scan number: %s has too many files to look at all of them; the highest of those that were is %d",
                    self._root,
                    found.number,
                )
            if found.number > self._value:
                self._log.warning(
                    "scan number: %d was kept, but scan %d is in %s; counting on from that",
                    self._value,
                    found.number,
                    found.path,
                )
                self._keep(found.number)

    def increment(self) -> int:
        """Count up by one; the new number."""
        with self._lock:
            if self._value >= LAST:
                self._set_at = _now()
            self._keep(self._value + 1 if self._value < LAST else FIRST)
            return self._value

    def give_back(self, number: int) -> None:
        """Take back an `increment` whose scan was not taken, unless the number has changed
        since."""
        with self._lock:
            if self._value == number and number > FIRST:
                self._keep(number - 1)

    def set(self, number: int) -> None:
        """Set it. RefusedError if it is no whole number of 0 to LAST."""
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= LAST:
            raise RefusedError(
                f"scan number {number!s:.80}: expected a whole number from 0 to {LAST}"
            )
        with self._lock:
            self._set_at = _now()
            self._keep(number)

    def _read(self) -> tuple[int, str]:
        """Return what was kept: the number, and when one was set last."""
        try:
            first, _, second = _text_of(self._path).partition("\n")
            number = int(first)
            if not 0 <= number <= LAST:
                raise ValueError(f"it is not within 0 to {LAST}")
        except FileNotFoundError:
            return FIRST, ""
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            self._log.warning(
                "scan number: %s cannot be read (%s); counting from %d", self._path, reason, FIRST
            )
            return FIRST, ""
        return number, second.strip()

    def _keep(self, number: int) -> None:
        self._value = number
        try:
            replace_file(self._path, f"{number}\n{self._set_at}\n", is_durable=True)
        except OSError as error:
            self._log.warning(
                "scan number %d is not kept in %s: %s", number, self._path, error.strerror or error
            )


def _now() -> str:
    return f"{datetime.now(UTC):{MOMENT}}"


def _text_of(path: Path) -> str:
    """Read a small regular file, of which no link is followed."""
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise ValueError("it is no regular file")
        return os.read(file, _MAX_FILE_BYTES).decode("ascii")
    finally:
        os.close(file)


@dataclass(frozen=True, slots=True)
class FoundScans:
    """The scans that a data root has.

    Attributes:
        number: The highest; 0: there is none.
        path: Its file.
        is_cut: There are files that were not looked at.
    """

    number: int = 0
    path: Path | None = None
    is_cut: bool = False


def scans_of(
    bank: str, root: Path, after: str = "", names: int = LOOK_AT_NAMES, seconds: float = LOOK_FOR_S
) -> FoundScans:
    """Find the highest scan number in the names of a Bank's files, of any type, in all projects.

    Args:
        bank: Its name.
        root: Where the projects are.
        after: Only scans that began later, in the form of MOMENT; empty: all.
        names: Look at so many, at most.
        seconds: Look for so long, at most.
    """
    form = re.compile(rf"(\d{{4}}(?:_\d\d){{3}}-\d\d-\d\d)_{re.escape(bank)}_(\d{{1,10}})(?=[_.])")
    end, best = time.monotonic() + seconds, FoundScans()
    for count, entry in enumerate(_files_of(root)):
        if count >= names or time.monotonic() > end:
            return FoundScans(best.number, best.path, is_cut=True)
        found = form.match(entry.name)
        if found and found[1] > after and best.number < int(found[2]) <= LAST:
            best = FoundScans(int(found[2]), Path(entry.path))
    return best


def _files_of(root: Path) -> Iterator[os.DirEntry[str]]:
    """Yield all in the projects; of what changed last first."""
    projects: list[tuple[float, str]] = []
    with suppress(OSError), os.scandir(root) as entries:
        for entry in islice(entries, LOOK_AT_NAMES):
            with suppress(OSError):
                if entry.is_dir():
                    projects.append((entry.stat().st_mtime, entry.path))
    for _, path in sorted(projects, reverse=True):
        with suppress(OSError), os.scandir(path) as entries:
            yield from entries

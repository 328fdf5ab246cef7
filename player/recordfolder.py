"""Folder of the files of the journal, or of the history, bounded in bytes and days: the newest is
written to, the oldest are removed.

A file is called after the number of its first record. When it has its share of the bytes, or of the
days, it is finished and a new one is begun; what is too old, or too much, is removed by whole
files, which needs no room on a full disk and gives all of it back. A damaged file is set aside
under another name, and a new one is begun. Two processes may write into one folder.
"""

from __future__ import annotations

import logging
import math
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from groundwork.values import JsonObject
from player.clock import Clock
from player.dataroot import Mounts
from player.errors import PlayerError
from player.recordfile import (
    FinishedFileError,
    RecordFile,
    RecordLayout,
    is_damage,
    parts_of,
    read_records,
)
from zmqjsonproxy.errors import RefusedError

__all__ = ["LOCAL_DISK", "RecordFolder", "RecordFolderError", "Retention", "network_file_system"]

log = logging.getLogger(__name__)

SHARES = 16
"""Files in which the bytes, and the days, are kept; one is being written to."""
MAX_FILE_BYTES = 64 * 2**20
SHRINK_EVERY_S = 3600.0
"""A file that is too old is removed so often at most: a clock that was set wrong, by years, must not
remove all of them at once."""
_SPARE = 2
"""Shares that are left free for the file that is written to."""
_NETWORK = re.compile(
    r"nfs\d?|cifs|smb\w*|afs|ncpfs|9p|ceph|lustre|gfs2?|ocfs2|gpfs|beegfs|glusterfs|pvfs2|orangefs"
    r"|fuse\.(sshfs|glusterfs\w*|ceph\w*|s3fs|rclone|smbnetfs|davfs\w*)|davfs"
)
_DAMAGED = "damaged"
LOCAL_DISK = "set XDG_STATE_HOME (or StateDirectory= of systemd) to a folder of a local disk"
"""Remedy."""


class RecordFolderError(PlayerError):
    """No records can be kept in a folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Limits of what is kept.

    Attributes:
        days: What is older is removed.
        bytes: On disk at most, everything included.
    """

    days: float
    bytes: int

    @property
    def share(self) -> int:
        """Bytes of a file at which a new one is begun."""
        return min(self.bytes // SHARES, MAX_FILE_BYTES)


def network_file_system(folder: Path, mounts: Mounts | None = None) -> str:
    """Return the type of the network file system that has a folder; empty: it is a local one, or
    unknown."""
    found = (mounts or Mounts.read()).type_of(folder.resolve())
    return found if _NETWORK.fullmatch(found) else ""


class RecordFolder:
    """Records of one kind; for one thread that writes, and any that read.

    Args:
        folder: Where the files are; made if it is not there.
        layout: Their tables.
        retention: Limits.
        clock: The time.
        mounts: File systems of this host; None: those that there are.

    Attributes:
        set_aside: Sentences on files that were damaged, the newest last.
    """

    def __init__(
        self,
        folder: Path,
        layout: RecordLayout,
        retention: Retention,
        clock: Clock,
        mounts: Mounts | None = None,
    ) -> None:
        self.folder, self._layout, self._retention = folder, layout, retention
        self._clock, self._mounts = clock, mounts
        self._file: RecordFile | None = None
        self._last = 0  # number that was written last, as far as it is known
        self._suspects: set[Path] = set()
        self._is_new = False  # the file was opened since the others were looked at
        self._shrunk_at = -math.inf
        self.set_aside: list[str] = []
        self._name = re.compile(rf"{re.escape(layout.name)}-(\d+)\.sqlite")

    # files

    def _files(self) -> list[tuple[int, Path]]:
        """Return those that are sound, by the number of their first record."""
        found = ((self._name.fullmatch(path.name), path) for path in self._all())
        return sorted((int(match[1]), path) for match, path in found if match)

    def _all(self) -> list[Path]:
        try:
            return list(self.folder.glob(f"{self._layout.name}-*"))
        except OSError:
            return []

    def _path(self, first: int) -> Path:
        return self.folder / f"{self._layout.name}-{first:012d}.sqlite"

    @property
    def size(self) -> int:
        """Bytes on disk of all of it."""
        return sum(map(_size, self._all()))

    def _open(self) -> RecordFile:
        """Return the file to write to; errors as of RecordFile, and RecordFolderError."""
        if self._file is not None and self._file.is_at_its_place:
            return self._file
        self._leave()
        if not self.folder.is_dir():
            self._make_folder()
        if found := network_file_system(self.folder, self._mounts):
            text = f"{self.folder} is on a network file system ({found}), where SQLite's locks fail"
            raise RecordFolderError(f"{text}; {LOCAL_DISK}")
        first, path = (self._files() or [(1, self._path(1))])[-1]
        try:
            file = RecordFile(path, self._layout, first)
            if file.is_finished:
                first = max(file.next_number, first + 1)
                file.close()
                file = RecordFile(self._path(first), self._layout, first)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            self._put_aside(path, error)
            first = max(self._last, first + self._retention.share) + 1  # it held fewer than that
            file = RecordFile(self._path(first), self._layout, first)
        self._file, self._last, self._is_new = file, file.next_number - 1, True
        return file

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            text = f"{self.folder} cannot be made ({error.strerror or error})"
            remedy = "set XDG_STATE_HOME to a folder of a local disk that this account may write to"
            raise RecordFolderError(f"{text}; {remedy}") from error

    def _leave(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            with suppress(sqlite3.Error):  # it may be damaged, or its disk full
                file.close()

    def close(self) -> None:
        """Close what is open; may be called twice."""
        self._leave()

    def _put_aside(self, path: Path, why: BaseException) -> None:
        self._leave()
        aside = path.with_suffix(f".{_DAMAGED}")
        for part, renamed in zip(parts_of(path), parts_of(aside), strict=True):
            with suppress(FileNotFoundError):
                part.rename(renamed)
        text = f"{path} was damaged ({why}) and is {aside.name} now; a new file was begun"
        self.set_aside.append(text)
        log.error("%s", text)

    # writing

    @property
    def first(self) -> int:
        """Number of the first record of the file that is written to; errors as of `add`."""
        return self._open().first

    def add(self, work: Callable[[sqlite3.Connection, int], object]) -> None:
        """Add records in one transaction.

        Args:
            work: Writes; it gets the number of the next record. It may be called again.

        Raises:
            sqlite3.Error, OSError, RecordFolderError: Nothing was written.
        """
        for path in list(self._suspects):
            self._suspects.discard(path)
            self._look_at(path)
        for _ in range(3):
            file = self._open()
            try:
                file.add(work)
                self._last = file.next_number - 1
                return
            except FinishedFileError:
                self._leave()
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    self._leave()  # what has failed once is opened anew
                    raise
                self._put_aside(file.path, error)
        raise RecordFolderError(f"{self.folder}: no file takes records; see the log")

    def change(self, number: int, work: Callable[[sqlite3.Connection], object]) -> None:
        """Change a record that was added earlier; one that is gone is left. Errors as of `add`."""
        file = self._open()
        if number >= file.first:
            file.change(work)
            return
        found = [(first, path) for first, path in self._files() if first <= number]
        if found:
            first, path = found[-1]
            old = RecordFile(path, self._layout, first)
            try:
                old.change(work)
            finally:
                old.close()

    def _look_at(self, path: Path) -> None:
        """Set a file aside if it is damaged, as a reader found."""
        if self._file is not None and self._file.path == path:
            self._leave()
        try:
            first = next(first for first, known in self._files() if known == path)
            RecordFile(path, self._layout, first).close()
        except StopIteration:
            return
        except sqlite3.DatabaseError as error:
            if is_damage(error):
                self._put_aside(path, error)

    def care(self) -> None:
        """Keep the limits: to be called after what was added. Errors as of `add`."""
        file, share = self._open(), self._retention.share
        size = sum(map(_size, parts_of(file.path)))
        if _size(parts_of(file.path)[1]) > share // 4:
            file.checkpoint()
        begins_us = file.begins_us
        if begins_us is not None:
            age = self._clock.time() - begins_us / 1e6
            if size >= share or age > self._retention.days * 86400 / SHARES:
                file.finish()
                self._leave()
                self._open()
        if self._is_new or self._clock.monotonic() - self._shrunk_at >= SHRINK_EVERY_S:
            self._is_new = False
            self._shrink()

    def _shrink(self) -> None:
        """Remove the oldest files, as far as they are too many bytes or too old."""
        assert self._file is not None
        current = self._file.path
        allowed = self._retention.bytes - _SPARE * self._retention.share
        found = self._all()
        total = sum(map(_size, found))
        groups = self._groups(found)
        for first in sorted(groups):
            parts = groups[first]
            if current in parts or total <= allowed:
                break
            total -= sum(map(_size, parts))
            _remove(parts)
        self._remove_the_oldest()

    def _groups(self, found: Sequence[Path]) -> dict[int, list[Path]]:
        """Return all files, damaged ones too, by the number of the first record."""
        groups: dict[int, list[Path]] = {}
        for path in found:
            if match := re.match(rf"{re.escape(self._layout.name)}-(\d+)\.", path.name):
                groups.setdefault(int(match[1]), []).append(path)
        return groups

    def _remove_the_oldest(self) -> None:
        now = self._clock.monotonic()
        if now - self._shrunk_at < SHRINK_EVERY_S:
            return
        self._shrunk_at = now
        groups = self._groups(self._all())
        oldest = min(groups)
        if len(groups) == 1:
            return
        until = self._clock.time() - 86400 * self._retention.days
        path = self._path(oldest)
        try:
            rows = read_records(path, "SELECT value FROM about WHERE key = 'finished'", ())
            newest_s = int(rows[0][0]) / 1e6 if rows else path.stat().st_mtime
        except (sqlite3.Error, OSError):  # it was damaged
            newest_s = max((part.stat().st_mtime for part in groups[oldest]), default=0.0)
        if newest_s < until:
            _remove(groups[oldest])

    # reading

    def select(
        self,
        question: str,
        parameters: Sequence[object] = (),
        *,
        after: int = 0,
        most: int = 1000,
        newest: bool = False,
    ) -> list[tuple[Any, ...]]:
        """Return records in the order of their numbers; from any thread.

        Args:
            question: `SELECT number, ... FROM records ... WHERE ...`, without an order.
            parameters: Of it.
            after: Number after which they begin.
            most: So many at most.
            newest: The last of them; False: the first.

        Raises:
            RefusedError: It took too long.
        """
        files = self._files()
        ends = [first for first, _ in files[1:]]  # the newest has none
        wanted = [
            path for (_, path), end in zip_longest(files, ends) if end is None or end > after + 1
        ]
        order = "DESC" if newest else "ASC"
        text = f"{question} AND records.number > ? ORDER BY records.number {order} LIMIT ?"
        found: list[tuple[Any, ...]] = []
        for path in reversed(wanted) if newest else wanted:
            found += self._read(path, text, (*parameters, after, most - len(found)))
            if len(found) >= most:
                break
        return found[::-1] if newest else found

    def span(self) -> tuple[int, int]:
        """Return the numbers of the oldest and of the newest record; 0 and 0: there is none. Errors
        as of `select`; the first may be lower than the oldest that is left in a damaged file."""
        newest = self.select("SELECT number FROM records WHERE 1", most=1, newest=True)
        files = self._files()
        return (files[0][0], newest[0][0]) if newest and files else (0, 0)

    def answers(
        self, question: str, parameters: Sequence[object] = ()
    ) -> Iterator[list[tuple[Any, ...]]]:
        """Yield what each file answers, from the newest on; errors as of `select`."""
        for _, path in reversed(self._files()):
            yield self._read(path, question, parameters)

    def _read(
        self, path: Path, question: str, parameters: Sequence[object]
    ) -> list[tuple[Any, ...]]:
        """Read a file; of a damaged one, which is set aside later, nothing."""
        try:
            return read_records(path, question, parameters)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise RefusedError(f"{path} cannot be read now: {error}") from error
            self._suspects.add(path)
            return []
        except (OverflowError, UnicodeEncodeError) as error:
            raise RefusedError(f"nothing of that kind is kept: {error}") from error

    def state(self) -> JsonObject:
        """Return what is kept where, for who asks how it fares."""
        return {
            "folder": str(self.folder),
            "bytes": self.size,
            "most_bytes": self._retention.bytes,
            "days": self._retention.days,
            "set_aside": list(self.set_aside),
        }


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _remove(parts: Sequence[Path]) -> None:
    for path in sorted(parts):  # the file before its log
        with suppress(FileNotFoundError):
            path.unlink()

"""A display memory in a file, mapped, from its making to its removal.

It is named as Rustogramer names it, `.tmp` and six letters in the home folder, so it must be told
from files of other programs that have such names. A mark says that it is ours; a lock (flock), which
the kernel releases with its holder, that somebody still uses it. What a killed histogrammer left is
removed by the next one.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import re
import secrets
import stat
import string
from pathlib import Path

from histogrammer.display.memory import (
    DEFAULT_MEGABYTES,
    DisplayMemory,
    checked_megabytes,
    file_bytes,
)
from histogrammer.display.owners import own_mark
from histogrammer.display.protocol.layout import TEXT_BYTES
from histogrammer.display.protocol.mark import MARK_OFFSET, read_mark, write_mark
from histogrammer.errors import DisplayMemoryError

__all__ = ["FileMemory"]

_NAME = re.compile(r"\.tmp[0-9A-Za-z]{6}")
_LETTERS = string.ascii_letters + string.digits


class FileMemory(DisplayMemory):
    """A display memory in a file, all of it on the disk before anything is written.

    Args:
        folder: In which its file is made: the home folder.
        megabytes: Size of its channels, MiB.

    Raises:
        DisplayMemoryError: There is no such folder, or no space on its disk or in the user's quota.

    Attributes:
        path: Of the file.
    """

    def __init__(self, folder: Path, megabytes: int = DEFAULT_MEGABYTES) -> None:
        channel_bytes = checked_megabytes(megabytes)
        _remove_leftovers(folder)
        length = file_bytes(megabytes)
        try:
            self.path, self._file = _make(folder.absolute())
            try:
                os.posix_fallocate(self._file, 0, length)
                mapped = mmap.mmap(self._file, length)
            except BaseException:
                self._remove()
                raise
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise DisplayMemoryError(
                f"display memory of {megabytes} MiB in {folder}: {reason}; it needs a folder that "
                f"can be written and {length} bytes there, so make room or ask for less "
                "(--shm-mbytes)"
            ) from error
        super().__init__(mapped, channel_bytes)

    @property
    def key(self) -> str:
        """Place where displays find it, as `shmem/key` tells them."""
        return f"file:{self.path}"

    def close(self) -> None:
        """Remove the file. Those who have mapped it keep what they see."""
        if self._file >= 0:
            self._remove()

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(self._file), os.lstat(self.path)):
                self.path.unlink()
        os.close(self._file)
        self._file = -1


def _make(folder: Path) -> tuple[Path, int]:
    """Make a file with a name of its own, lock it, then mark it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    while True:
        path = folder / (".tmp" + "".join(secrets.choice(_LETTERS) for _ in range(6)))
        try:
            file = os.open(path, flags, 0o600)
        except FileExistsError:
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            os.pwrite(file, write_mark(own_mark()), MARK_OFFSET)
        except BaseException:
            os.close(file)
            path.unlink(missing_ok=True)
            raise
        return path, file


def _remove_leftovers(folder: Path) -> None:
    """Remove the files of owners that are no more; those of others are not touched."""
    try:
        paths = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    except OSError:
        return
    for path in paths:
        with contextlib.suppress(OSError):  # gone, locked, or not ours to remove
            _remove_leftover(path)


def _remove_leftover(path: Path) -> None:
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid():
        return
    file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_same = os.path.samestat(os.fstat(file), path.lstat())
        if is_same and read_mark(os.pread(file, TEXT_BYTES, MARK_OFFSET)) is not None:
            path.unlink()
    finally:
        os.close(file)

"""Files that are written by rename: nobody ever reads half of one."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path

from groundwork.closing import Closing

__all__ = ["WholeFile", "replace_file"]

_FOLDER = os.O_DIRECTORY | os.O_CLOEXEC
_NAMELESS = os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC
_NO_NAMELESS = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT)
"""Errors of disks that have no files without a name."""
_NAMED = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LONGEST_NAME = 200
"""Bytes of a name that are in that of its temporary file, which has at most 255."""


class WholeFile(Closing):
    """A file that is written beside its place, and gets its name when it is whole.

    Left without `commit` nothing of it stays, also if the process is killed, and what was there
    before is kept. On disks that have no files without a name it has another one until then. No link
    is followed in its folder: one in the file's place is replaced.

    Args:
        folder: Descriptor of its folder, which stays open until the file is closed; of one that is
            to be durable open for reading.
        name: Name of the file in it.
        mode: Of the file.

    Raises:
        OSError: It cannot be made.
    """

    def __init__(self, folder: int, name: str, mode: int = 0o644) -> None:
        self._folder, self._name = folder, name
        self._temporary = ""
        try:
            self._file = os.open(".", _NAMELESS, 0o600, dir_fd=folder)
        except OSError as error:
            if error.errno not in _NO_NAMELESS:
                raise
            self._temporary = self._new_name()
            self._file = os.open(self._temporary, _NAMED, 0o600, dir_fd=folder)
        try:
            os.fchmod(self._file, mode)
        except BaseException:
            self.close()
            raise

    def _new_name(self) -> str:
        begin = os.fsdecode(os.fsencode(self._name)[:_LONGEST_NAME])
        return f".{begin}.{secrets.token_hex(4)}"

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write more of it; OSError: it cannot be."""
        left = memoryview(data)
        while left:
            left = left[os.write(self._file, left) :]

    def read(self, count: int, first: int) -> bytes:
        """Return what was written, from an offset on; OSError: it cannot be read."""
        return os.pread(self._file, count, first)

    def commit(self, *, is_durable: bool = False) -> None:
        """Give the file its name.

        Args:
            is_durable: Wait until the disk has it: it is there after a power failure, too.

        Raises:
            OSError: It cannot be; what was there before is kept.
        """
        if is_durable:
            os.fsync(self._file)
        if not self._temporary:
            name = self._new_name()
            os.link(f"/proc/self/fd/{self._file}", name, dst_dir_fd=self._folder)
            self._temporary = name
        os.replace(self._temporary, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        self._temporary = ""
        if is_durable:
            os.fsync(self._folder)

    def close(self) -> None:
        """Close it, and remove what was not committed; may be called twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        if self._temporary:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary, dir_fd=self._folder)
            self._temporary = ""


def replace_file(path: Path, content: str | bytes, *, is_durable: bool = False) -> None:
    """Write a file that all may read, whole or not at all; no link is followed, in whosever folder
    it is.

    Args:
        path: In a folder that exists.
        content: Of it; a text is written as UTF-8.
        is_durable: Wait until the disk has it: it is there after a power failure, too.

    Raises:
        OSError: It cannot be written; what was there before is kept.
    """
    folder = os.open(path.parent, _FOLDER | (os.O_RDONLY if is_durable else os.O_PATH))
    try:
        with WholeFile(folder, path.name) as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.commit(is_durable=is_durable)
    finally:
        os.close(folder)

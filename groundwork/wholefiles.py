"""Files that are written by rename: nobody ever reads half of one."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import Self

__all__ = ["WholeFile", "replace_file"]

_FOLDER = os.O_DIRECTORY | os.O_CLOEXEC
_LONGEST_NAME = 200
"""Bytes of a name that are in that of its temporary file, which has at most 255."""


class WholeFile:
    """A file that is written beside its place, under another name, and gets its name when it is whole.

    Left without `commit` nothing of it stays, and what was there before is kept. No link is followed in
    its folder: one in the file's place is replaced.

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
        begin = os.fsdecode(os.fsencode(name)[:_LONGEST_NAME])
        self._temporary = f".{begin}.{secrets.token_hex(4)}"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.open(self._temporary, flags, 0o600, dir_fd=folder)
        try:
            os.fchmod(self._file, mode)
        except BaseException:
            self.close()
            raise

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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def replace_file(path: Path, text: str, *, is_durable: bool = False) -> None:
    """Write a file that all may read, whole or not at all; no link is followed, in whosever folder
    it is.

    Args:
        path: In a folder that exists.
        text: Its content.
        is_durable: Wait until the disk has it: it is there after a power failure, too.

    Raises:
        OSError: It cannot be written; what was there before is kept.
    """
    folder = os.open(path.parent, _FOLDER | (os.O_RDONLY if is_durable else os.O_PATH))
    try:
        with WholeFile(folder, path.name) as file:
            file.write(text.encode())
            file.commit(is_durable=is_durable)
    finally:
        os.close(folder)

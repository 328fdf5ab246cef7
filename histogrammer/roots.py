"""Folders below which clients may name files; no link and no `..` leads out of them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from groundwork.givenfiles import GivenFileError, given_file, read_given
from groundwork.regularfiles import NotRegularError
from groundwork.wholefiles import replace_file

__all__ = ["MOST_READ_BYTES", "Roots"]

MOST_READ_BYTES = 1 << 30
"""Of a file of spectra: 4096 x 4096 channels with counts, as lines."""


class Roots:
    """Folders whose files may be read and written. Relative paths begin at the working folder.

    Args:
        folders: They need not exist; none: no file at all.

    Attributes:
        folders: As they were given, each once.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self.folders = tuple(dict.fromkeys(folders))

    def find(self, path: Path) -> Path:
        """Return where a file that is there truly is.

        Raises:
            NotRegularError: There is none, or it is elsewhere; the text has not its path.
        """
        if not self.folders:
            raise NotRegularError("no folder is named in which files are read and written (--root)")
        try:
            return given_file(path, self.folders)
        except GivenFileError as error:
            raise NotRegularError(str(error)) from error

    def read(self, path: str) -> bytes:
        """Return the contents of a regular file.

        Raises:
            NotRegularError: As of `find`; or it cannot be read, or has too many bytes.
        """
        try:
            return read_given(self.find(Path(path)), self.folders, MOST_READ_BYTES)
        except GivenFileError as error:
            raise NotRegularError(str(error)) from error

    def write(self, path: str, text: str) -> None:
        """Write a file by rename: it is written whole, or what was there stays.

        Raises:
            NotRegularError: Its folder is elsewhere or not there, or it cannot be written.
        """
        try:
            name, folder = Path(path).name, self.find(Path(path).parent)
            if name in ("", "..") or os.path.isdir(folder / name):
                raise NotRegularError("is a folder; name a file in it")
            replace_file(folder / name, text)
        except (OSError, ValueError) as error:
            raise NotRegularError(getattr(error, "strerror", None) or "is no path") from error

"""Folders below which clients may name files; no link and no `..` leads out of them, nor to what is
hidden: a home folder has keys and settings there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from groundwork.givenfiles import GivenFileError, given_file, read_given
from groundwork.regularfiles import NotRegularError, open_folder, open_regular
from groundwork.wholefiles import replace_file

__all__ = ["MAX_READ_BYTES", "Roots"]

MAX_READ_BYTES = 1 << 30
"""Of a file of spectra: 4096 x 4096 channels with counts, as lines."""
_HEAD_BYTES = 64
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_HIDDEN = "is hidden: a name of its path begins with a dot; take another"


class Roots:
    """Folders whose files may be read and written. Relative paths begin at the working folder.

    Args:
        folders: They need not exist; none: no file at all.
        has_hidden: Hidden files and folders in them may be named, too.

    Attributes:
        folders: As they were given, each once.
    """

    def __init__(self, folders: Iterable[Path], *, has_hidden: bool = False) -> None:
        self.folders = tuple(dict.fromkeys(folders))
        self._has_hidden = has_hidden

    def find(self, path: Path) -> Path:
        """Return where a file that is there truly is.

        Raises:
            NotRegularError: There is none, or it is elsewhere, or hidden; the text has not its path.
        """
        if not self.folders:
            raise NotRegularError("no folder is named in which files are read and written (--root)")
        try:
            found = given_file(path, self.folders)
        except GivenFileError as error:
            raise NotRegularError(str(error)) from error
        if self._is_hidden(found):
            raise NotRegularError(_HIDDEN)
        return found

    def _is_hidden(self, found: Path) -> bool:
        """Tell whether a path is hidden below all folders that it is in."""
        roots = [root.resolve() for root in self.folders]
        below = [found.relative_to(root) for root in roots if found.is_relative_to(root)]
        return not self._has_hidden and all(
            any(part.startswith(".") for part in path.parts) for path in below
        )

    def read(self, path: str) -> bytes:
        """Return the contents of a regular file.

        Raises:
            NotRegularError: As of `find`; or it cannot be read, or has too many bytes.
        """
        try:
            return read_given(self.find(Path(path)), self.folders, MAX_READ_BYTES)
        except GivenFileError as error:
            raise NotRegularError(str(error)) from error

    def write(self, path: str, content: str | bytes, may_replace: Callable[[bytes], bool]) -> None:
        """Write a file by rename: it is written whole, or what was there stays.

        Args:
            path: Of the file. A link is replaced, not followed.
            content: Of it.
            may_replace: Tells by the first bytes of a file that is there whether it may be lost.

        Raises:
            NotRegularError: Its folder is elsewhere or not there, it cannot be written, or there is
                something that is not to be replaced.
        """
        try:
            replace_file(self._place(path, may_replace), content)
        except (OSError, ValueError) as error:
            raise NotRegularError(getattr(error, "strerror", None) or "is no path") from error

    def create(self, path: str) -> int:
        """Return the descriptor of a new file, open for reading and writing; to be closed by the caller.

        An empty file and a link are replaced; nothing else is.

        Args:
            path: Of the file.

        Raises:
            NotRegularError: As of `write`.
        """
        try:
            place = self._place(path, lambda _head: False)
            folder = open_folder(place.parent)
            try:
                with suppress(FileNotFoundError):
                    os.unlink(place.name, dir_fd=folder)
                return os.open(place.name, _NEW, 0o644, dir_fd=folder)
            finally:
                os.close(folder)
        except (OSError, ValueError) as error:
            raise NotRegularError(getattr(error, "strerror", None) or "is no path") from error

    def _place(self, path: str, may_replace: Callable[[bytes], bool]) -> Path:
        """Return where a file that is to be written truly is."""
        name, folder = Path(path).name, self.find(Path(path).parent)
        place = folder / name
        if name in ("", "..") or place.is_dir():
            raise NotRegularError("is a folder; name a file in it")
        if self._is_hidden(place):
            raise NotRegularError(_HIDDEN)
        if os.path.lexists(place) and not place.is_symlink():
            head = _head(place)
            if head and not may_replace(head):
                raise NotRegularError(
                    "is there, and is something else; name another file, or remove it first"
                )
        return place


def _head(place: Path) -> bytes:
    """Return the first bytes of a file; NotRegularError: it is none."""
    descriptor = open_regular(place)
    try:
        return os.read(descriptor, _HEAD_BYTES)
    finally:
        os.close(descriptor)
